/**
 * What is carried to a device without a network, in one file: an order of the director and the files of the
 * repository that it rests on.
 *
 *     "RTLSTCK1" | header length, u32 little-endian | header, JSON | files one after another
 *
 * Nothing in it is believed: the device verifies it as if it had come over the network.
 */
import { z } from "zod";
import { concatBytes, equalBytes, fromUtf8, utf8 } from "../base/bytes.ts";
import { canonicalJson } from "../base/canonical-json.ts";
import { failed, succeeded, type Result } from "../base/result.ts";

export const STICK_BYTES_MAX = 256 << 20;
const STICK_FILES_MAX = 1024;
const HEADER_BYTES_MAX = 1 << 20;

export type StickCode = "STICK_MALFORMED" | "STICK_TOO_LARGE";

export interface Stick {
  /** The director's signed order, byte for byte. */
  readonly order: Uint8Array;
  /** An order to obey before that one; a device that has obeyed it refuses it as replayed. */
  readonly recall?: Uint8Array | undefined;
  /** By their path in the repository. */
  readonly files: ReadonlyMap<string, Uint8Array>;
}

const ORDER = "order";
const RECALL = "recall";
const MAGIC = utf8("RTLSTCK1");
const HEADER_OFFSET = MAGIC.length + 4;

const headerSchema = z.strictObject({
  format: z.literal(1),
  files: z
    .array(
      z.strictObject({
        path: z.string().min(1).max(300),
        bytes: z.int().min(0).max(STICK_BYTES_MAX),
      }),
    )
    .min(1)
    .max(STICK_FILES_MAX),
});

export function packStick({ order, recall, files }: Stick): Uint8Array {
  const orders = recall ? [[RECALL, recall] as const] : [];
  const all = [[ORDER, order] as const, ...orders, ...files];
  const listed = all.map(([path, bytes]) => ({ path, bytes: bytes.length }));
  const header = canonicalJson({ format: 1, files: listed });
  const start = new Uint8Array(HEADER_OFFSET);
  start.set(MAGIC);
  new DataView(start.buffer).setUint32(MAGIC.length, header.length, true);
  return concatBytes([start, header, ...all.map(([, bytes]) => bytes)]);
}

export function readStick(bytes: Uint8Array): Result<Stick, StickCode> {
  if (bytes.length > STICK_BYTES_MAX) {
    const details = { bytesMax: STICK_BYTES_MAX };
    return failed("STICK_TOO_LARGE", "The file is larger than any such file may be.", details);
  }
  if (bytes.length < HEADER_OFFSET || !equalBytes(bytes.subarray(0, MAGIC.length), MAGIC)) {
    return malformed("it does not begin as one does");
  }
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const headerBytes = view.getUint32(MAGIC.length, true);
  if (headerBytes > HEADER_BYTES_MAX || headerBytes > bytes.length - HEADER_OFFSET) {
    return malformed("its list of files is cut off");
  }
  let offset = HEADER_OFFSET + headerBytes;
  const listed = parseHeader(bytes.subarray(HEADER_OFFSET, offset));
  if (!listed) return malformed("its list of files is not readable");
  const files = new Map<string, Uint8Array>();
  for (const file of listed) {
    if (file.bytes > bytes.length - offset || files.has(file.path)) {
      return malformed(`${file.path} is cut off, or there twice`);
    }
    files.set(file.path, bytes.subarray(offset, offset + file.bytes));
    offset += file.bytes;
  }
  const order = files.get(ORDER);
  if (offset !== bytes.length || !order)
    return malformed("it holds no order, or more than it lists");
  const recall = files.get(RECALL);
  for (const path of [ORDER, RECALL]) files.delete(path);
  return succeeded({ order, recall, files });
}

function parseHeader(bytes: Uint8Array) {
  try {
    return headerSchema.parse(JSON.parse(fromUtf8(bytes))).files;
  } catch {
    // Not JSON, or not this JSON: the caller says so.
    return undefined;
  }
}

function malformed(why: string): Result<never, StickCode> {
  return failed("STICK_MALFORMED", `The file is no export of a release: ${why}.`);
}
