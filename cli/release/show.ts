/** `retile release show` and `inspect`: where a bundle comes from, as published and verified, or as a file states it. */
import {
  checkOrigin,
  refresh,
  resolveTarget,
  type Fetch,
  type RefreshPorts,
} from "../../device-agent/update/index.ts";
import { instant } from "../../protocol/base/brand.ts";
import { failed, succeeded } from "../../protocol/base/result.ts";
import type { Result } from "../../protocol/base/result.ts";
import { readBundle } from "../../protocol/bundle/index.ts";
import { sha256Hex } from "../../protocol/crypto/index.ts";
import {
  agreesWithManifest,
  driverFactsSchema,
  driverPath,
  metadataFilePath,
  ROOT_BYTES_MAX,
  statedFacts,
} from "../../protocol/metadata/index.ts";
import type { BuildFacts, TrustedSet } from "../../protocol/metadata/index.ts";
import type { LoadedBundle } from "../keys/publish-release.ts";
import { memoryStore } from "../offline/export.ts";
import type { Row } from "../output.ts";

export interface ReleaseToShow {
  readonly version: string;
  /** The families that it is published for. */
  readonly families: readonly string[];
  /** Root metadata to begin with; undefined: the server's first, unchecked. */
  readonly root: Uint8Array | undefined;
  readonly now: number;
}

export interface ShownRelease {
  readonly rows: readonly Row[];
  /** Of the first family whose statement holds. */
  readonly origin: BuildFacts | null;
  /** Whether every family's does. */
  readonly isVerified: boolean;
}

/** Asks what a device would ask before it installs. */
export async function showRelease(
  fetch: Fetch,
  { version, families, root, now }: ReleaseToShow,
): Promise<Result<ShownRelease>> {
  if (families.length === 0) {
    return failed("RELEASE_UNKNOWN", `no release ${version} is published`, { version });
  }
  const first = root ? succeeded(root) : await fetch(metadataFilePath("root", 1), ROOT_BYTES_MAX);
  if (!first.ok) return first;
  const ports: RefreshPorts = { fetch, store: memoryStore(first.value), now: instant(now) };
  const trusted = await refresh(ports);
  if (!trusted.ok) return trusted;
  const rows: Row[] = [];
  let origin: BuildFacts | null = null;
  for (const family of families) {
    const found = await originOf(trusted.value, ports, { family, version });
    const sha256 = found.sha256 ?? null;
    rows.push({ family, origin: found.facts.ok ? "verified" : found.facts.code, sha256 });
    if (found.facts.ok) origin ??= found.facts.value;
  }
  const isVerified = rows.every((row) => row["origin"] === "verified");
  return succeeded({ rows, origin, isVerified });
}

async function originOf(
  trusted: TrustedSet,
  ports: RefreshPorts,
  name: { readonly family: string; readonly version: string },
): Promise<{ readonly sha256?: string; readonly facts: Result<BuildFacts> }> {
  const resolve = (path: string) => resolveTarget(trusted, ports, path);
  const image = await resolve(driverPath(name));
  if (!image.ok) return { facts: image };
  const { sha256, custom } = image.value.target;
  const driver = driverFactsSchema.safeParse(custom);
  if (!driver.success) {
    return { sha256, facts: failed("NOT_A_DRIVER", `${driverPath(name)} describes no driver`) };
  }
  return {
    sha256,
    facts: await checkOrigin(image.value, driver.data, { fetch: ports.fetch, resolve }),
  };
}

/** A bundle in a file and the unsigned statement beside it. */
export function inspectBundle({ bundle, statement }: LoadedBundle): Result<{
  readonly files: readonly Row[];
  readonly manifest: Readonly<Record<string, unknown>>;
  readonly origin: BuildFacts;
}> {
  const read = readBundle(bundle);
  if (!read.ok) return read;
  const sha256 = sha256Hex(bundle);
  const origin = statedFacts(statement, sha256);
  if (!origin.ok) return origin;
  const { files, version, abi, isa, socs, builtFrom } = read.value.manifest;
  if (!agreesWithManifest(origin.value, read.value.manifest)) {
    const message = "bundle and statement name different versions, recipes or sources";
    return failed("PROVENANCE_DISAGREES", message, { sha256 });
  }
  const manifest = { version, sha256, bytes: bundle.length, abi, isa, socs, builtFrom };
  return succeeded({ files: files.map((file) => ({ ...file })), manifest, origin: origin.value });
}

/** For a person: one line a fact. */
export function originSummary(origin: BuildFacts): Readonly<Record<string, unknown>> {
  const { recipe, sourceSha256, lockFileSha256, kernels, checkout, toolchain } = origin;
  const tools = Object.entries(toolchain).map(([name, version]) => `${name} ${version}`);
  return {
    recipe,
    commit: checkout ? checkout.commit + (checkout.dirty ? " (with changes)" : "") : "unknown",
    tree: checkout?.tree ?? "unknown",
    sources: `sha256 ${sourceSha256}`,
    lockFile: `sha256 ${lockFileSha256}`,
    ...(kernels.length > 0 && { vendorKernels: kernels.map(({ path }) => path).join(", ") }),
    toolchain: tools.join(", "),
  };
}
