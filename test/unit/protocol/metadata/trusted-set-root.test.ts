import { describe, expect, test } from "@jest/globals";
import { instant } from "../../../../protocol/base/brand.ts";
import { fromUtf8, utf8 } from "../../../../protocol/base/bytes.ts";
import {
  ROOT_BYTES_MAX,
  signMetadata,
  TIMESTAMP_BYTES_MAX,
  TrustedSet,
} from "../../../../protocol/metadata/index.ts";
import {
  KEYS,
  LATER,
  makeRoot,
  makeSnapshot,
  makeTimestamp,
  NOW,
  PAST,
  testSigner,
  type RootRecipe,
  type TimestampRecipe,
} from "../../../support/signed-metadata.ts";
import { codeOf, started, withKept } from "../../../support/trusted-sets.ts";

describe("TUF 5.2: the trusted root", () => {
  test("may have expired: it is there to be succeeded", async () => {
    expect((await started({ expires: PAST })).root.version).toBe(1);
  });

  test("must be signed by itself", async () => {
    const root = await makeRoot({ signers: [KEYS.stranger] });
    expect(codeOf(TrustedSet.start(root, NOW))).toBe("ROOT_BAD_SIGNATURES");
  });

  test.each([
    ["no JSON", utf8("{")],
    ["no envelope", utf8("[]")],
    ["no UTF-8", Uint8Array.of(0xff)],
    ["nested without end", utf8("[".repeat(100_000))],
    ["another role", utf8('{"signatures":[],"signed":{"_type":"targets"}}')],
  ])("that is %s is malformed", (_what, bytes) => {
    expect(codeOf(TrustedSet.start(bytes, NOW))).toBe("ROOT_MALFORMED");
  });

  test("that is too large is not even read", () => {
    expect(codeOf(TrustedSet.start(new Uint8Array(ROOT_BYTES_MAX + 1), NOW))).toBe(
      "ROOT_TOO_LARGE",
    );
  });

  test("of another specification, without a role, or with a threshold of zero is malformed", async () => {
    const edits: RootRecipe["edit"][] = [
      (root) => ({ ...root, spec_version: "2.0.0" }),
      (root) => ({ ...root, roles: { ...root.roles, snapshot: undefined } }),
      (root) => ({ ...root, roles: { ...root.roles, root: { keyids: [], threshold: 0 } } }),
      (root) => ({ ...root, version: 0 }),
      (root) => ({ ...root, expires: "2026-13-01T00:00:00Z" }),
    ];
    for (const edit of edits) {
      const text = await makeRoot({
        ...(edit && { edit: (root) => JSON.parse(JSON.stringify(edit(root))) }),
      });
      expect(codeOf(TrustedSet.start(text, NOW))).toBe("ROOT_MALFORMED");
    }
  });
});

describe("TUF 5.3.4: a new root is signed by a threshold of the old and of the new keys", () => {
  const second = testSigner(11);
  const third = testSigner(12);

  test.each<[string, RootRecipe, string]>([
    ["by the old key", {}, "ok"],
    ["by a stranger", { signers: [KEYS.stranger] }, "ROOT_BAD_SIGNATURES"],
    ["by old and new keys", { keys: { root: [second] }, signers: [KEYS.root, second] }, "ok"],
    ["by new keys only", { keys: { root: [second] }, signers: [second] }, "ROOT_BAD_SIGNATURES"],
    ["by old keys only", { keys: { root: [second] }, signers: [KEYS.root] }, "ROOT_BAD_SIGNATURES"],
    [
      "by one of two new keys where two are needed",
      { keys: { root: [second, third] }, thresholds: { root: 2 }, signers: [KEYS.root, second] },
      "ROOT_BAD_SIGNATURES",
    ],
  ])("%s: %#", async (_who, recipe, code) => {
    const set = await started();
    expect(codeOf(set.updateRoot(await makeRoot({ version: 2, ...recipe })))).toBe(code);
    expect(set.root.version).toBe(code === "ok" ? 2 : 1);
  });

  test("TUF 4.2.1: a key that has signed twice makes the document malformed", async () => {
    const keys = { root: [KEYS.root, second] };
    const set = await started({ keys, thresholds: { root: 2 } });
    const twice = [KEYS.root, KEYS.root];
    const root = await makeRoot({ version: 2, keys, thresholds: { root: 2 }, signers: twice });
    expect(codeOf(set.updateRoot(root))).toBe("ROOT_MALFORMED");
  });

  test("one key under two ids counts once", async () => {
    const alias = "ab".repeat(32);
    const edit: RootRecipe["edit"] = (root) => ({
      ...root,
      keys: { ...root.keys, [alias]: root.keys[KEYS.root.keyId] },
      roles: { ...root.roles, root: { keyids: [KEYS.root.keyId, alias], threshold: 2 } },
    });
    const aliased = { ...KEYS.root, keyId: alias as typeof KEYS.root.keyId };
    const set = await started();
    const root = await makeRoot({ version: 2, edit, signers: [KEYS.root, aliased] });
    expect(codeOf(set.updateRoot(root))).toBe("ROOT_BAD_SIGNATURES");
  });

  test("fields that nobody knows are signed too: changing one breaks the signature", async () => {
    const edit: RootRecipe["edit"] = (root) => ({ ...root, "x-note": "spring" });
    const root = fromUtf8(await makeRoot({ version: 2, edit }));
    expect(codeOf((await started()).updateRoot(utf8(root)))).toBe("ok");
    const altered = utf8(root.replace("spring", "autumn"));
    expect(codeOf((await started()).updateRoot(altered))).toBe("ROOT_BAD_SIGNATURES");
  });
});

test.each([1, 3])("TUF 5.3.5: from root 1, version %d is not the next", async (version) => {
  const set = await started();
  expect(codeOf(set.updateRoot(await makeRoot({ version })))).toBe("ROOT_WRONG_VERSION");
});

test("TUF 5.3.6: an expired root on the way to a good one is no obstacle", async () => {
  const set = await started();
  expect(codeOf(set.updateRoot(await makeRoot({ version: 2, expires: PAST })))).toBe("ok");
  expect(codeOf(set.finishRoots())).toBe("ROOT_EXPIRED");
  expect(codeOf(set.updateRoot(await makeRoot({ version: 3 })))).toBe("ok");
  expect(codeOf(set.finishRoots())).toBe("ok");
});

test("TUF 5.3.10: nothing is trusted on the word of an expired root", async () => {
  const set = await started({ expires: PAST });
  expect(codeOf(set.finishRoots())).toBe("ROOT_EXPIRED");
  expect(codeOf(set.updateTimestamp(await makeTimestamp()))).toBe("ROOT_EXPIRED");
});

test("TUF 5.3.10: metadata that expires this very moment has expired", async () => {
  expect(codeOf((await started({ expires: NOW })).finishRoots())).toBe("ROOT_EXPIRED");
  const aSecondLater = instant(NOW + 1000);
  expect(codeOf((await started({ expires: aSecondLater })).finishRoots())).toBe("ok");
});

test.each<[string, RootRecipe, boolean]>([
  ["no rotation", {}, false],
  ["rotated targets keys", { keys: { targets: [testSigner(20)] } }, false],
  ["rotated timestamp keys", { keys: { timestamp: [testSigner(20)] } }, true],
  ["an added snapshot key", { keys: { snapshot: [KEYS.snapshot, testSigner(20)] } }, true],
])("TUF 5.3.11: %s", async (_what, recipe, onlineKeysRotated) => {
  const set = await started();
  const updated = set.updateRoot(await makeRoot({ version: 2, ...recipe }));
  expect(updated).toEqual({ ok: true, value: { onlineKeysRotated } });
});

describe("TUF 5.4: the timestamp", () => {
  test.each<[string, TimestampRecipe, string]>([
    ["5.4.2: signed by a stranger", { signers: [KEYS.stranger] }, "TIMESTAMP_BAD_SIGNATURES"],
    [
      "5.4.2: signed by the snapshot's key",
      { signers: [KEYS.snapshot] },
      "TIMESTAMP_BAD_SIGNATURES",
    ],
    ["5.4.2: unsigned", { signers: [] }, "TIMESTAMP_BAD_SIGNATURES"],
    ["5.4.4: expired", { expires: PAST }, "TIMESTAMP_EXPIRED"],
  ])("%s, is refused", async (_what, recipe, code) => {
    const set = await started();
    expect(codeOf(set.updateTimestamp(await makeTimestamp(recipe)))).toBe(code);
    expect(set.timestamp).toBeUndefined();
  });

  test("that is another role's file is malformed", async () => {
    const set = await started();
    const { bytes } = await makeSnapshot({ signers: [KEYS.timestamp] });
    expect(codeOf(set.updateTimestamp(bytes))).toBe("TIMESTAMP_MALFORMED");
  });

  test("that is too large is not read", async () => {
    const huge = new Uint8Array(TIMESTAMP_BYTES_MAX + 1);
    expect(codeOf((await started()).updateTimestamp(huge))).toBe("TIMESTAMP_TOO_LARGE");
  });

  test("5.4.3.1: an older timestamp is refused, even when ours has expired", async () => {
    const set = await withKept({ version: 2, expires: PAST });
    expect(codeOf(set.updateTimestamp(await makeTimestamp()))).toBe("TIMESTAMP_ROLLBACK");
  });

  test("5.4.3.1: the same timestamp again is unchanged, and no error", async () => {
    const set = await withKept();
    expect(set.updateTimestamp(await makeTimestamp())).toEqual({ ok: true, value: "unchanged" });
  });

  test("5.4.3.1: the same timestamp again, signed once more, is unchanged too", async () => {
    const set = await withKept();
    const again = await makeTimestamp({ signers: [KEYS.stranger, KEYS.timestamp] });
    expect(set.updateTimestamp(again)).toEqual({ ok: true, value: "unchanged" });
  });

  test("5.4.3.1: an equal version with different content is discarded, ours stays", async () => {
    const set = await withKept();
    const other = await makeTimestamp({ expires: instant(LATER + 1000) });
    expect(set.updateTimestamp(other)).toEqual({ ok: true, value: "discarded" });
    expect(set.timestamp?.expires).toBe(LATER);
  });

  test("5.4.3.2: a newer timestamp that names an older snapshot is refused", async () => {
    const set = await withKept({ snapshot: await makeSnapshot({ version: 2 }) });
    expect(codeOf(set.updateTimestamp(await makeTimestamp({ version: 2 })))).toBe(
      "SNAPSHOT_ROLLBACK",
    );
  });

  test("a newer timestamp that names other content for the snapshot's version is refused", async () => {
    const set = await withKept();
    const snapshot = await makeSnapshot({ expires: instant(LATER + 1000) });
    const fresh = await makeTimestamp({ version: 2, snapshot });
    expect(codeOf(set.updateTimestamp(fresh))).toBe("EQUAL_VERSION_DIFFERENT_CONTENT");
  });

  test("a kept one signed by a key that is no longer trusted is not loaded", async () => {
    const set = await started({ keys: { timestamp: [testSigner(20)] } });
    expect(codeOf(set.loadTimestamp(await makeTimestamp()))).toBe("TIMESTAMP_BAD_SIGNATURES");
  });
});

describe("TUF 7.1: a floor under a bogus clock", () => {
  const signedAt = instant(NOW - 1000);
  const LONG_AGO = instant(0);
  const startedLongAgo = async (): Promise<TrustedSet> => {
    const set = TrustedSet.start(await makeRoot(), LONG_AGO);
    if (!set.ok) throw new Error(set.message);
    return set.value;
  };

  test("comes from the kept timestamp: what expired before that was signed has expired", async () => {
    const set = await startedLongAgo();
    set.loadTimestamp(await makeTimestamp({ signedAt }));
    expect(set.now).toBe(signedAt);
    const stale = await makeTimestamp({ version: 2, expires: PAST });
    expect(codeOf(set.updateTimestamp(stale))).toBe("TIMESTAMP_EXPIRED");
  });

  test("comes from a fresh timestamp, for all that follows it", async () => {
    const set = await startedLongAgo();
    const snapshot = await makeSnapshot({ expires: PAST });
    expect(codeOf(set.updateTimestamp(await makeTimestamp({ signedAt, snapshot })))).toBe("ok");
    expect(codeOf(set.updateSnapshot(snapshot.bytes))).toBe("SNAPSHOT_EXPIRED");
  });

  test("never sets a clock back", async () => {
    const set = await started();
    set.loadTimestamp(await makeTimestamp({ signedAt }));
    expect(set.now).toBe(NOW);
  });

  test("is bounded by the signed timestamp's expiry", async () => {
    const set = await startedLongAgo();
    set.loadTimestamp(await makeTimestamp({ signedAt: instant(LATER * 2), expires: PAST }));
    expect(set.now).toBe(PAST);
  });

  test("is not set by an unsigned, a foreign or an unreadable time", async () => {
    const set = await startedLongAgo();
    const forged = await makeTimestamp({ signedAt, signers: [KEYS.stranger] });
    expect(codeOf(set.loadTimestamp(forged))).toBe("TIMESTAMP_BAD_SIGNATURES");
    expect(codeOf(set.loadTimestamp(await makeTimestamp()))).toBe("ok");
    expect(set.now).toBe(LONG_AGO);
  });

  test("is reset by a root rotation: what a thief signed under the old root holds up nothing", async () => {
    const set = await startedLongAgo();
    set.updateRoot(await makeRoot({ version: 2, expires: LATER }));
    set.loadTimestamp(await makeTimestamp({ signedAt: instant(LATER * 2), expires: LATER }));
    expect(set.now).toBe(LONG_AGO);
    expect(codeOf(set.finishRoots())).toBe("ok");
  });
});

test("a document that holds a fraction has no canonical form, hence no signature", async () => {
  const root = await signMetadata({ _type: "root" }, []);
  const text = fromUtf8(root).replace('"_type"', '"x":0.5,"_type"');
  expect(codeOf(TrustedSet.start(utf8(text), NOW))).toBe("ROOT_MALFORMED");
});
