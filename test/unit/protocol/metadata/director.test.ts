import { describe, expect, test } from "@jest/globals";
import { brand } from "../../../../protocol/base/brand.ts";
import { fromUtf8, utf8 } from "../../../../protocol/base/bytes.ts";
import { canonicalJson } from "../../../../protocol/base/canonical-json.ts";
import { keyObject, sha256Hex } from "../../../../protocol/crypto/index.ts";
import {
  ASSIGNMENT_BYTES_MAX,
  authorAssignment,
  authorDirectorKeys,
  readDirectorKeys,
  signMetadata,
  verifyAssignment,
  type AssignmentContext,
  type AssignmentFields,
  type DirectorKeysOptions,
} from "../../../../protocol/metadata/index.ts";
import { KEYS, LATER, NOW, PAST, testSigner } from "../../../support/signed-metadata.ts";
import { codeOf } from "../../../support/trusted-sets.ts";

const CONTEXT: AssignmentContext = {
  tenant: brand("acme"),
  device: brand("phone-1"),
  now: NOW,
  accepted: null,
};

const FIELDS: AssignmentFields = {
  tenant: CONTEXT.tenant,
  device: CONTEXT.device,
  target: { path: "drivers/sm8650/1.1.0", sha256: sha256Hex(utf8("bundle")), length: 6 },
  rollout: brand("rollout-7"),
  stage: 0,
  epoch: 2,
  sequence: 5,
  startBefore: LATER,
  activateBefore: LATER,
  evidence: { policyHash: sha256Hex(utf8("policy")), watermark: 0 },
};

function directorKeys(change: Partial<DirectorKeysOptions> = {}) {
  const options: DirectorKeysOptions = {
    tenant: CONTEXT.tenant,
    epoch: 2,
    threshold: 1,
    keys: new Map([[KEYS.director.keyId, keyObject(KEYS.director.publicKey)]]),
    validFrom: PAST,
    validUntil: LATER,
    ...change,
  };
  const keys = readDirectorKeys(canonicalJson(authorDirectorKeys(options)), options.tenant);
  if (!keys.ok) throw new Error(keys.message);
  return keys.value;
}

interface Attack {
  readonly fields?: Partial<AssignmentFields>;
  readonly keys?: Partial<DirectorKeysOptions>;
  readonly context?: Partial<AssignmentContext>;
  readonly signers?: readonly (typeof KEYS.director)[];
}

async function outcome({ fields, keys, context, signers = [KEYS.director] }: Attack) {
  const envelope = await signMetadata(authorAssignment({ ...FIELDS, ...fields }), signers);
  return verifyAssignment(envelope, directorKeys(keys), { ...CONTEXT, ...context });
}

test("a signed assignment for this device is accepted as it was written", async () => {
  const verified = await outcome({});
  expect(verified).toMatchObject({ ok: true, value: FIELDS });
});

describe("an assignment is refused when", () => {
  test.each<[string, Attack, string]>([
    ["a stranger signed it", { signers: [KEYS.stranger] }, "ASSIGNMENT_BAD_SIGNATURES"],
    ["the offline key signed it", { signers: [KEYS.targets] }, "ASSIGNMENT_BAD_SIGNATURES"],
    ["one of two needed keys signed it", { keys: { threshold: 2 } }, "ASSIGNMENT_BAD_SIGNATURES"],
    ["it is another tenant's", { fields: { tenant: brand("rival") } }, "ASSIGNMENT_WRONG_TENANT"],
    ["it is another device's", { fields: { device: brand("phone-2") } }, "ASSIGNMENT_WRONG_DEVICE"],
    ["its epoch is over", { fields: { epoch: 1 } }, "ASSIGNMENT_WRONG_EPOCH"],
    ["its epoch has not begun", { fields: { epoch: 3 } }, "ASSIGNMENT_WRONG_EPOCH"],
    ["it should have started before now", { fields: { startBefore: NOW } }, "ASSIGNMENT_EXPIRED"],
    ["the key set is not valid yet", { keys: { validFrom: LATER } }, "DIRECTOR_KEYS_NOT_VALID"],
    ["the key set is no longer valid", { keys: { validUntil: NOW } }, "DIRECTOR_KEYS_NOT_VALID"],
    [
      "the key set is another tenant's",
      { keys: { tenant: brand("rival") } },
      "DIRECTOR_KEYS_WRONG_TENANT",
    ],
  ])("%s", async (_why, attack, code) => {
    expect(codeOf(await outcome(attack))).toBe(code);
  });

  test("it is no document, or too large a one", () => {
    const keys = directorKeys();
    const verify = (bytes: Uint8Array) => codeOf(verifyAssignment(bytes, keys, CONTEXT));
    expect(verify(utf8("{}"))).toBe("ASSIGNMENT_MALFORMED");
    expect(verify(new Uint8Array(ASSIGNMENT_BYTES_MAX + 1))).toBe("ASSIGNMENT_TOO_LARGE");
  });

  test("a byte of it was changed", async () => {
    const envelope = await signMetadata(authorAssignment(FIELDS), [KEYS.director]);
    const altered = utf8(fromUtf8(envelope).replace('"length":6', '"length":7'));
    expect(codeOf(verifyAssignment(altered, directorKeys(), CONTEXT))).toBe(
      "ASSIGNMENT_BAD_SIGNATURES",
    );
  });
});

describe("replay", () => {
  const contentSha256 = sha256Hex(canonicalJson(authorAssignment(FIELDS)));
  const last = { epoch: 2, sequence: 5, contentSha256, finished: false };

  test.each([
    ["the same one, not finished, may go on", last, "ok"],
    ["the same one, finished, is refused", { ...last, finished: true }, "ASSIGNMENT_REPLAYED"],
    ["an older one is refused", { ...last, sequence: 6 }, "ASSIGNMENT_REPLAYED"],
    ["a newer one is accepted", { ...last, sequence: 4, finished: true }, "ok"],
    [
      "another one with the same number is refused",
      { ...last, contentSha256: sha256Hex(utf8("other")) },
      "ASSIGNMENT_REPLAYED",
    ],
    [
      "after a thief signed the largest sequence, a new epoch begins again",
      { ...last, epoch: 1, sequence: Number.MAX_SAFE_INTEGER },
      "ok",
    ],
    ["an older key set is refused", { ...last, epoch: 3 }, "DIRECTOR_KEYS_ROLLBACK"],
  ])("%s", async (_what, accepted, code) => {
    expect(codeOf(await outcome({ context: { accepted } }))).toBe(code);
  });
});

describe("a key set is refused when", () => {
  const read = (bytes: Uint8Array) => codeOf(readDirectorKeys(bytes, CONTEXT.tenant));
  const good = authorDirectorKeys({
    tenant: CONTEXT.tenant,
    epoch: 1,
    threshold: 1,
    keys: new Map([[testSigner(8).keyId, keyObject(testSigner(8).publicKey)]]),
    validFrom: PAST,
    validUntil: LATER,
  });

  test.each([
    ["nothing is wrong (it is not)", good, "ok"],
    ["it is another document", { ...good, _type: "targets" }, "DIRECTOR_KEYS_MALFORMED"],
    ["its threshold is zero", { ...good, threshold: 0 }, "DIRECTOR_KEYS_MALFORMED"],
    ["its epoch is zero", { ...good, epoch: 0 }, "DIRECTOR_KEYS_MALFORMED"],
    ["it is another tenant's", { ...good, tenant: "rival" }, "DIRECTOR_KEYS_WRONG_TENANT"],
  ])("%s", (_why, document, code) => {
    expect(read(canonicalJson(document))).toBe(code);
  });

  test("it is not JSON, or endless", () => {
    expect(read(utf8("x"))).toBe("DIRECTOR_KEYS_MALFORMED");
    expect(read(utf8(" ".repeat(100_000)))).toBe("DIRECTOR_KEYS_MALFORMED");
  });
});
