import { describe, expect, test } from "@jest/globals";
import { instant } from "../../../../protocol/base/brand.ts";
import { utf8 } from "../../../../protocol/base/bytes.ts";
import { failed } from "../../../../protocol/base/result.ts";
import { refresh } from "../../../../device-agent/update/index.ts";
import {
  KEYS,
  LATER,
  makeRepository,
  makeRoot,
  makeSnapshot,
  makeTargets,
  makeTimestamp,
  NOW,
  PAST,
  testSigner,
} from "../../../support/signed-metadata.ts";
import { codeOf } from "../../../support/trusted-sets.ts";
import { memoryWorld, type MemoryWorld } from "./memory-ports.ts";

async function world(version = 1): Promise<MemoryWorld> {
  return memoryWorld(await makeRoot(), await makeRepository({ version }));
}

/** A world that has refreshed once, its journal empty. */
async function refreshed(version = 1): Promise<MemoryWorld> {
  const made = await world(version);
  expect(codeOf(await refresh(made.ports))).toBe("ok");
  made.journal.length = 0;
  return made;
}

async function serve(made: MemoryWorld, version: number): Promise<void> {
  for (const [path, bytes] of await makeRepository({ version })) made.files.set(path, bytes);
}

test("a first refresh follows the order of the specification", async () => {
  const made = await world();
  expect(codeOf(await refresh(made.ports))).toBe("ok");
  expect(made.journal).toEqual([
    "fetch 2.root.json",
    "fetch timestamp.json",
    "put timestamp",
    "fetch 1.snapshot.json",
    "put snapshot",
    "fetch 1.targets.json",
    "put targets",
  ]);
});

test("a second refresh of an unchanged repository fetches root and timestamp only, writes nothing", async () => {
  const made = await refreshed();
  expect(codeOf(await refresh(made.ports))).toBe("ok");
  expect(made.journal).toEqual(["fetch 2.root.json", "fetch timestamp.json"]);
});

test("a device without a root of trust trusts nobody", async () => {
  const made = await world();
  made.kept.clear();
  expect(codeOf(await refresh(made.ports))).toBe("ROOT_MISSING");
});

describe("roots", () => {
  test("TUF 5.3.9: every root on the way is fetched, verified and kept", async () => {
    const made = await world();
    const keys = { root: [testSigner(11)] };
    made.files.set("2.root.json", await makeRoot({ version: 2, expires: PAST }));
    const signers = [KEYS.root, testSigner(11)];
    made.files.set("3.root.json", await makeRoot({ version: 3, keys, signers }));
    const trusted = await refresh(made.ports);
    expect(trusted.ok && trusted.value.root.version).toBe(3);
    expect(made.journal.slice(0, 5)).toEqual([
      "fetch 2.root.json",
      "put root",
      "fetch 3.root.json",
      "put root",
      "fetch 4.root.json",
    ]);
  });

  test("TUF 5.3.4: a forged root is not kept, and the next refresh starts from the old one", async () => {
    const made = await world();
    made.files.set("2.root.json", await makeRoot({ version: 2, signers: [KEYS.stranger] }));
    expect(codeOf(await refresh(made.ports))).toBe("ROOT_BAD_SIGNATURES");
    expect(made.journal).toEqual(["fetch 2.root.json"]);
    made.files.set("2.root.json", await makeRoot({ version: 2 }));
    expect(codeOf(await refresh(made.ports))).toBe("ok");
  });

  test("TUF 5.3.10: an expired root ends the update before anything else is fetched", async () => {
    const made = memoryWorld(await makeRoot({ expires: PAST }), await makeRepository());
    expect(codeOf(await refresh(made.ports))).toBe("ROOT_EXPIRED");
    expect(made.journal).toEqual(["fetch 2.root.json"]);
  });

  test("an expired root has a way back: the next root", async () => {
    const made = memoryWorld(await makeRoot({ expires: PAST }), await makeRepository());
    made.files.set("2.root.json", await makeRoot({ version: 2 }));
    expect(codeOf(await refresh(made.ports))).toBe("ok");
  });

  test("TUF 5.3.11: a fast-forwarded timestamp is recovered from by rotating its key", async () => {
    const made = await refreshed(1_000_000);
    const timestampKey = testSigner(21);
    const keys = { timestamp: [timestampKey] };
    made.files.set("2.root.json", await makeRoot({ version: 2, keys, signers: [KEYS.root] }));
    await serve(made, 1);
    made.files.set("timestamp.json", await makeTimestamp({ signers: [timestampKey] }));
    const trusted = await refresh(made.ports);
    expect(trusted.ok && trusted.value.timestamp?.version).toBe(1);
    // Deleted before the root is kept: a crash between the two repeats both.
    expect(made.journal.slice(0, 4)).toEqual([
      "fetch 2.root.json",
      "remove timestamp",
      "remove snapshot",
      "put root",
    ]);
  });
});

describe("rollback and freeze", () => {
  test("TUF 5.4.3: the old timestamp, served again, is refused and not kept", async () => {
    const made = await refreshed(2);
    await serve(made, 1);
    expect(codeOf(await refresh(made.ports))).toBe("TIMESTAMP_ROLLBACK");
    expect(made.journal.filter((entry) => entry.startsWith("put"))).toEqual([]);
  });

  test("TUF 5.4.4: a repository that stands still expires", async () => {
    const made = await refreshed();
    expect(codeOf(await refresh(made.at(instant(LATER - 1))))).toBe("ok");
    expect(codeOf(await refresh(made.at(LATER)))).toBe("ROOT_EXPIRED");
  });

  test("TUF 5.4.4: an expired timestamp is refused, fresh or kept", async () => {
    const made = await world();
    const snapshot = await makeSnapshot();
    const expires = instant(NOW + 1000);
    made.files.set("timestamp.json", await makeTimestamp({ snapshot, expires }));
    expect(codeOf(await refresh(made.ports))).toBe("ok");
    expect(codeOf(await refresh(made.at(expires)))).toBe("TIMESTAMP_EXPIRED");
    made.kept.delete("timestamp");
    expect(codeOf(await refresh(made.at(expires)))).toBe("TIMESTAMP_EXPIRED");
  });

  test("TUF 5.5.5: old targets under a new snapshot are refused", async () => {
    const made = await refreshed(2);
    const snapshot = await makeSnapshot({
      version: 3,
      roles: new Map([["targets", await makeTargets()]]),
    });
    made.files.set("3.snapshot.json", snapshot.bytes);
    made.files.set("timestamp.json", await makeTimestamp({ version: 3, snapshot }));
    expect(codeOf(await refresh(made.ports))).toBe("TARGETS_ROLLBACK");
  });

  test("mix and match: a snapshot of one release with the targets of another is refused", async () => {
    const made = await world(2);
    made.files.set("2.targets.json", (await makeTargets({ version: 1 })).bytes);
    expect(codeOf(await refresh(made.ports))).toMatch(/^TARGETS_(LENGTH|HASH)_MISMATCH$/);
  });
});

describe("endless data", () => {
  test("a file longer than listed is cut off by the fetch", async () => {
    const made = await world();
    made.files.set("1.snapshot.json", new Uint8Array(5_000_000));
    expect(codeOf(await refresh(made.ports))).toBe("FETCH_TOO_LARGE");
  });

  test("a timestamp has a limit of its own", async () => {
    const made = await world();
    made.files.set("timestamp.json", new Uint8Array(20_000));
    expect(codeOf(await refresh(made.ports))).toBe("FETCH_TOO_LARGE");
  });
});

describe("the device's own disk", () => {
  test.each(["timestamp", "snapshot", "targets"])(
    "a damaged kept %s is fetched again",
    async (role) => {
      const made = await refreshed();
      made.kept.set(role, utf8("{"));
      expect(codeOf(await refresh(made.ports))).toBe("ok");
      expect(made.journal).toContain(`put ${role}`);
    },
  );

  test("a damaged root is a failure that says so", async () => {
    const made = await refreshed();
    made.kept.set("root", utf8("{"));
    expect(codeOf(await refresh(made.ports))).toBe("ROOT_MALFORMED");
  });

  test("kept targets that somebody else signed are not trusted because they were kept", async () => {
    const made = await refreshed();
    made.kept.set("targets", (await makeTargets({ signers: [KEYS.stranger] })).bytes);
    expect(codeOf(await refresh(made.ports))).toBe("ok");
    expect(made.journal).toContain("fetch 1.targets.json");
  });
});

test("a network failure is passed on, and the next refresh goes on", async () => {
  const made = await refreshed();
  await serve(made, 2);
  const down = () => Promise.resolve(failed("FETCH_FAILED", "connection refused"));
  expect(codeOf(await refresh({ ...made.ports, fetch: down }))).toBe("FETCH_FAILED");
  expect(codeOf(await refresh(made.ports))).toBe("ok");
});

test("a repository without consistent snapshots is read by its plain names", async () => {
  const edit = (root: object) => ({ ...root, consistent_snapshot: false });
  const made = memoryWorld(await makeRoot({ edit }), await makeRepository());
  for (const role of ["snapshot", "targets"]) {
    made.files.set(`${role}.json`, made.files.get(`1.${role}.json`) as Uint8Array);
    made.files.delete(`1.${role}.json`);
  }
  expect(codeOf(await refresh(made.ports))).toBe("ok");
});
