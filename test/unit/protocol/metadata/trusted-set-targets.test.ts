import { describe, expect, test } from "@jest/globals";
import { instant } from "../../../../protocol/base/brand.ts";
import { SNAPSHOT_BYTES_MAX, type ListedFile } from "../../../../protocol/metadata/index.ts";
import {
  KEYS,
  LATER,
  makeSnapshot,
  makeTargets,
  PAST,
  testSigner,
  textTarget,
  type SnapshotRecipe,
} from "../../../support/signed-metadata.ts";
import {
  awaitingSnapshot,
  awaitingTargets,
  codeOf,
  withKept,
} from "../../../support/trusted-sets.ts";

describe("TUF 5.5: the snapshot", () => {
  test.each<[string, SnapshotRecipe, string]>([
    ["5.5.3: signed by a stranger", { signers: [KEYS.stranger] }, "SNAPSHOT_BAD_SIGNATURES"],
    [
      "5.5.3: signed by the timestamp's key",
      { signers: [KEYS.timestamp] },
      "SNAPSHOT_BAD_SIGNATURES",
    ],
    ["5.5.6: expired", { expires: PAST }, "SNAPSHOT_EXPIRED"],
  ])("%s, is refused", async (_what, recipe, code) => {
    const snapshot = await makeSnapshot(recipe);
    const set = await awaitingSnapshot(snapshot);
    expect(codeOf(set.updateSnapshot(snapshot.bytes))).toBe(code);
    expect(set.snapshot).toBeUndefined();
  });

  test("5.5.2: with another hash than listed is refused", async () => {
    const set = await awaitingSnapshot(await makeSnapshot());
    const other = await makeSnapshot({ expires: PAST });
    expect(codeOf(set.updateSnapshot(other.bytes))).toBe("SNAPSHOT_HASH_MISMATCH");
  });

  test("5.5.2: with another length than listed is refused", async () => {
    const set = await awaitingSnapshot(await makeSnapshot());
    expect(codeOf(set.updateSnapshot(new Uint8Array(SNAPSHOT_BYTES_MAX)))).toBe(
      "SNAPSHOT_LENGTH_MISMATCH",
    );
  });

  test("5.5.4: of another version than listed is refused", async () => {
    const { bytes } = await makeSnapshot({ version: 2 });
    const set = await awaitingSnapshot({ version: 3, bytes });
    expect(codeOf(set.updateSnapshot(bytes))).toBe("SNAPSHOT_WRONG_VERSION");
  });

  test("5.5.5: that lists an older targets file is refused", async () => {
    const kept = await makeSnapshot({
      roles: new Map([["targets", await makeTargets({ version: 2 })]]),
    });
    const fresh = await makeSnapshot({ version: 2 });
    const set = await awaitingSnapshot(fresh, kept);
    expect(codeOf(set.updateSnapshot(fresh.bytes))).toBe("TARGETS_ROLLBACK");
  });

  test("5.5.5: that lists an older delegated file is refused", async () => {
    const roles = (version: number) =>
      Promise.all([makeTargets(), makeTargets({ version })]).then(
        ([targets, vendor]) =>
          new Map([
            ["targets", targets],
            ["vendor", vendor],
          ]),
      );
    const kept = await makeSnapshot({ roles: await roles(7) });
    const fresh = await makeSnapshot({ version: 2, roles: await roles(6) });
    const set = await awaitingSnapshot(fresh, kept);
    expect(codeOf(set.updateSnapshot(fresh.bytes))).toBe("TARGETS_ROLLBACK");
  });

  test("5.5.5: that no longer lists a role is refused", async () => {
    const targets = await makeTargets();
    const kept = await makeSnapshot({
      roles: new Map([
        ["targets", targets],
        ["vendor", targets],
      ]),
    });
    const fresh = await makeSnapshot({ version: 2, roles: new Map([["targets", targets]]) });
    const set = await awaitingSnapshot(fresh, kept);
    expect(codeOf(set.updateSnapshot(fresh.bytes))).toBe("TARGETS_REMOVED");
  });

  test("5.5.5: an expired kept snapshot still guards against rollback", async () => {
    const roles = new Map([["targets", await makeTargets({ version: 2 })]]);
    const kept = await makeSnapshot({ expires: PAST, roles });
    const fresh = await makeSnapshot({ version: 2 });
    const set = await awaitingSnapshot(fresh, kept);
    expect(codeOf(set.updateSnapshot(fresh.bytes))).toBe("TARGETS_ROLLBACK");
  });

  test("older than the kept one is refused, even where no timestamp was kept", async () => {
    const fresh = await makeSnapshot({ version: 2 });
    const set = await awaitingSnapshot(fresh, await makeSnapshot({ version: 3 }));
    expect(codeOf(set.updateSnapshot(fresh.bytes))).toBe("SNAPSHOT_ROLLBACK");
  });

  test("of equal version and different content is refused", async () => {
    const fresh = await makeSnapshot({ expires: instant(LATER + 1000) });
    const set = await awaitingSnapshot(fresh, await makeSnapshot());
    expect(codeOf(set.updateSnapshot(fresh.bytes))).toBe("EQUAL_VERSION_DIFFERENT_CONTENT");
  });

  test("that names other content for an equal targets version is refused", async () => {
    const other = await makeTargets({ expires: instant(LATER + 1000) });
    const fresh = await makeSnapshot({ version: 2, roles: new Map([["targets", other]]) });
    const set = await awaitingSnapshot(fresh, await makeSnapshot());
    expect(codeOf(set.updateSnapshot(fresh.bytes))).toBe("EQUAL_VERSION_DIFFERENT_CONTENT");
  });

  test("is not trusted on the word of an expired timestamp", async () => {
    const set = await withKept({ expires: PAST });
    expect(codeOf(set.updateSnapshot((await makeSnapshot()).bytes))).toBe("TIMESTAMP_EXPIRED");
  });
});

describe("TUF 5.6: targets", () => {
  async function updated(listed: ListedFile, served = listed.bytes): Promise<string> {
    const set = await awaitingTargets(new Map([["targets", listed]]));
    return codeOf(set.updateTargets(served));
  }

  test("that are right are trusted", async () => {
    const targets = await makeTargets({ targets: new Map([["a/b", textTarget("x")]]) });
    const set = await awaitingTargets(new Map([["targets", targets]]));
    expect(codeOf(set.updateTargets(targets.bytes))).toBe("ok");
    expect(set.targets?.targets.get("a/b")?.length).toBe(1);
  });

  test("5.6.2: with another hash or length than listed are refused", async () => {
    const targets = await makeTargets();
    const later = await makeTargets({ expires: PAST });
    expect(await updated(targets, later.bytes)).toBe("TARGETS_HASH_MISMATCH");
    expect(await updated(targets, targets.bytes.subarray(1))).toBe("TARGETS_LENGTH_MISMATCH");
  });

  test("5.6.3: signed by a stranger, or by an online key, are refused", async () => {
    for (const signer of [KEYS.stranger, KEYS.snapshot, KEYS.timestamp]) {
      expect(await updated(await makeTargets({ signers: [signer] }))).toBe(
        "TARGETS_BAD_SIGNATURES",
      );
    }
  });

  test("5.6.4: of another version than listed are refused", async () => {
    const { bytes } = await makeTargets({ version: 2 });
    expect(await updated({ version: 1, bytes })).toBe("TARGETS_WRONG_VERSION");
  });

  test("5.6.5: that have expired are refused", async () => {
    expect(await updated(await makeTargets({ expires: PAST }))).toBe("TARGETS_EXPIRED");
  });

  test("that the snapshot does not list are refused", async () => {
    const set = await awaitingTargets(new Map());
    expect(codeOf(set.updateTargets((await makeTargets()).bytes))).toBe("TARGETS_NOT_IN_SNAPSHOT");
  });

  test("are not trusted on the word of a kept snapshot that the timestamp does not name", async () => {
    const fresh = await makeSnapshot({ version: 2 });
    const set = await awaitingSnapshot(fresh, await makeSnapshot());
    expect(set.isSnapshotCurrent()).toBe(false);
    const { bytes } = await makeTargets();
    expect(codeOf(set.updateTargets(bytes))).toBe("SNAPSHOT_WRONG_VERSION");
  });
});

describe("delegated targets", () => {
  const [alice, bob] = [testSigner(30), testSigner(31)];

  function delegationsTo(name: string, key: typeof alice) {
    const { keyId, publicKey } = key;
    const value = {
      keytype: "ed25519",
      scheme: "ed25519",
      keyval: { public: Buffer.from(publicKey).toString("hex") },
    };
    const role = { name, keyids: [keyId], threshold: 1, paths: ["x/*"], terminating: true };
    return { keys: { [keyId]: value }, roles: [role] };
  }

  test("are trusted as the delegate of the delegator whose key signed them, and of no other", async () => {
    // targets -> a (by alice) and targets -> b (by bob); both delegate to "shared", to different keys.
    const keysOfBoth = { ...delegationsTo("a", alice).keys, ...delegationsTo("b", bob).keys };
    const rolesOfBoth = [...delegationsTo("a", alice).roles, ...delegationsTo("b", bob).roles];
    const targets = await makeTargets({ delegations: { keys: keysOfBoth, roles: rolesOfBoth } });
    const a = await makeTargets({ signers: [alice], delegations: delegationsTo("shared", alice) });
    const b = await makeTargets({ signers: [bob], delegations: delegationsTo("shared", bob) });
    const shared = await makeTargets({ signers: [alice] });
    const roles = new Map([
      ["targets", targets],
      ["a", a],
      ["b", b],
      ["shared", shared],
    ]);
    const set = await awaitingTargets(roles);
    expect(codeOf(set.updateTargets(targets.bytes))).toBe("ok");
    expect(codeOf(set.updateTargets(a.bytes, { role: "a", delegator: "targets" }))).toBe("ok");
    expect(codeOf(set.updateTargets(b.bytes, { role: "b", delegator: "targets" }))).toBe("ok");
    const byA = { role: "shared", delegator: "a" };
    const byB = { role: "shared", delegator: "b" };
    expect(codeOf(set.updateTargets(shared.bytes, byA))).toBe("ok");
    expect(codeOf(set.updateTargets(shared.bytes, byB))).toBe("TARGETS_BAD_SIGNATURES");
    expect(set.targetsOf(byB)).toBeUndefined();
  });

  test("that nobody delegates to are refused", async () => {
    const targets = await makeTargets();
    const set = await awaitingTargets(
      new Map([
        ["targets", targets],
        ["a", targets],
      ]),
    );
    expect(codeOf(set.updateTargets(targets.bytes))).toBe("ok");
    const stray = set.updateTargets(targets.bytes, { role: "a", delegator: "targets" });
    expect(codeOf(stray)).toBe("TARGETS_NOT_DELEGATED");
  });

  test("must not bear the name of a top-level role", async () => {
    const targets = await makeTargets({ delegations: delegationsTo("snapshot", alice) });
    const set = await awaitingTargets(new Map([["targets", targets]]));
    expect(codeOf(set.updateTargets(targets.bytes))).toBe("TARGETS_MALFORMED");
  });
});
