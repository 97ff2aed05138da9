/** Writes generated/wire.js and wire.d.ts from wire.proto; `--check` only says whether they are current. */
import { mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { createRequire } from "node:module";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";

const require = createRequire(import.meta.url);
const folder = fileURLToPath(new URL(".", import.meta.url));

// Every static module needs its own root: messages find each other through it.
const PBJS_MODULE = ["-t", "static-module", "-w", "es6", "--root", "retile-wire"];
const PBJS_RUNTIME = ["--dependency", "protobufjs/minimal.js"];
const PBJS_ABSENT = [
  "--no-verify",
  "--no-convert",
  "--no-delimited",
  "--no-typeurl",
  "--no-service",
];

/** @returns {Promise<{ "wire.js": string, "wire.d.ts": string }>} the text that belongs in generated/ */
export async function generate() {
  const pbjs = promisify(require("protobufjs-cli/pbjs").main);
  const pbts = promisify(require("protobufjs-cli/pbts").main);
  const options = [...PBJS_MODULE, ...PBJS_RUNTIME, ...PBJS_ABSENT, join(folder, "wire.proto")];
  const script = await pbjs(["--no-comments", ...options]);
  const annotated = await pbjs(options);
  const scratch = await mkdtemp(join(tmpdir(), "retile-wire-"));
  try {
    await writeFile(join(scratch, "wire.js"), annotated);
    const types = await pbts(["--no-comments", join(scratch, "wire.js")]);
    return { "wire.js": asNativeModule(script), "wire.d.ts": asNativeTypes(types) };
  } finally {
    await rm(scratch, { recursive: true });
  }
}

// protobufjs/minimal.js is CommonJS: Node gives an ES module only its default export.
function asNativeModule(script) {
  return script.replace("import * as $protobuf from", "import $protobuf from");
}

function asNativeTypes(types) {
  return types.replace('import Long = require("long");', 'import type Long from "long";');
}

async function main() {
  const files = await generate();
  let stale = false;
  for (const [name, text] of Object.entries(files)) {
    const path = join(folder, "generated", name);
    if (!process.argv.includes("--check")) await writeFile(path, text);
    else if ((await readFile(path, "utf8")) !== text) stale = true;
  }
  if (stale) process.stderr.write("generated/ is not what wire.proto says: run generate.mjs\n");
  process.exitCode = stale ? 1 : 0;
}

if (process.argv[1] === fileURLToPath(import.meta.url)) await main();
