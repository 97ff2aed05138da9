/**
 * What is to be published must say where it comes from: a driver without a statement, or with one that does not
 * fit it, would be refused by every device.
 */
import { failed, succeeded, type Failure, type Result } from "../../protocol/base/result.ts";
import { readBundle, type BundleCode } from "../../protocol/bundle/index.ts";
import {
  agreesWithManifest,
  driverFactsSchema,
  parseDriverPath,
  readEnvelope,
  TARGETS_BYTES_MAX,
  targetOf,
  targetsSchema,
  verifyProvenance,
  type DescribedTarget,
  type DriverFacts,
  type ProvenanceCode,
  type Targets,
} from "../../protocol/metadata/index.ts";
import type { OfflineRoles, OfflineTargets } from "./offline-roles.ts";
import type { RepositoryState } from "./state.ts";

export type OriginCode = ProvenanceCode | BundleCode | "DRIVER_MISDESCRIBED" | "KERNEL_DISAGREES";

export interface OriginContext {
  /** Published now: what is listed there already is not asked again. */
  readonly state: RepositoryState;
  readonly offline: OfflineRoles;
  /** By target path. */
  readonly contents: ReadonlyMap<string, Uint8Array>;
}

/** Every driver that the new documents list for the first time. */
export function checkOrigins(context: OriginContext): Result<void, OriginCode> {
  const known = publishedDrivers(context.state);
  for (const role of context.offline.targets.values()) {
    if (!role.isNew) continue;
    for (const target of driversOf(role.signed)) {
      const refusal = known.has(nameOf(target)) ? undefined : refusalOf(target, role, context);
      if (refusal) return refusal;
    }
  }
  return succeeded(undefined);
}

/** Path, bytes and described origin: a driver that moves to another role unchanged is no new one. */
function nameOf({ path, sha256, custom }: DescribedTarget): string {
  return `${path} ${sha256} ${JSON.stringify([custom["provenance"], custom["kernels"]])}`;
}

function publishedDrivers({ targets }: RepositoryState): ReadonlySet<string> {
  const roles = [...targets.values()].flatMap((bytes) => {
    const read = readEnvelope(bytes, targetsSchema, TARGETS_BYTES_MAX);
    return read.ok ? [read.value.signed] : [];
  });
  return new Set(roles.flatMap(driversOf).map(nameOf));
}

function driversOf(role: Targets): DescribedTarget[] {
  return [...role.targets.keys()].flatMap((path) => {
    const target = parseDriverPath(path) && targetOf(role, path);
    return target?.ok ? [target.value] : [];
  });
}

function refusalOf(
  target: DescribedTarget,
  { signed, authority }: OfflineTargets,
  context: OriginContext,
): Failure<OriginCode> | undefined {
  const { path, sha256 } = target;
  const driver = driverFactsSchema.safeParse(target.custom);
  if (!driver.success) {
    return failed("DRIVER_MISDESCRIBED", `${path} is not described as a driver.`, { path });
  }
  const statement = targetOf(signed, driver.data.provenance ?? "");
  const envelope = statement.ok ? context.contents.get(statement.value.path) : undefined;
  const archive = context.contents.get(path);
  if (!envelope || !archive || !authority) {
    const message = `${path} comes without a provenance statement from the role that lists it.`;
    return failed("PROVENANCE_MISSING", message, { path });
  }
  const facts = verifyProvenance(envelope, { bundleSha256: sha256, authority });
  if (!facts.ok) return facts;
  const bundle = readBundle(archive);
  if (!bundle.ok) return bundle;
  if (!agreesWithManifest(facts.value, bundle.value.manifest)) {
    const message = `The provenance of ${path} names another version, recipe or other sources.`;
    return failed("PROVENANCE_DISAGREES", message, { path });
  }
  return foreignKernel(
    driver.data,
    new Set(bundle.value.manifest.files.map((file) => file.sha256)),
    context,
  );
}

/** A kernel that the driver names must be in the bundle, and be what its vendor's role lists. */
function foreignKernel(
  { kernels = [] }: DriverFacts,
  packed: ReadonlySet<string>,
  { offline }: OriginContext,
): Failure<OriginCode> | undefined {
  const signed = (path: string): string | undefined => {
    const found = [...offline.targets.values()]
      .filter(({ authority }) => authority)
      .map((role) => targetOf(role.signed, path))
      .find((target) => target.ok);
    return found?.ok ? found.value.sha256 : undefined;
  };
  const stray = kernels.find(({ path, sha256 }) => !packed.has(sha256) || signed(path) !== sha256);
  if (!stray) return undefined;
  const message = `${stray.path} is not in the bundle, or not what its vendor signed.`;
  return failed("KERNEL_DISAGREES", message, { path: stray.path });
}
