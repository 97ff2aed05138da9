/** Whom a driver comes from: the statement of its builder, and the word of the vendors whose kernels it holds. */
import { failed, type Result } from "../../protocol/base/result.ts";
import {
  targetOf,
  verifyProvenance,
  type BuildFacts,
  type DriverFacts,
  type ProvenanceCode,
} from "../../protocol/metadata/index.ts";
import type { Fetch } from "./ports.ts";
import {
  downloadTarget,
  type DownloadCode,
  type ResolveCode,
  type ResolvedTarget,
} from "./resolve.ts";

export interface OriginPorts {
  readonly fetch: Fetch;
  /** Looks a path up among the trusted targets. */
  readonly resolve: (path: string) => Promise<Result<ResolvedTarget, ResolveCode>>;
}

export type OriginCode = ProvenanceCode | DownloadCode | ResolveCode | "KERNEL_DISAGREES";

/** Before the download: a bundle that nobody says the origin of is not worth its bytes. */
export async function checkOrigin(
  image: ResolvedTarget,
  driver: DriverFacts,
  ports: OriginPorts,
): Promise<Result<BuildFacts, OriginCode>> {
  for (const { path, sha256 } of driver.kernels ?? []) {
    const kernel = await ports.resolve(path);
    if (!kernel.ok && kernel.code !== "TARGET_NOT_FOUND") return kernel;
    if (kernel.ok && kernel.value.target.sha256 === sha256) continue;
    const message = `The driver holds another ${path} than its vendor signs now.`;
    return failed("KERNEL_DISAGREES", message, { path });
  }
  return checkProvenance(image, driver, ports);
}

async function checkProvenance(
  { target, role, authority }: ResolvedTarget,
  { version, provenance = "" }: DriverFacts,
  { fetch }: OriginPorts,
): Promise<Result<BuildFacts, OriginCode>> {
  // By the same role: whoever may list the bundle says where it comes from.
  const statement = targetOf(role, provenance);
  if (!statement.ok) {
    const message = `Nobody says where ${target.path} comes from: its role lists no provenance.`;
    return failed("PROVENANCE_MISSING", message, { path: target.path });
  }
  const envelope = await downloadTarget({ fetch }, statement.value);
  if (!envelope.ok) return envelope;
  const facts = verifyProvenance(envelope.value, { bundleSha256: target.sha256, authority });
  if (!facts.ok || facts.value.version === version) return facts;
  const message = "Bundle and provenance name different versions.";
  return failed("PROVENANCE_DISAGREES", message, { version, stated: facts.value.version });
}
