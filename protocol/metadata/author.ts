/** Authoring of the TUF roles: plain data in, documents out, to be signed with `signMetadata`. */
import type { Instant } from "../base/brand.ts";
import { sha256Hex, keyObject, keyIdOf } from "../crypto/index.ts";
import {
  dateTime,
  SIGNED_AT,
  SPEC_VERSION,
  TOP_LEVEL_ROLES,
  type DelegationsJson,
  type RootJson,
  type SnapshotJson,
  type TargetFileJson,
  type TargetsJson,
  type TimestampJson,
  type TopLevelRole,
} from "./roles.ts";

export interface RoleKeysOptions {
  /** Ed25519, 32 bytes each. */
  readonly publicKeys: readonly Uint8Array[];
  readonly threshold: number;
}

export interface RootOptions {
  readonly version: number;
  readonly expires: Instant;
  readonly roles: Readonly<Record<TopLevelRole, RoleKeysOptions>>;
}

/** TUF 4.3, with consistent snapshots. */
export function authorRoot({ version, expires, roles }: RootOptions): RootJson {
  const publicKeys = TOP_LEVEL_ROLES.flatMap((role) => roles[role].publicKeys);
  const roleKeys = (role: TopLevelRole) => ({
    keyids: roles[role].publicKeys.map((key) => keyIdOf(key) as string),
    threshold: roles[role].threshold,
  });
  return {
    _type: "root",
    spec_version: SPEC_VERSION,
    version,
    expires: dateTime(expires),
    consistent_snapshot: true,
    keys: Object.fromEntries(publicKeys.map((key) => [keyIdOf(key), keyObject(key)])),
    roles: {
      root: roleKeys("root"),
      targets: roleKeys("targets"),
      snapshot: roleKeys("snapshot"),
      timestamp: roleKeys("timestamp"),
    },
  };
}

export interface TargetsOptions {
  readonly version: number;
  readonly expires: Instant;
  /** By target path. */
  readonly targets: ReadonlyMap<string, TargetFileJson>;
  readonly delegations?: DelegationsJson;
}

/** TUF 4.5. */
export function authorTargets(options: TargetsOptions): TargetsJson {
  const { version, expires, targets, delegations } = options;
  return {
    _type: "targets",
    spec_version: SPEC_VERSION,
    version,
    expires: dateTime(expires),
    targets: Object.fromEntries(targets),
    ...(delegations && { delegations }),
  };
}

/** A metadata file as the role above it lists it. */
export interface ListedFile {
  readonly version: number;
  readonly bytes: Uint8Array;
}

export interface SnapshotOptions {
  readonly version: number;
  readonly expires: Instant;
  /** By role name: `targets` and every delegated role. */
  readonly roles: ReadonlyMap<string, ListedFile>;
}

/** TUF 4.4. */
export function authorSnapshot({ version, expires, roles }: SnapshotOptions): SnapshotJson {
  const entries = [...roles].map(([role, file]) => [`${role}.json`, metaFile(file)] as const);
  return {
    _type: "snapshot",
    spec_version: SPEC_VERSION,
    version,
    expires: dateTime(expires),
    meta: Object.fromEntries(entries),
  };
}

export interface TimestampOptions {
  readonly version: number;
  readonly expires: Instant;
  readonly snapshot: ListedFile;
  /** Absent where devices are to take no floor for their clocks from it. */
  readonly signedAt?: Instant;
}

/** TUF 4.6. */
export function authorTimestamp(options: TimestampOptions): TimestampJson {
  const { version, expires, snapshot, signedAt } = options;
  return {
    _type: "timestamp",
    spec_version: SPEC_VERSION,
    version,
    expires: dateTime(expires),
    meta: { "snapshot.json": metaFile(snapshot) },
    ...(signedAt === undefined ? {} : { [SIGNED_AT]: dateTime(signedAt) }),
  };
}

function metaFile({ version, bytes }: ListedFile) {
  return { version, length: bytes.length, hashes: { sha256: sha256Hex(bytes) as string } };
}
