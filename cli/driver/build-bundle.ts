/**
 * Builds a driver bundle from compiler/: one driver.js by esbuild, the kernel files, a manifest.
 * Reproducible: the bytes depend on the sources alone, not on the folder, the time or the Node version.
 */
import { readdir, readFile } from "node:fs/promises";
import { join, relative } from "node:path";
import { fileURLToPath } from "node:url";
import { build } from "esbuild";
import type { Metafile } from "esbuild";
import { SOCS } from "../../device-agent/soc/index.ts";
import { ABI_VERSION } from "../../protocol/abi/index.ts";
import { present } from "../../protocol/base/assert.ts";
import type { Sha256 } from "../../protocol/base/brand.ts";
import { utf8 } from "../../protocol/base/bytes.ts";
import { failed, succeeded, unwrap } from "../../protocol/base/result.ts";
import type { Result } from "../../protocol/base/result.ts";
import { packBundle } from "../../protocol/bundle/index.ts";
import { hasher, sha256Hex } from "../../protocol/crypto/hash.ts";
import { ISA_VERSION } from "../../protocol/isa/index.ts";

const ROOT = fileURLToPath(new URL("../..", import.meta.url));
const KERNELS = "compiler/kernels";
/** Hardware ids that a bundle is published for: the chips that there are descriptions of. */
const HARDWARE = SOCS.map((soc) => soc.name);

export interface DriverBuild {
  readonly version: string;
  readonly bytes: Uint8Array;
  readonly sha256: Sha256;
}

/** Kernel files by name, for instance `add_i8.hvx`. */
export type Kernels = ReadonlyMap<string, Uint8Array>;

export interface DriverSource {
  readonly version: string;
  /** Name of the recipe, for the manifest's provenance. */
  readonly recipe: string;
  /** A vendor's kernels by file name, in the place of those of the same name; absent: none. */
  readonly kernels?: Kernels | undefined;
  /** TypeScript that ends by setting globalThis.retileDriver; imports are relative to the project's root. */
  readonly entry: string;
}

/** The released driver of that version. */
export function releaseSource(version: string, kernels?: Kernels): DriverSource {
  const recipe = `V${version.replaceAll(".", "_")}`;
  const entry = [
    'import { createDriver } from "./compiler/driver/main.ts";',
    `import { ${recipe} } from "./compiler/releases/v${version}.ts";`,
    `globalThis.retileDriver = createDriver(${recipe});`,
  ].join("\n");
  return { version, recipe: `releases-v${version}`, kernels, entry };
}

/** Versions that compiler/releases/ holds, oldest first. */
export async function releasedVersions(): Promise<readonly string[]> {
  const files = await readdir(join(ROOT, "compiler/releases"));
  const versions = files.flatMap((file) => /^v(\d+\.\d+\.\d+)\.ts$/.exec(file)?.[1] ?? []);
  return versions.sort((a, b) => a.localeCompare(b, "en", { numeric: true }));
}

export async function buildBundle(source: DriverSource): Promise<DriverBuild> {
  const script = await bundleScript(source.entry);
  const own = unwrap(await readKernels(join(ROOT, KERNELS)));
  const kernels = new Map(
    [...new Map([...own, ...(source.kernels ?? [])])].map(([name, bytes]) => [
      kernelFile(name),
      bytes,
    ]),
  );
  const files = new Map<string, Uint8Array>([["driver.js", script.bytes], ...kernels]);
  const sourceSha256 = await hashOfSources(source, script.inputs, kernels);
  const bytes = packBundle(files, {
    version: source.version,
    abi: ABI_VERSION,
    isa: ISA_VERSION,
    socs: HARDWARE,
    kernels: [...kernels.keys()],
    builtFrom: { recipe: source.recipe, sourceSha256 },
  });
  return { version: source.version, bytes, sha256: sha256Hex(bytes) };
}

async function bundleScript(entry: string): Promise<{ bytes: Uint8Array; inputs: string[] }> {
  const result = await build({
    stdin: { contents: entry, resolveDir: ROOT, sourcefile: "driver-entry.ts", loader: "ts" },
    absWorkingDir: ROOT,
    bundle: true,
    write: false,
    metafile: true,
    format: "iife",
    platform: "neutral",
    mainFields: ["main"],
    target: "es2022",
    charset: "utf8",
    legalComments: "none",
    minifySyntax: true,
    minifyWhitespace: true,
    logLevel: "silent",
    // Paths of modules stand in the bundle: they must not tell where a linked node_modules lies.
    preserveSymlinks: true,
    alias: { "node:crypto": "./compiler/driver/host-crypto.ts" },
  });
  const { contents } = present(result.outputFiles[0], "the bundled driver");
  return { bytes: contents, inputs: inputsOf(result.metafile) };
}

function inputsOf(metafile: Metafile): string[] {
  return Object.keys(metafile.inputs).filter((path) => path !== "driver-entry.ts");
}

/** Where a kernel lies in the bundle. */
export function kernelFile(name: string): string {
  return `kernels/${name}`;
}

/** Every kernel file of a folder. */
export async function readKernels(folder: string): Promise<Result<Kernels, "INPUT_NOT_FOUND">> {
  const names = await readdir(folder).catch(() => undefined);
  if (!names) return failed("INPUT_NOT_FOUND", `there is no folder ${folder}`, { path: folder });
  const files = new Map<string, Uint8Array>();
  for (const name of names.filter((file) => file.endsWith(".hvx")).sort()) {
    files.set(name, new Uint8Array(await readFile(join(folder, name))));
  }
  return succeeded(files);
}

async function hashOfSources(
  source: DriverSource,
  inputs: readonly string[],
  kernels: Kernels,
): Promise<Sha256> {
  const hash = hasher("sha256");
  hash.update(utf8(source.entry));
  for (const path of [...inputs].sort()) {
    hash.update(utf8(`\0${relative(".", path)}\0`));
    hash.update(await readFile(join(ROOT, path)));
  }
  for (const [path, bytes] of [...kernels].sort(([a], [b]) => (a < b ? -1 : 1))) {
    hash.update(utf8(`\0${path}\0`));
    hash.update(bytes);
  }
  return hash.hex() as Sha256;
}
