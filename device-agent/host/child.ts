/**
 * The program inside the sandbox: runs one request through one driver and ends. Bundled to one file,
 * because this process may read nothing but that file, the driver and the blobs.
 *
 *     node child.mjs FILES BLOBS   < request frame   > reply frames, then an empty one
 *
 * It stays until its input ends, so that the agent can read its peak memory.
 */
import { createHash } from "node:crypto";
import { closeSync, fstatSync, openSync, readSync, writeSync } from "node:fs";
import { join } from "node:path";
import { types } from "node:util";
import v8 from "node:v8";
import vm from "node:vm";
import { FRAME_BYTES_MAX } from "../../protocol/abi/abi.ts";
import { isSha256 } from "../../protocol/base/brand.ts";
import { EXIT_CODES } from "./exit-codes.ts";
import { frameHeader, LENGTH_BYTES, readFrameLength } from "./frames.ts";
import { ONE_CALL_FLAG } from "./one-call.ts";
import { installRealm, type Realm, type RealmBridge, type RealmOutcome } from "./realm.ts";
import { installTextDecoder, installTextEncoder } from "./realm-text.ts";

const INPUT = 0;
const OUTPUT = 1;
const ERROR_OUTPUT = 2;
const MESSAGE_LENGTH_MAX = 2000;

function main(): void {
  v8.setFlagsFromString(ONE_CALL_FLAG);
  const [files = "", blobs = ""] = process.argv.slice(2);
  const request = readBytes(INPUT, readFrameLength(readBytes(INPUT, LENGTH_BYTES)));
  // An ordinary global object: the interceptors of a contextified one make every `Math.abs` a call into Node.
  const context = vm.createContext(vm.constants.DONT_CONTEXTIFY, {
    codeGeneration: { strings: false, wasm: true },
    microtaskMode: "afterEvaluate",
  });
  const inRealm = <F extends (...values: never[]) => unknown>(f: F): F =>
    new vm.Script(`(${f.toString()})`).runInContext(context) as F;
  inRealm(installTextEncoder)();
  inRealm(installTextDecoder)();
  const realm = inRealm(installRealm)(bridgeTo(request, { files, blobs }));
  end(load(realm, context, join(files, "driver.js")) || realm.run());
}

function load(realm: Realm, context: vm.Context, path: string): RealmOutcome {
  const source = Buffer.from(readWhole(path) ?? new Uint8Array(0)).toString("utf8");
  try {
    new vm.Script(source, { filename: "driver.js" }).runInContext(context);
    return "";
  } catch (error) {
    return realm.explain(error);
  }
}

function bridgeTo(request: Uint8Array, folders: { files: string; blobs: string }): RealmBridge {
  let opened: Uint8Array = new Uint8Array(0);
  const open = (path: string | undefined): number => {
    const bytes = path === undefined ? undefined : readWhole(path);
    if (bytes === undefined) return -1;
    opened = bytes;
    return bytes.length;
  };
  return {
    requestLength: () => request.length,
    fillRequest: (target) => fill(target, request),
    openBlob: (sha256) => open(isSha256(sha256) ? join(folders.blobs, sha256) : undefined),
    openFile: (path) => open(isPlainPath(path) ? join(folders.files, path) : undefined),
    fillOpened: (target) => {
      fill(target, opened);
      opened = new Uint8Array(0);
    },
    sha256: (bytes, digest) => {
      if (types.isUint8Array(bytes)) fill(digest, createHash("sha256").update(bytes).digest());
    },
    reply: (frame) => {
      if (!types.isUint8Array(frame)) return false;
      const length = byteLengthOf(frame);
      if (length === 0 || length > FRAME_BYTES_MAX) return false;
      writeBytes(OUTPUT, frameHeader(length));
      writeBytes(OUTPUT, frame);
      return true;
    },
  };
}

// The driver may have replaced these methods in its own realm: ours are applied to its arrays.
const TYPED_ARRAY = Object.getPrototypeOf(Uint8Array.prototype) as Uint8Array;
const SET = TYPED_ARRAY.set;
const BYTE_LENGTH = Object.getOwnPropertyDescriptor(TYPED_ARRAY, "byteLength")?.get;

function fill(target: Uint8Array, bytes: Uint8Array): void {
  Reflect.apply(SET, target, [bytes]);
}

function byteLengthOf(bytes: Uint8Array): number {
  return BYTE_LENGTH ? (Reflect.apply(BYTE_LENGTH, bytes, []) as number) : 0;
}

/** Not the boundary, which is the permission flag: only so that a path means what it says. */
function isPlainPath(path: string): boolean {
  return path.split("/").every((segment) => /^[A-Za-z0-9_][A-Za-z0-9._-]*$/.test(segment));
}

function end(outcome: RealmOutcome): never {
  if (outcome !== "") {
    const message = outcome.slice(outcome.indexOf(":") + 1, MESSAGE_LENGTH_MAX);
    writeBytes(ERROR_OUTPUT, Buffer.from(message));
    process.exit(outcome.startsWith("memory:") ? EXIT_CODES.memory : EXIT_CODES.crashed);
  }
  writeBytes(OUTPUT, frameHeader(0));
  while (readSync(INPUT, new Uint8Array(1)) > 0);
  process.exit(0);
}

function readWhole(path: string): Uint8Array | undefined {
  let file: number;
  try {
    file = openSync(path, "r");
  } catch {
    // The driver asked for what is not there: that is its answer.
    return undefined;
  }
  try {
    return readBytes(file, fstatSync(file).size);
  } finally {
    closeSync(file);
  }
}

/** Ends the process when the input ends first: nobody is left to answer to. */
function readBytes(file: number, count: number): Uint8Array {
  const bytes = new Uint8Array(count);
  for (let offset = 0; offset < count;) {
    const read = readSync(file, bytes, offset, count - offset, null);
    if (read === 0) process.exit(EXIT_CODES.orphaned);
    offset += read;
  }
  return bytes;
}

function writeBytes(file: number, bytes: Uint8Array): void {
  for (let offset = 0; offset < bytes.length;) {
    try {
      offset += writeSync(file, bytes, offset);
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== "EAGAIN") process.exit(EXIT_CODES.orphaned);
      // The pipe is full: the agent is slower than the driver.
      Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 1);
    }
  }
}

main();
