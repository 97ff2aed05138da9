/** What a build was made from and with, gathered where it is made: the statement that is signed and published with it. */
import { execFile } from "node:child_process";
import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { version as esbuildVersion } from "esbuild";
import { unwrap } from "../../protocol/base/result.ts";
import { readBundle } from "../../protocol/bundle/index.ts";
import { sha256Hex } from "../../protocol/crypto/hash.ts";
import { kernelFile } from "./build-bundle.ts";
import type { Kernels } from "./build-bundle.ts";
import { authorProvenance } from "../../protocol/metadata/index.ts";
import type { Checkout, ProvenanceStatement } from "../../protocol/metadata/index.ts";

const ROOT = fileURLToPath(new URL("../..", import.meta.url));

/** Of a bundle that was just built from this checkout; no clock and no machine, so a second build says the same. */
export async function stateProvenance(
  bundle: Uint8Array,
  foreign: Kernels = new Map(),
): Promise<ProvenanceStatement> {
  const { version, builtFrom } = unwrap(readBundle(bundle)).manifest;
  const lockFile = await readFile(join(ROOT, "package-lock.json"));
  const { version: retile } = JSON.parse(await readFile(join(ROOT, "package.json"), "utf8")) as {
    version: string;
  };
  return authorProvenance(sha256Hex(bundle), {
    ...{ version, ...builtFrom },
    lockFileSha256: sha256Hex(lockFile),
    checkout: await checkoutAt(ROOT),
    kernels: [...foreign].map(([name, bytes]) => {
      return { path: kernelFile(name), sha256: sha256Hex(bytes) };
    }),
    toolchain: { node: process.versions.node, esbuild: esbuildVersion, retile },
  });
}

/** Null where there is no git, or the folder is not a checkout's top: then the hash of the sources has to do. */
export async function checkoutAt(folder: string): Promise<Checkout | null> {
  const git = async (...args: string[]): Promise<string> =>
    (await promisify(execFile)("git", args, { cwd: folder })).stdout.trim();
  try {
    if ((await git("rev-parse", "--show-prefix")) !== "") return null;
    const [commit, tree] = [await git("rev-parse", "HEAD"), await git("rev-parse", "HEAD^{tree}")];
    return { commit, tree, dirty: (await git("status", "--porcelain")) !== "" };
  } catch {
    // No git on this machine, no repository, or no commit yet: nothing to name.
    return null;
  }
}

/** Where `driver build` puts the statement, beside the bundle. */
export function statementPath(bundlePath: string): string {
  return `${bundlePath}.provenance.json`;
}
