/** How driver bundles and director keys are named and described among the targets. */
import { z } from "zod";
import { isIdentifier, isSha256, type Sha256, type TenantId } from "../base/brand.ts";
import { compareSemver, isSemver } from "../base/semver.ts";
import { failed, succeeded, type Result } from "../base/result.ts";
import { readBundle, type BundleCode } from "../bundle/index.ts";
import { sha256Hex } from "../crypto/index.ts";
import { parseKernelPath } from "./layout.ts";
import { NAMED_KERNELS_MAX } from "./limits.ts";
import type { TargetFile, TargetFileJson, Targets } from "./roles.ts";

const semanticVersion = z.string().refine(isSemver, "not a semantic version");
const interfaceVersion = z.object({ major: z.int().min(0), minor: z.int().min(0) });

const namedKernel = z.object({
  path: z.string().refine((path) => parseKernelPath(path) !== undefined, "not a kernel's path"),
  sha256: z.custom<Sha256>((text) => typeof text === "string" && isSha256(text)),
});
/** A vendor's kernel as a driver names it: the target that its vendor signed, and its bytes. */
export type NamedKernel = z.output<typeof namedKernel>;

/** What the offline keys say of a driver bundle, so that a device can refuse it before the download. */
export const driverFactsSchema = z.object({
  kind: z.literal("driver"),
  version: semanticVersion,
  abi: interfaceVersion,
  isa: interfaceVersion,
  socs: z.array(z.string()).min(1),
  /** No version below this may run on the family any more; the highest among its targets counts. */
  securityFloor: semanticVersion,
  /** Target that says where the bundle comes from; releases of before there were any have none. */
  provenance: z.string().optional(),
  /** Those of its kernels that come from vendors, who must still stand by them. */
  kernels: z.array(namedKernel).max(NAMED_KERNELS_MAX).optional(),
});
export type DriverFacts = z.output<typeof driverFactsSchema>;

export interface DriverName {
  /** The SoC family, which is its hardware id. */
  readonly family: string;
  readonly version: string;
}

/** A target as its role describes it. */
export interface DescribedTarget {
  readonly path: string;
  readonly length: number;
  readonly sha256: Sha256;
  readonly custom: Readonly<Record<string, unknown>>;
}

export function driverPath({ family, version }: DriverName): string {
  return `drivers/${family}/${version}`;
}

/** Where the statement lies that says where the bundle comes from. */
export function provenancePath({ family, version }: DriverName): string {
  return `provenance/${family}/${version}.json`;
}

/** Undefined when the path is not that of a driver bundle. */
export function parseDriverPath(path: string): DriverName | undefined {
  const [folder, family = "", version = "", ...more] = path.split("/");
  const isDriver = folder === "drivers" && more.length === 0;
  return isDriver && isIdentifier(family) && isSemver(version) ? { family, version } : undefined;
}

export function directorKeysPath(tenant: TenantId): string {
  return `director/keys-${tenant}.json`;
}

/** The target files, one a family, that announce this bundle; each names the family's provenance statement. */
export function describeDriver(
  bundle: Uint8Array,
  securityFloor: string,
  kernels: readonly NamedKernel[] = [],
): Result<ReadonlyMap<string, TargetFileJson>, BundleCode> {
  const read = readBundle(bundle);
  if (!read.ok) return read;
  const { version, abi, isa, socs } = read.value.manifest;
  const facts = { kind: "driver", version, abi, isa, socs, securityFloor };
  const files = socs.map((family): [string, TargetFileJson] => {
    const own = kernels.filter(({ path }) => parseKernelPath(path)?.family === family);
    const provenance = provenancePath({ family, version });
    const custom = { ...facts, provenance, ...(own.length > 0 && { kernels: own }) };
    return [driverPath({ family, version }), { ...describeFile(bundle), custom }];
  });
  return succeeded(new Map(files));
}

export function describeFile(bytes: Uint8Array): TargetFileJson {
  return { length: bytes.length, hashes: { sha256: sha256Hex(bytes) } };
}

export type DescribedTargetCode = "TARGET_NOT_FOUND" | "TARGET_HASH_UNSUPPORTED";

/** The target of that path in a role, provided that it can be checked. */
export function targetOf(
  targets: Targets,
  path: string,
): Result<DescribedTarget, DescribedTargetCode> {
  const file = targets.targets.get(path);
  if (!file) return failed("TARGET_NOT_FOUND", `There is no target ${path}.`, { path });
  return describedTarget(path, file);
}

function describedTarget(
  path: string,
  file: TargetFile,
): Result<DescribedTarget, DescribedTargetCode> {
  const sha256 = file.hashes.get("sha256") ?? "";
  if (isSha256(sha256)) {
    return succeeded({ path, length: file.length, sha256, custom: file.custom ?? {} });
  }
  const message = `The target ${path} is listed without a SHA-256.`;
  return failed("TARGET_HASH_UNSUPPORTED", message, { path });
}

/** The highest security floor that a role states for a family; undefined where it states none. */
export function securityFloorOf(targets: Targets, family: string): string | undefined {
  let floor: string | undefined;
  for (const [path, file] of targets.targets) {
    if (parseDriverPath(path)?.family !== family) continue;
    const facts = driverFactsSchema.safeParse(file.custom);
    if (!facts.success) continue;
    const stated = facts.data.securityFloor;
    if (floor === undefined || compareSemver(stated, floor) > 0) floor = stated;
  }
  return floor;
}

/** Where a consistent snapshot keeps the target (TUF 6.2.2). */
export function targetFilePath(target: { readonly path: string; readonly sha256: string }): string {
  const slash = target.path.lastIndexOf("/") + 1;
  return `targets/${target.path.slice(0, slash)}${target.sha256}.${target.path.slice(slash)}`;
}

/** Where a role's metadata lies; the timestamp alone has no version in its name. */
export function metadataFilePath(role: string, version: number): string {
  return `${version}.${encodeURIComponent(role)}.json`;
}

export const TIMESTAMP_FILE_PATH = "timestamp.json";
