/** Writes the static protobuf modules from their .proto files; `--check` only says whether they are current. */
import { mkdir, mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { createRequire } from "node:module";
import { tmpdir } from "node:os";
import { basename, dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";

const require = createRequire(import.meta.url);
const root = fileURLToPath(new URL("..", import.meta.url));

const PROTO_FILES = [
  "protocol/abi/abi.proto",
  "protocol/program/program.proto",
  "protocol/wire/wire.proto",
  "compiler/frontend/onnx/onnx.proto",
];

/** @returns {Promise<Map<string, string>>} path below the project's root -> text */
export async function generate(proto) {
  const name = basename(proto, ".proto");
  const pbjs = promisify(require("protobufjs-cli/pbjs").main);
  const pbts = promisify(require("protobufjs-cli/pbts").main);
  const options = [
    // Every static module needs its own root: messages find each other through it.
    ...["-t", "static-module", "-w", "es6", "--root", `retile-${name}`],
    ...["--dependency", "protobufjs/minimal.js"],
    ...["--no-verify", "--no-convert", "--no-delimited", "--no-typeurl", "--no-service"],
    join(root, proto),
  ];
  const script = await pbjs(["--no-comments", ...options]);
  const scratch = await mkdtemp(join(tmpdir(), "retile-protos-"));
  try {
    await writeFile(join(scratch, "annotated.js"), await pbjs(options));
    const types = await pbts(["--no-comments", join(scratch, "annotated.js")]);
    const at = join(dirname(proto), "generated", name);
    return new Map([
      [`${at}.js`, asNativeModule(script)],
      [`${at}.d.ts`, asNativeTypes(types)],
    ]);
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
  const only = process.argv.slice(2).filter((argument) => argument.endsWith(".proto"));
  const stale = [];
  for (const proto of only.length > 0 ? only : PROTO_FILES) {
    for (const [path, text] of await generate(proto)) {
      if (!process.argv.includes("--check")) {
        await mkdir(dirname(join(root, path)), { recursive: true });
        await writeFile(join(root, path), text);
      } else if ((await readFile(join(root, path), "utf8")) !== text) stale.push(path);
    }
  }
  if (stale.length > 0) {
    process.stderr.write(
      `not what the .proto files say: ${stale.join(", ")}; run node scripts/generate-protos.mjs\n`,
    );
  }
  process.exitCode = stale.length > 0 ? 1 : 0;
}

if (process.argv[1] === fileURLToPath(import.meta.url)) await main();
