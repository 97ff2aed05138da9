/** Bundles as offline keys list them: each with a signed statement of where it comes from. */
import { present } from "../../protocol/base/assert.ts";
import { brand, type Sha256 } from "../../protocol/base/brand.ts";
import { unwrap } from "../../protocol/base/result.ts";
import { readBundle } from "../../protocol/bundle/index.ts";
import { sha256Hex, type Signer } from "../../protocol/crypto/index.ts";
import {
  authorProvenance,
  describeDriver,
  describeFile,
  parseDriverPath,
  provenancePath,
  signProvenance,
  type BuildFacts,
  type NamedKernel,
  type ProvenanceStatement,
  type TargetFileJson,
} from "../../protocol/metadata/index.ts";

export interface ListedDrivers {
  /** By target path. */
  readonly targets: ReadonlyMap<string, TargetFileJson>;
  /** Bundles and envelopes, by target path. */
  readonly contents: ReadonlyMap<string, Uint8Array>;
}

export interface Listing {
  readonly signers: readonly Signer[];
  readonly securityFloor?: string;
  readonly kernels?: readonly NamedKernel[];
  /** Only these families; absent: all of the bundle's. */
  readonly families?: readonly string[];
}

export async function listDrivers(
  bundles: readonly Uint8Array[],
  { signers, securityFloor = "1.0.0", kernels, families }: Listing,
): Promise<ListedDrivers> {
  const targets = new Map<string, TargetFileJson>();
  const contents = new Map<string, Uint8Array>();
  for (const bundle of bundles) {
    const envelope = await signProvenance(testStatement(bundle), signers);
    for (const [path, file] of unwrap(describeDriver(bundle, securityFloor, kernels))) {
      const name = present(parseDriverPath(path), path);
      if (families && !families.includes(name.family)) continue;
      targets.set(path, file).set(provenancePath(name), describeFile(envelope));
      contents.set(path, bundle).set(provenancePath(name), envelope);
    }
  }
  return { targets, contents };
}

export function testStatement(
  bundle: Uint8Array,
  change: Partial<BuildFacts> = {},
): ProvenanceStatement {
  const { version, builtFrom } = unwrap(readBundle(bundle)).manifest;
  return authorProvenance(sha256Hex(bundle), {
    ...{ version, ...builtFrom, lockFileSha256: brand<Sha256>("1".repeat(64)) },
    ...{ kernels: [], checkout: null, toolchain: { node: "20.19.0" } },
    ...change,
  });
}
