import { describe, expect, test } from "@jest/globals";
import { brand } from "../../../../protocol/base/brand.ts";
import { utf8 } from "../../../../protocol/base/bytes.ts";
import { canonicalJson } from "../../../../protocol/base/canonical-json.ts";
import { packBundle, type ManifestFields } from "../../../../protocol/bundle/index.ts";
import { keyObject, sha256Hex } from "../../../../protocol/crypto/index.ts";
import {
  authorAssignment,
  authorRecall,
  authorDirectorKeys,
  describeFile,
  directorKeysPath,
  readDirectorKeys,
  signMetadata,
  targetFilePath,
  type AssignmentFields,
  type HardwarePolicy,
  type RecallFields,
} from "../../../../protocol/metadata/index.ts";
import {
  decideUpdate,
  downloadTarget,
  refresh,
  resolveTarget,
  resolveTopLevelTarget,
  type DecideOptions,
  type DeviceFacts,
} from "../../../../device-agent/update/index.ts";
import { listDrivers } from "../../../support/listed-drivers.ts";
import {
  KEYS,
  LATER,
  makeRepository,
  makeRoot,
  NOW,
  PAST,
} from "../../../support/signed-metadata.ts";
import { codeOf } from "../../../support/trusted-sets.ts";
import { memoryWorld } from "./memory-ports.ts";

const TENANT: DeviceFacts["tenant"] = brand("acme");

function bundle(version: string, change: Partial<ManifestFields> = {}): Uint8Array {
  return packBundle(new Map([["driver.js", utf8(`// ${version}`)]]), {
    version,
    abi: { major: 1, minor: 0 },
    isa: { major: 1, minor: 0 },
    socs: ["sm8350", "sm8650"],
    kernels: [],
    builtFrom: { recipe: version, sourceSha256: sha256Hex(utf8("source")) },
    ...change,
  });
}

const OLD = bundle("1.0.0");
const NEW = bundle("1.1.0");

const FACTS: DeviceFacts = {
  tenant: TENANT,
  device: brand("phone-1"),
  soc: "sm8650",
  abi: { major: 1, minor: 0 },
  isa: { major: 1, minor: 0 },
  current: { version: "1.0.0", sha256: sha256Hex(OLD) },
  previous: null,
  recovery: { version: "1.0.0", sha256: sha256Hex(OLD) },
  recalled: [],
  accepted: null,
  sandbox: "strong",
};

const KEYSET = authorDirectorKeys({
  tenant: TENANT,
  epoch: 1,
  threshold: 1,
  keys: new Map([[KEYS.director.keyId, keyObject(KEYS.director.publicKey)]]),
  validFrom: PAST,
  validUntil: LATER,
});

interface Situation {
  readonly bundles?: readonly Uint8Array[];
  readonly floor?: string;
  readonly policy?: Partial<HardwarePolicy>;
  readonly assignment?: Partial<AssignmentFields>;
  /** Instead of an assignment. */
  readonly recall?: Partial<RecallFields>;
  readonly facts?: Partial<DeviceFacts>;
  readonly metadata?: DecideOptions["metadata"];
}

const FRESH = { timestampVersion: 1, isStale: false };

/** The whole way of an update's decision: refresh, key set, assignment, image. */
async function decided(situation: Situation) {
  const { bundles = [OLD, NEW], floor = "1.0.0", policy, assignment, recall, facts } = situation;
  const { metadata = FRESH } = situation;
  const listed = await listDrivers(bundles, { signers: [KEYS.targets], securityFloor: floor });
  const keyset = canonicalJson(KEYSET);
  const path = directorKeysPath(TENANT);
  const targets = new Map([...listed.targets, [path, describeFile(keyset)]]);
  const made = memoryWorld(await makeRoot(), await makeRepository({ targets: { targets } }));
  for (const [name, bytes] of listed.contents) {
    made.files.set(targetFilePath({ path: name, sha256: sha256Hex(bytes) }), bytes);
  }
  made.files.set(`targets/director/${sha256Hex(keyset)}.keys-acme.json`, keyset);
  const trusted = await refresh(made.ports);
  if (!trusted.ok) throw new Error(trusted.message);
  const found = resolveTopLevelTarget(trusted.value, path);
  if (!found.ok) throw new Error(found.message);
  const downloaded = await downloadTarget(made.ports, found.value.target);
  if (!downloaded.ok) throw new Error(downloaded.message);
  const directorKeys = readDirectorKeys(downloaded.value, TENANT);
  if (!directorKeys.ok) throw new Error(directorKeys.message);
  const options: DecideOptions = {
    envelope: await signMetadata(
      recall
        ? authorRecall({ ...RECALL, ...recall })
        : authorAssignment({ ...assigned(), ...assignment }),
      [KEYS.director],
    ),
    directorKeys: directorKeys.value,
    policy: policy && { ...POLICY, ...policy },
    facts: { ...FACTS, ...facts },
    now: NOW,
    metadata,
    fetch: made.ports.fetch,
    resolve: (wanted) => resolveTarget(trusted.value, made.ports, wanted),
  };
  return decideUpdate(options);
}

function assigned(bytes = NEW, path = "drivers/sm8650/1.1.0"): AssignmentFields {
  return {
    tenant: TENANT,
    device: FACTS.device,
    target: { path, sha256: sha256Hex(bytes), length: bytes.length },
    rollout: brand("rollout-7"),
    stage: 0,
    epoch: 1,
    sequence: 1,
    startBefore: LATER,
    activateBefore: LATER,
    evidence: { policyHash: sha256Hex(utf8("policy")), watermark: 0 },
  };
}

const POLICY: HardwarePolicy = {
  _type: "hardware-policy",
  family: "sm8650",
  securityFloor: "1.0.0",
  revoked: [],
};

const RECALL: RecallFields = {
  ...{ tenant: TENANT, device: FACTS.device, epoch: 1, sequence: 1, startBefore: LATER },
  recalled: [sha256Hex(NEW)],
  returnTo: null,
  reason: "it burns batteries",
};

test("an image and an assignment that agree are installed", async () => {
  const decision = await decided({});
  expect(decision).toMatchObject({
    ok: true,
    value: {
      kind: "install",
      target: { path: "drivers/sm8650/1.1.0", sha256: sha256Hex(NEW), length: NEW.length },
      facts: { version: "1.1.0" },
      assignment: { rollout: "rollout-7", sequence: 1 },
    },
  });
});

test("what is installed already is not installed again", async () => {
  const current = { version: "1.1.0", sha256: sha256Hex(NEW) };
  expect(await decided({ facts: { current } })).toMatchObject({ value: { kind: "nothing" } });
});

test("the director may return a device to an older version above the floor", async () => {
  const { target } = assigned(OLD, "drivers/sm8650/1.0.0");
  const current = { version: "1.1.0", sha256: sha256Hex(NEW) };
  const decision = await decided({ assignment: { target }, facts: { current } });
  expect(decision).toMatchObject({ value: { kind: "install", facts: { version: "1.0.0" } } });
});

describe("nothing is installed when", () => {
  const { target } = assigned();
  const replayed = { epoch: 1, sequence: 2, contentSha256: sha256Hex(utf8("")), finished: true };
  const forAbi2 = bundle("1.1.0", { abi: { major: 2, minor: 0 } });
  const forIsa11 = bundle("1.1.0", { isa: { major: 1, minor: 1 } });
  const for8350 = bundle("1.1.0", { socs: ["sm8350"] });

  test.each<[string, Situation, string]>([
    ["the device's chip is another", { facts: { soc: "sm8350" } }, "WRONG_HARDWARE"],
    [
      "the director sends another family's image",
      { bundles: [for8350], assignment: assigned(for8350, "drivers/sm8350/1.1.0") },
      "WRONG_HARDWARE",
    ],
    [
      "the ABI's major is another",
      { bundles: [forAbi2], assignment: assigned(forAbi2) },
      "WRONG_ABI",
    ],
    [
      "the chip lacks instructions",
      { bundles: [forIsa11], assignment: assigned(forIsa11) },
      "WRONG_ISA",
    ],
    ["the version is below the floor", { floor: "1.2.0" }, "BELOW_SECURITY_FLOOR"],
    ["the assignment is replayed", { facts: { accepted: replayed } }, "ASSIGNMENT_REPLAYED"],
    ["the assignment came too late", { assignment: { startBefore: NOW } }, "ASSIGNMENT_EXPIRED"],
    [
      "the assignment is another device's",
      { facts: { device: brand("x") } },
      "ASSIGNMENT_WRONG_DEVICE",
    ],
    [
      "the offline floor of the hardware is higher",
      { policy: { securityFloor: "1.1.1" } },
      "BELOW_SECURITY_FLOOR",
    ],
    [
      "the offline keys revoked the image",
      { policy: { revoked: [sha256Hex(NEW)] } },
      "IMAGE_REVOKED",
    ],
    ["the image was recalled", { facts: { recalled: [sha256Hex(NEW)] } }, "IMAGE_RECALLED"],
    ["no offline key vouches for the image", { bundles: [OLD] }, "TARGET_NOT_FOUND"],
    [
      "the director names other bytes",
      { assignment: { target: { ...target, sha256: sha256Hex(OLD) } } },
      "ASSIGNMENT_DISAGREES_WITH_IMAGE",
    ],
    [
      "the director names another length",
      { assignment: { target: { ...target, length: 1 } } },
      "ASSIGNMENT_DISAGREES_WITH_IMAGE",
    ],
    [
      "the director names a target that is no driver",
      {
        assignment: assigned(canonicalJson(KEYSET), directorKeysPath(TENANT)),
      },
      "NOT_A_DRIVER",
    ],
  ])("%s", async (_why, situation, code) => {
    expect(codeOf(await decided(situation))).toBe(code);
  });
});

describe("metadata that has run out", () => {
  const stale = { timestampVersion: 7, isStale: true };
  const carried = { airGapped: true, timestampVersion: 7 };
  test.each<[string, Situation, string]>([
    ["serves an order that was made for it on a stick", { assignment: carried }, "ok"],
    [
      "serves one that knew of an older timestamp",
      { assignment: { ...carried, timestampVersion: 6 } },
      "ok",
    ],
    [
      "serves no order that knew of a newer one",
      { assignment: { ...carried, timestampVersion: 8 } },
      "TIMESTAMP_EXPIRED",
    ],
    ["serves no order that names none", { assignment: { airGapped: true } }, "TIMESTAMP_EXPIRED"],
    ["serves no order of a check-in", { assignment: { timestampVersion: 7 } }, "TIMESTAMP_EXPIRED"],
    ["serves a recall that was made for it", { recall: { ...carried } }, "ok"],
    ["serves no recall of a check-in", { recall: {} }, "TIMESTAMP_EXPIRED"],
    ["lengthens no order", { assignment: { ...carried, startBefore: NOW } }, "ASSIGNMENT_EXPIRED"],
  ])("%s", async (_what, situation, code) => {
    expect(codeOf(await decided({ ...situation, metadata: stale }))).toBe(code);
  });
});

describe("a recall", () => {
  const old = { version: "1.0.0", sha256: sha256Hex(OLD) };
  const current = { version: "1.1.0", sha256: sha256Hex(NEW) };
  const factory = { version: "0.9.0", sha256: sha256Hex(utf8("factory")) };
  const device = { current, previous: old, recovery: factory };
  const returnTo = {
    path: "drivers/sm8650/1.0.0",
    sha256: old.sha256,
    length: OLD.length,
  };

  test.each<[string, Situation, string]>([
    ["goes back to the version before", { facts: device }, "1.0.0"],
    ["goes where the director says", { recall: { returnTo }, facts: device }, "1.0.0"],
    [
      "goes to the recovery driver where there is no other",
      { facts: { ...device, previous: null } },
      "0.9.0",
    ],
    [
      "goes to the recovery driver where the one before is below the floor",
      { floor: "1.1.0", facts: device },
      "0.9.0",
    ],
    [
      "goes to the recovery driver where the one before is revoked",
      { policy: { revoked: [old.sha256] }, facts: device },
      "0.9.0",
    ],
    ["of another version holds the device where it is", { facts: { current: old } }, "1.0.0"],
  ])("%s", async (_what, situation, version) => {
    const decision = await decided({ recall: {}, ...situation });
    expect(decision).toMatchObject({ value: { kind: "recall", to: { version } } });
  });

  test.each<[string, Situation, string]>([
    [
      "to a version that never ran here",
      { recall: { returnTo }, facts: { ...device, previous: null } },
      "RECALL_TO_UNCOMMITTED",
    ],
    [
      "to a version below the floor",
      { recall: { returnTo }, facts: device, floor: "1.1.0" },
      "BELOW_SECURITY_FLOOR",
    ],
    [
      "to a version that it recalls itself",
      { recall: { returnTo, recalled: [current.sha256, old.sha256] }, facts: device },
      "IMAGE_RECALLED",
    ],
    [
      "to bytes that the offline keys did not sign",
      { recall: { returnTo: { ...returnTo, length: 1 } }, facts: device },
      "ASSIGNMENT_DISAGREES_WITH_IMAGE",
    ],
    [
      "of the recovery driver",
      { recall: { recalled: [factory.sha256] }, facts: device },
      "RECALL_OF_RECOVERY",
    ],
    ["for another device", { recall: { device: brand("x") } }, "ASSIGNMENT_WRONG_DEVICE"],
    ["that is over", { recall: { startBefore: NOW } }, "ASSIGNMENT_EXPIRED"],
  ])("%s is refused", async (_what, situation, code) => {
    expect(codeOf(await decided({ recall: {}, ...situation }))).toBe(code);
  });
});
