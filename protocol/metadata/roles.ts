/** The four TUF roles (TUF 4.3 to 4.6) as schemas: JSON in, domain types out. */
import { z } from "zod";
import { instant, type Instant } from "../base/brand.ts";
import { keysSchema, roleKeysSchema } from "./envelope.ts";
import { SUCCINCT_BITS_MAX, TARGET_BYTES_MAX, VERSION_MAX } from "./limits.ts";

export const SPEC_VERSION = "1.0.34";
export const TOP_LEVEL_ROLES = ["root", "targets", "snapshot", "timestamp"] as const;
export type TopLevelRole = (typeof TOP_LEVEL_ROLES)[number];

/** A date-time of TUF 4.2.3; foreign repositories also write fractions of seconds. */
export const expiresSchema = z
  .string()
  .regex(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d{1,9})?Z$/, "not a date-time")
  .refine((text) => !Number.isNaN(Date.parse(text)), "not a date-time")
  .transform((text): Instant => instant(Date.parse(text)));

/** The date-time of an instant, its fraction of a second cut off. */
export function dateTime(at: Instant): string {
  return new Date(at).toISOString().replace(/\.\d+Z$/, "Z");
}

const version = z.int().min(1).max(VERSION_MAX);
const digests = z
  .record(z.string(), z.string())
  .transform((hashes): ReadonlyMap<string, string> => new Map(Object.entries(hashes)))
  .refine((hashes) => hashes.size > 0, "no hashes");

const common = {
  /** Any 1.x: minor versions only add. */
  spec_version: z.string().regex(/^1\.\d+(\.\d+)?$/, "not a supported specification version"),
  version,
  expires: expiresSchema,
};

export const rootSchema = z.object({
  _type: z.literal("root"),
  ...common,
  consistent_snapshot: z.boolean().optional(),
  keys: keysSchema,
  roles: z.object({
    root: roleKeysSchema,
    targets: roleKeysSchema,
    snapshot: roleKeysSchema,
    timestamp: roleKeysSchema,
  }),
});
export type Root = z.output<typeof rootSchema>;
export type RootJson = z.input<typeof rootSchema>;

const metaFile = z.object({
  version,
  length: z.int().min(1).optional(),
  hashes: digests.optional(),
});
/** What one role says of another's file. */
export type MetaFile = z.output<typeof metaFile>;

/** When the timestamp was signed: a field of our own, which every TUF client ignores. */
export const SIGNED_AT = "x-retile-signed-at";

export const timestampSchema = z.object({
  _type: z.literal("timestamp"),
  ...common,
  meta: z.object({ "snapshot.json": metaFile }),
  // Foreign repositories have none, or something else under that name.
  [SIGNED_AT]: expiresSchema.optional().catch(undefined),
});
export type Timestamp = z.output<typeof timestampSchema>;
export type TimestampJson = z.input<typeof timestampSchema>;

export const snapshotSchema = z.object({
  _type: z.literal("snapshot"),
  ...common,
  /** By file name: `targets.json` and one for every delegated role. */
  meta: z
    .record(z.string(), metaFile)
    .transform((files): ReadonlyMap<string, MetaFile> => new Map(Object.entries(files))),
});
export type Snapshot = z.output<typeof snapshotSchema>;
export type SnapshotJson = z.input<typeof snapshotSchema>;

const targetFile = z.object({
  length: z.int().min(0).max(TARGET_BYTES_MAX),
  hashes: digests,
  custom: z.record(z.string(), z.unknown()).optional(),
});
/** What is to be known of a target before it is downloaded. */
export type TargetFile = z.output<typeof targetFile>;
export type TargetFileJson = z.input<typeof targetFile>;

const delegatedRole = z
  .looseObject({
    name: z.string().min(1).max(256),
    ...roleKeysSchema.shape,
    paths: z.array(z.string()).optional(),
    path_hash_prefixes: z.array(z.string().regex(/^[0-9a-f]{1,64}$/)).optional(),
    terminating: z.boolean(),
  })
  .refine((role) => !(TOP_LEVEL_ROLES as readonly string[]).includes(role.name), {
    message: "a delegated role bears a top-level role's name",
  })
  .refine((role) => (role.paths === undefined) !== (role.path_hash_prefixes === undefined), {
    message: "exactly one of paths and path_hash_prefixes must be set",
  });
export type DelegatedRole = z.output<typeof delegatedRole>;

/** TAP 15: 2^bit_length terminating roles, each for the targets whose path hash begins with its number. */
const succinctRoles = z.looseObject({
  ...roleKeysSchema.shape,
  bit_length: z.int().min(1).max(SUCCINCT_BITS_MAX),
  name_prefix: z.string().min(1).max(200),
});
export type SuccinctRoles = z.output<typeof succinctRoles>;

const delegations = z
  .object({
    keys: keysSchema,
    /** In order of trust. */
    roles: z
      .array(delegatedRole)
      .refine((roles) => new Set(roles.map((role) => role.name)).size === roles.length, {
        message: "a role is delegated to twice",
      })
      .optional(),
    succinct_roles: succinctRoles.optional(),
  })
  .refine(({ roles, succinct_roles }) => (roles === undefined) !== (succinct_roles === undefined), {
    message: "exactly one of roles and succinct_roles must be set",
  });
export type Delegations = z.output<typeof delegations>;
export type DelegationsJson = z.input<typeof delegations>;

export const targetsSchema = z.object({
  _type: z.literal("targets"),
  ...common,
  targets: z
    .record(z.string(), targetFile)
    .transform((files): ReadonlyMap<string, TargetFile> => new Map(Object.entries(files))),
  delegations: delegations.optional(),
});
export type Targets = z.output<typeof targetsSchema>;
export type TargetsJson = z.input<typeof targetsSchema>;
