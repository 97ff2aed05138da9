/** What one hostile case is made of: an honest repository, order and device as data, to be altered and then signed. */
import { brand, instant, type Instant } from "../../../protocol/base/brand.ts";
import { utf8 } from "../../../protocol/base/bytes.ts";
import { canonicalJson } from "../../../protocol/base/canonical-json.ts";
import { packBundle, type ManifestFields } from "../../../protocol/bundle/index.ts";
import { keyIdOf, keyObject, sha256Hex, type Signer } from "../../../protocol/crypto/index.ts";
import {
  authorAssignment,
  authorDirectorKeys,
  authorRecall,
  authorRoot,
  authorTargets,
  delegatedPaths,
  describeFile,
  directorKeysPath,
  driverPath,
  hardwarePolicyPath,
  provenancePath,
  signProvenance,
  type AcceptedAssignment,
  type AssignmentFields,
  type Delegation,
  type DirectorKeysJson,
  type HardwarePolicyJson,
  type RecallFields,
  type RootJson,
  type SnapshotJson,
  type TargetFileJson,
  type TargetsJson,
  type TimestampJson,
} from "../../../protocol/metadata/index.ts";
import type { SlotsState } from "../../../device-agent/slots/index.ts";
import { listDrivers, testStatement } from "../../support/listed-drivers.ts";
import { LATER, NOW, PAST, testSigner } from "../../support/signed-metadata.ts";

export const FAMILY = "sm8650";
export const TENANT = brand<AssignmentFields["tenant"]>("acme");
export const DEVICE = brand<AssignmentFields["device"]>("phone-1");
export const DELEGATE_NAME = `drivers-${FAMILY}`;

const many = (first: number, count: number): Signer[] =>
  Array.from({ length: count }, (_, index) => testSigner(first + index));

/** Roots need two of three; targets and the family's role two of two; the online roles one. */
export const KEYS = {
  root: many(1, 3),
  targets: many(11, 2),
  delegate: many(21, 2),
  snapshot: many(31, 1),
  timestamp: many(41, 1),
  director: many(51, 1),
  /** What root 1 listed for targets, snapshot and timestamp, and root 2 no longer does. */
  revoked: many(81, 3),
  stranger: many(99, 1),
} as const;

const INTERFACE = { major: 1, minor: 0 };

export function bundle(version: string, change: Partial<ManifestFields> = {}): Uint8Array {
  return packBundle(new Map([["driver.js", utf8(`// driver ${version}`)]]), {
    ...{ version, abi: INTERFACE, isa: INTERFACE, socs: [FAMILY], kernels: [] },
    builtFrom: { recipe: version, sourceSha256: sha256Hex(utf8("source")) },
    ...change,
  });
}

export const FACTORY = bundle("1.0.0");
export const CURRENT = bundle("1.1.0");
/** What the honest director assigns: the only bytes that may ever be installed. */
export const WANTED = bundle("1.2.0");
export const WANTED_PATH = driverPath({ family: FAMILY, version: "1.2.0" });

export const PROVENANCE_PATH = provenancePath({ family: FAMILY, version: "1.2.0" });

/** Says of any bytes that they are what WANTED is: for attacks on the bytes, not on their origin. */
export function signedStatement(bytes: Uint8Array, signers = KEYS.delegate): Promise<Uint8Array> {
  const honest = testStatement(WANTED);
  const subject = [{ name: "bundle", digest: { sha256: sha256Hex(bytes) } }];
  return signProvenance({ ...honest, subject }, signers);
}

/** A document and who signs it. */
export interface Draft<Json> {
  json: Json;
  signers: readonly Signer[];
}

/** Altered freely by an attack; every object in it is replaced, never written into. */
export interface Recipe {
  /** The successor of the root that the device trusts; null: there is none. */
  root: Draft<RootJson> | null;
  targets: Draft<TargetsJson>;
  delegate: Draft<TargetsJson>;
  snapshotVersion: number;
  snapshot: { edit: (json: SnapshotJson) => unknown; signers: readonly Signer[] };
  timestamp: { edit: (json: TimestampJson) => unknown; signers: readonly Signer[] };
  /** Contents of targets by path. */
  contents: Map<string, Uint8Array>;
  order: Draft<unknown>;
  device: DeviceDraft;
}

export interface DeviceDraft {
  accepted: AcceptedAssignment | null;
  slots: Partial<SlotsState>;
  diskBytes: number;
  now: Instant;
  /** A stick or a broken proxy: hands over what it has, whatever the limit. */
  keepsLimits: boolean;
  /** Somebody writes into the download before it is unpacked. */
  spoilsDownload?: boolean;
  /** Everything comes on a stick, and there is no server. */
  hasStick?: boolean;
  /** The current driver lies in the store, so that deltas from it can be applied; damaged: not as it was. */
  base?: "whole" | "damaged";
  /** After the refresh the device asks for this role, whoever is said to delegate to it. */
  asksFor?: Delegation;
}

/** The root that the device trusts is version 2. */
export function rootJson(version: number, change: Partial<RootJson> = {}): RootJson {
  const [targets, snapshot, timestamp] = KEYS.revoked.map(({ publicKey }) => [publicKey]);
  const isFirst = version === 1;
  const publicKeys = (signers: readonly Signer[]) => signers.map((signer) => signer.publicKey);
  const root = authorRoot({
    version,
    expires: LATER,
    roles: {
      root: { publicKeys: publicKeys(KEYS.root), threshold: 2 },
      targets: isFirst
        ? { publicKeys: targets ?? [], threshold: 1 }
        : { publicKeys: publicKeys(KEYS.targets), threshold: 2 },
      snapshot: {
        publicKeys: (isFirst && snapshot) || publicKeys(KEYS.snapshot),
        threshold: 1,
      },
      timestamp: {
        publicKeys: (isFirst && timestamp) || publicKeys(KEYS.timestamp),
        threshold: 1,
      },
    },
  });
  return { ...root, ...change };
}

export const KEY_SET: DirectorKeysJson = authorDirectorKeys({
  ...{ tenant: TENANT, epoch: 3, threshold: 1, validFrom: PAST, validUntil: LATER },
  keys: new Map(
    KEYS.director.map(({ publicKey }) => [keyIdOf(publicKey), keyObject(publicKey)] as const),
  ),
});

export const POLICY: HardwarePolicyJson = {
  _type: "hardware-policy",
  family: FAMILY,
  securityFloor: "1.0.0",
  revoked: [],
};

export const KEY_SET_PATH = directorKeysPath(TENANT);
export const POLICY_PATH = hardwarePolicyPath(FAMILY);

/** Version 2 is what the device has; version 3 is what it is to fetch. */
export function topTargets(version: number, contents: ReadonlyMap<string, Uint8Array>) {
  const listed = [KEY_SET_PATH, POLICY_PATH].map((path): [string, TargetFileJson] => {
    return [path, describeFile(contents.get(path) ?? new Uint8Array(0))];
  });
  const keys = KEYS.delegate.map(({ keyId, publicKey }) => [keyId, keyObject(publicKey)]);
  const keyids = KEYS.delegate.map(({ keyId }): string => keyId);
  const role = { name: DELEGATE_NAME, keyids, threshold: 2, terminating: true };
  return authorTargets({
    ...{ version, expires: LATER, targets: new Map(listed) },
    delegations: {
      keys: Object.fromEntries(keys),
      roles: [{ ...role, paths: delegatedPaths({ kind: "drivers", family: FAMILY }) }],
    },
  });
}

const LISTED = new Map(
  await Promise.all(
    [FACTORY, CURRENT, WANTED].map(async (bytes) => {
      return [bytes, await listDrivers([bytes], { signers: KEYS.delegate })] as const;
    }),
  ),
);

/** Of the three bundles above. */
export function familyTargets(version: number, bundles: readonly Uint8Array[]): TargetsJson {
  const files = bundles.flatMap((bytes) => [...(LISTED.get(bytes)?.targets ?? [])]);
  return authorTargets({ version, expires: LATER, targets: new Map(files) });
}

export const ASSIGNMENT: AssignmentFields = {
  ...{ tenant: TENANT, device: DEVICE, epoch: 3, sequence: 8, stage: 0 },
  target: { path: WANTED_PATH, sha256: sha256Hex(WANTED), length: WANTED.length },
  rollout: brand<AssignmentFields["rollout"]>("rollout-7"),
  ...{ startBefore: LATER, activateBefore: LATER },
  evidence: { policyHash: sha256Hex(utf8("policy")), watermark: 0 },
};

export const RECALL: RecallFields = {
  ...{ tenant: TENANT, device: DEVICE, epoch: 3, sequence: 8, startBefore: LATER },
  recalled: [sha256Hex(CURRENT)],
  returnTo: null,
  reason: "it burns batteries",
};

export const ACCEPTED: AcceptedAssignment = {
  ...{ epoch: 3, sequence: 7, finished: true },
  contentSha256: sha256Hex(utf8("the last one")),
};

const HONEST_CONTENTS: ReadonlyMap<string, Uint8Array> = new Map([
  [KEY_SET_PATH, canonicalJson(KEY_SET)],
  [POLICY_PATH, canonicalJson(POLICY)],
  ...[...LISTED.values()].flatMap(({ contents }) => [...contents]),
]);

const honest = {
  targets: new Map([2, 3].map((version) => [version, topTargets(version, HONEST_CONTENTS)])),
  families: new Map([
    [2, familyTargets(2, [FACTORY, CURRENT])],
    [3, familyTargets(3, [FACTORY, CURRENT, WANTED])],
  ]),
  assignment: authorAssignment(ASSIGNMENT),
};

/** The repository at a version, and everything else as it should be. */
export function honestRecipe(version = 3): Recipe {
  const same = (json: unknown) => json;
  return {
    root: null,
    targets: { json: honest.targets.get(version) as TargetsJson, signers: KEYS.targets },
    delegate: { json: honest.families.get(version) as TargetsJson, signers: KEYS.delegate },
    snapshotVersion: version,
    snapshot: { edit: same, signers: KEYS.snapshot },
    timestamp: { edit: same, signers: KEYS.timestamp },
    contents: new Map(HONEST_CONTENTS),
    order: { json: honest.assignment, signers: KEYS.director },
    device: {
      ...{ accepted: ACCEPTED, slots: {}, diskBytes: 1 << 30 },
      ...{ now: instant(NOW), keepsLimits: true },
    },
  };
}

export function assignment(change: Partial<AssignmentFields>): unknown {
  return authorAssignment({ ...ASSIGNMENT, ...change });
}

export function recall(change: Partial<RecallFields>): unknown {
  return authorRecall({ ...RECALL, ...change });
}
