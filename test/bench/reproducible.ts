/** `retile driver build` in copies of this checkout, under several versions of Node: equal bytes, or the bar falls. */
import { execFile } from "node:child_process";
import { cp, mkdir, mkdtemp, readdir, realpath, rm, symlink } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { judge, narrowed } from "../../cli/bars.ts";
import type { Bar } from "../../cli/bars.ts";
import { releasedVersions } from "../../cli/driver/build-bundle.ts";
import type { ExitName } from "../../cli/exit-codes.ts";
import type { Output } from "../../cli/output.ts";
import { failed, succeeded, unwrap } from "../../protocol/base/result.ts";
import type { Result } from "../../protocol/base/result.ts";
import type { BenchOptions } from "./options.ts";

const run = promisify(execFile);
const ROOT = fileURLToPath(new URL("../..", import.meta.url));
/** What no checkout holds. Packages are linked. */
const NO_SOURCES = new Set([".git", ".retile", "dist", "node_modules"]);
const NODE_PACKAGES = ["node@20", "node@24"] as const;

export interface Build {
  readonly folder: string;
  readonly node: string;
  readonly version: string;
  readonly bytes: number;
  readonly sha256: string;
}

/** A command line prefix that stands for the program `node`. */
export type NodeCommand = readonly [string, ...string[]];

export const THIS_NODE: NodeCommand = [process.execPath];

export async function benchReproducible(options: BenchOptions, output: Output): Promise<ExitName> {
  const versions = unwrap(narrowed(await releasedVersions(), options.only, String));
  const nodes = await Promise.all(NODE_PACKAGES.map(nodeFromRegistry)).then((all) =>
    all.map(unwrap),
  );
  const home = await mkdtemp(join(tmpdir(), "retile-bench-reproducible-"));
  const progress = output.progress("bench:reproducible", versions.length * (nodes.length + 1));
  const builds: Build[] = [];
  try {
    const folders = [
      await copyCheckout(join(home, "a")),
      await copyCheckout(join(home, "b/deeper")),
    ];
    for (const version of versions) {
      for (const [index, node] of [THIS_NODE, ...nodes].entries()) {
        builds.push(await buildIn(folders[index % folders.length] ?? home, node, version));
        progress.advance(1, version);
      }
    }
  } finally {
    await rm(home, { recursive: true });
  }
  progress.finish();
  const { exit, ...summary } = judge(barsOf(versions, builds), output);
  const rows = builds.map((build) => ({ ...build, folder: build.folder.slice(home.length + 1) }));
  output.report({ name: "bench:reproducible", rows, summary });
  return exit;
}

function barsOf(versions: readonly string[], builds: readonly Build[]): Bar[] {
  return versions.map((version): Bar => {
    const hashes = builds.filter((one) => one.version === version).map(({ sha256 }) => sha256);
    const name = `different builds of ${version}`;
    return { name, value: new Set(hashes).size, demand: "below", limit: 2 };
  });
}

/** From the npm package of that name, through npm's own cache. */
export async function nodeFromRegistry(
  name: (typeof NODE_PACKAGES)[number],
): Promise<Result<NodeCommand, "NODE_NOT_FETCHED">> {
  const print = ["npx", "--yes", "--package", name, "node", "-p", "process.execPath"] as const;
  try {
    const { stdout } = await run(print[0], print.slice(1));
    return succeeded([await realpath(stdout.trim())]);
  } catch (error) {
    const message = `npm could not fetch ${name}, so builds under it cannot be compared`;
    return failed("NODE_NOT_FETCHED", message, { cause: String(error) });
  }
}

/** Into a new folder; returns it. */
export async function copyCheckout(folder: string): Promise<string> {
  await mkdir(folder, { recursive: true });
  const sources = (await readdir(ROOT)).filter((name) => !NO_SOURCES.has(name));
  for (const name of sources) await cp(join(ROOT, name), join(folder, name), { recursive: true });
  await symlink(await realpath(join(ROOT, "node_modules")), join(folder, "node_modules"));
  return folder;
}

export async function buildIn(folder: string, node: NodeCommand, version: string): Promise<Build> {
  const [program, ...before] = node;
  const out = join(folder, "out");
  const command = ["driver", "build", "--release", version, "--out", out, "--json"];
  const words = [...before, "--import", "tsx", "cli/main.ts", ...command];
  const { stdout } = await run(program, words, { cwd: folder });
  const { summary, machine } = JSON.parse(stdout);
  return { folder, node: machine.node, ...summary };
}
