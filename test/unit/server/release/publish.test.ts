import { describe, expect, test } from "@jest/globals";
import { instant, type Instant } from "../../../../protocol/base/brand.ts";
import { utf8 } from "../../../../protocol/base/bytes.ts";
import { sha256Hex } from "../../../../protocol/crypto/index.ts";
import type { TargetFileJson } from "../../../../protocol/metadata/index.ts";
import {
  publishRepository,
  SNAPSHOT_LIFETIME_MS,
  startRepository,
  TIMESTAMP_LIFETIME_MS,
  type Publication,
  type PublishPorts,
  type RepositoryState,
  type Submission,
} from "../../../../server/release/index.ts";
import {
  KEYS,
  makeRoot,
  makeTargets,
  NOW,
  PAST,
  testSigner,
  textTarget,
  type TargetsRecipe,
} from "../../../support/signed-metadata.ts";
import { codeOf } from "../../../support/trusted-sets.ts";

const STORED = new Set<string>();

function ports(change: Partial<PublishPorts> = {}): PublishPorts {
  return {
    snapshotSigner: KEYS.snapshot,
    timestampSigner: KEYS.timestamp,
    now: NOW,
    hasFile: (path) => Promise.resolve(STORED.has(path)),
    ...change,
  };
}

async function empty(): Promise<RepositoryState> {
  const state = startRepository(await makeRoot(), NOW);
  if (!state.ok) throw new Error(state.message);
  return state.value;
}

/** A submission of targets with texts as contents. */
async function release(
  texts: Readonly<Record<string, string>>,
  recipe: TargetsRecipe = {},
): Promise<Submission> {
  const entries = Object.entries(texts);
  const targets = new Map(
    entries.map(([path, text]): [string, TargetFileJson] => [path, textTarget(text)]),
  );
  const { bytes } = await makeTargets({ targets, ...recipe });
  const contents = new Map(entries.map(([path, text]) => [path, utf8(text)]));
  return { targets: new Map([["targets", bytes]]), contents };
}

async function published(
  state: RepositoryState,
  submission: Submission,
  now: Instant = NOW,
): Promise<Publication> {
  const publication = await publishRepository(state, submission, ports({ now }));
  if (!publication.ok) throw new Error(`${publication.code}: ${publication.message}`);
  for (const path of publication.value.files.keys()) STORED.add(path);
  return publication.value;
}

async function codeFor(
  submission: Submission,
  change: Partial<PublishPorts> = {},
): Promise<string> {
  return codeOf(await publishRepository(await empty(), submission, ports(change)));
}

test("a first release writes its files in an order in which no reader finds a gap", async () => {
  const { files, versions } = await published(await empty(), await release({ "a/b.js": "one" }));
  expect([...files.keys()]).toEqual([
    `targets/a/${sha256Hex(utf8("one"))}.b.js`,
    "1.targets.json",
    "1.snapshot.json",
    "timestamp.json",
  ]);
  expect(versions).toEqual({ root: 1, targets: 1, snapshot: 1, timestamp: 1 });
});

test("a second release keeps what was published, and writes only what is new", async () => {
  const first = await published(await empty(), await release({ "second/a": "one" }));
  const texts = { "second/a": "one", "second/b": "two" };
  const { targets, contents } = await release(texts, { version: 2 });
  const onlyNew = new Map([...(contents ?? [])].filter(([path]) => path === "second/b"));
  const second = await published(first.state, { ...(targets && { targets }), contents: onlyNew });
  expect([...second.files.keys()]).toEqual([
    `targets/second/${sha256Hex(utf8("two"))}.b`,
    "2.targets.json",
    "2.snapshot.json",
    "timestamp.json",
  ]);
});

describe("renewal without a submission", () => {
  test("signs a new timestamp over the same snapshot", async () => {
    const first = await published(await empty(), await release({ a: "one" }));
    const renewed = await published(first.state, {}, instant(NOW + TIMESTAMP_LIFETIME_MS));
    expect([...renewed.files.keys()]).toEqual(["timestamp.json"]);
    expect(renewed.versions).toMatchObject({ snapshot: 1, timestamp: 2 });
  });

  test("signs a new snapshot when half of the old one's life is over", async () => {
    const first = await published(await empty(), await release({ a: "one" }));
    const renewed = await published(first.state, {}, instant(NOW + SNAPSHOT_LIFETIME_MS / 2));
    expect([...renewed.files.keys()]).toEqual(["2.snapshot.json", "timestamp.json"]);
  });
});

describe("what a device would refuse is not published", () => {
  test.each<[string, TargetsRecipe, string]>([
    ["targets signed by a stranger", { signers: [KEYS.stranger] }, "TARGETS_BAD_SIGNATURES"],
    ["targets signed by an online key", { signers: [KEYS.snapshot] }, "TARGETS_BAD_SIGNATURES"],
    ["expired targets", { expires: PAST }, "TARGETS_EXPIRED"],
  ])("%s", async (_what, recipe, code) => {
    expect(await codeFor(await release({ a: "one" }, recipe))).toBe(code);
  });

  test("older targets, and other targets of the same version", async () => {
    const two = await published(await empty(), await release({ a: "one" }, { version: 2 }));
    const again = async (texts: Record<string, string>, version: number) =>
      codeOf(await publishRepository(two.state, await release(texts, { version }), ports()));
    expect(await again({ a: "one" }, 1)).toBe("TARGETS_ROLLBACK");
    expect(await again({ a: "uno" }, 2)).toBe("EQUAL_VERSION_DIFFERENT_CONTENT");
  });

  test("anything under an expired root", async () => {
    const state = startRepository(await makeRoot({ expires: PAST }), NOW);
    if (!state.ok) throw new Error(state.message);
    const outcome = await publishRepository(state.value, await release({ a: "one" }), ports());
    expect(codeOf(outcome)).toBe("ROOT_EXPIRED");
  });

  test("what the server signed with keys that the root does not name", async () => {
    const submission = await release({ a: "one" });
    const stranger = KEYS.stranger;
    expect(await codeFor(submission, { snapshotSigner: stranger })).toBe("SNAPSHOT_BAD_SIGNATURES");
    expect(await codeFor(submission, { timestampSigner: stranger })).toBe(
      "TIMESTAMP_BAD_SIGNATURES",
    );
  });

  test("a root that the current root's keys did not sign", async () => {
    const keys = { root: [KEYS.stranger] };
    const root = await makeRoot({ version: 2, keys, signers: [KEYS.stranger] });
    expect(await codeFor({ roots: [root] })).toBe("ROOT_BAD_SIGNATURES");
  });
});

describe("contents", () => {
  test("that are listed but absent are asked for", async () => {
    const { targets } = await release({ "absent/a": "one" });
    expect(await codeFor({ ...(targets && { targets }) })).toBe("CONTENT_MISSING");
  });

  test("that are not what is listed are refused", async () => {
    const submission = await release({ a: "one" });
    const contents = new Map([["a", utf8("eno")]]);
    expect(await codeFor({ ...submission, contents })).toBe("CONTENT_MISMATCH");
  });

  test("that nothing lists are refused", async () => {
    const submission = await release({ a: "one" });
    const contents = new Map([...(submission.contents ?? []), ["b", utf8("two")] as const]);
    expect(await codeFor({ ...submission, contents })).toBe("CONTENT_UNLISTED");
  });
});

test("a policy that no device could read is refused", async () => {
  const submission = await release({ "policy/sm8650.json": "{}" });
  expect(await codeFor(submission)).toBe("HARDWARE_POLICY_MALFORMED");
});

describe("keys", () => {
  test("rotated timestamp and snapshot keys take over, with a new snapshot", async () => {
    const first = await published(await empty(), await release({ a: "one" }));
    const [snapshot, timestamp] = [testSigner(40), testSigner(41)];
    const root = await makeRoot({
      version: 2,
      keys: { snapshot: [snapshot], timestamp: [timestamp] },
      signers: [KEYS.root],
    });
    const change = { snapshotSigner: snapshot, timestampSigner: timestamp };
    const rotated = await publishRepository(first.state, { roots: [root] }, ports(change));
    if (!rotated.ok) throw new Error(rotated.message);
    expect([...rotated.value.files.keys()]).toEqual([
      "2.root.json",
      "2.snapshot.json",
      "timestamp.json",
    ]);
  });
});

describe("delegations", () => {
  const vendor = testSigner(50);
  const { keyId, publicKey } = vendor;
  const key = {
    keytype: "ed25519",
    scheme: "ed25519",
    keyval: { public: Buffer.from(publicKey).toString("hex") },
  };
  const role = { name: "vendor", keyids: [keyId], threshold: 1, paths: ["k/*"], terminating: true };
  const delegations = { keys: { [keyId]: key }, roles: [role] };

  test("a delegated role is published beside the one that delegates", async () => {
    const top = await makeTargets({ delegations });
    const delegated = await makeTargets({ signers: [vendor] });
    const targets = new Map([
      ["targets", top.bytes],
      ["vendor", delegated.bytes],
    ]);
    const { files } = await published(await empty(), { targets });
    expect([...files.keys()]).toContain("1.vendor.json");
  });

  test("a delegated role must be there, signed by its own key", async () => {
    const top = await makeTargets({ delegations });
    const forged = await makeTargets({ signers: [KEYS.targets] });
    expect(await codeFor({ targets: new Map([["targets", top.bytes]]) })).toBe(
      "DELEGATED_ROLE_MISSING",
    );
    const targets = new Map([
      ["targets", top.bytes],
      ["vendor", forged.bytes],
    ]);
    expect(await codeFor({ targets })).toBe("TARGETS_BAD_SIGNATURES");
  });

  test("a role that nobody delegates to is refused", async () => {
    const top = await makeTargets();
    const stray = await makeTargets({ signers: [vendor] });
    const targets = new Map([
      ["targets", top.bytes],
      ["vendor", stray.bytes],
    ]);
    expect(await codeFor({ targets })).toBe("TARGETS_NOT_DELEGATED");
  });
});
