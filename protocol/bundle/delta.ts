/**
 * A delta: how to make one bundle out of another, or, over an empty base, a compressed bundle.
 *
 *     "RTLDELT1" | bytes of the result, u32 | three streams: operations, differences, literals,
 *     each as raw length u32 | compressed length u32; then the three compressed streams
 *
 * Operations are varints, three a step: literals to take, bytes to copy, and how far the copy's place in the
 * base lies from the end of the last copy (zigzag). A copied byte is the base's plus one of the differences,
 * which may be left out altogether. Numbers are little-endian.
 *
 * Nobody signs a delta: its result is what the offline keys signed, or it is thrown away. So this code runs
 * on bytes of strangers, and everything that they announce is limited before it is believed.
 */
import { concatBytes, equalBytes, utf8 } from "../base/bytes.ts";
import { failed, succeeded, type Result } from "../base/result.ts";

export type DeltaCode = "DELTA_MALFORMED" | "DELTA_TOO_LARGE" | "DELTA_OUT_OF_BOUNDS";

/** The bytes that `compressed` holds; undefined when they are not exactly `bytes` many. */
export type Inflate = (compressed: Uint8Array, bytes: number) => Uint8Array | undefined;

export interface DeltaStreams {
  readonly operations: Uint8Array;
  /** Empty: every copy is exact. */
  readonly differences: Uint8Array;
  readonly literals: Uint8Array;
}

const MAGIC = utf8("RTLDELT1");
const STREAMS = 3;
const RESULT_OFFSET = MAGIC.length;
const STREAMS_OFFSET = RESULT_OFFSET + 4;
const HEADER_BYTES = STREAMS_OFFSET + STREAMS * 8;
/** An operation is at least three bytes and makes at least one. */
const OPERATION_BYTES_PER_RESULT_BYTE = 3;

export function encodeDelta(
  resultBytes: number,
  streams: DeltaStreams,
  compress: (bytes: Uint8Array) => Uint8Array,
): Uint8Array {
  const raw = [streams.operations, streams.differences, streams.literals];
  const compressed = raw.map((bytes) => (bytes.length === 0 ? bytes : compress(bytes)));
  const header = new Uint8Array(HEADER_BYTES);
  const view = new DataView(header.buffer);
  header.set(MAGIC);
  view.setUint32(RESULT_OFFSET, resultBytes, true);
  for (const [index, bytes] of compressed.entries()) {
    view.setUint32(STREAMS_OFFSET + index * 8, raw[index]?.length ?? 0, true);
    view.setUint32(STREAMS_OFFSET + index * 8 + 4, bytes.length, true);
  }
  return concatBytes([header, ...compressed]);
}

export interface DeltaLimits {
  readonly inflate: Inflate;
  /** No more memory is spent than a few times this, whatever the delta announces. */
  readonly resultBytesMax: number;
}

/** What the delta makes of `base`; whether that is the bundle wanted is for its hash to say. */
export function applyDelta(
  delta: Uint8Array,
  base: Uint8Array,
  limits: DeltaLimits,
): Result<Uint8Array, DeltaCode> {
  const read = readStreams(delta, limits);
  if (!read.ok) return read;
  const { streams, resultBytes } = read.value;
  return rebuild(streams, base, resultBytes);
}

interface ReadDelta {
  readonly streams: DeltaStreams;
  readonly resultBytes: number;
}

function readStreams(
  delta: Uint8Array,
  { inflate, resultBytesMax }: DeltaLimits,
): Result<ReadDelta, DeltaCode> {
  if (delta.length < HEADER_BYTES || !equalBytes(delta.subarray(0, MAGIC.length), MAGIC)) {
    return malformed("it does not begin as a delta does");
  }
  const view = new DataView(delta.buffer, delta.byteOffset, delta.byteLength);
  const resultBytes = view.getUint32(RESULT_OFFSET, true);
  if (resultBytes > resultBytesMax) return tooLarge("result", resultBytes, resultBytesMax);
  const limits = [OPERATION_BYTES_PER_RESULT_BYTE * resultBytes, resultBytes, resultBytes];
  const raw: Uint8Array[] = [];
  let offset = HEADER_BYTES;
  for (const [index, limit] of limits.entries()) {
    const rawBytes = view.getUint32(STREAMS_OFFSET + index * 8, true);
    const packedBytes = view.getUint32(STREAMS_OFFSET + index * 8 + 4, true);
    if (rawBytes > limit) return tooLarge("stream", rawBytes, limit);
    if (packedBytes > delta.length - offset) return malformed("a stream ends early");
    const packed = delta.subarray(offset, offset + packedBytes);
    const bytes = rawBytes === 0 ? new Uint8Array(0) : inflate(packed, rawBytes);
    if (bytes?.length !== rawBytes) return malformed("a stream is not as long as it says");
    raw.push(bytes);
    offset += packedBytes;
  }
  if (offset !== delta.length) return malformed("something follows its streams");
  const [operations, differences, literals] = raw as [Uint8Array, Uint8Array, Uint8Array];
  return succeeded({ streams: { operations, differences, literals }, resultBytes });
}

function rebuild(
  { operations, differences, literals }: DeltaStreams,
  base: Uint8Array,
  resultBytes: number,
): Result<Uint8Array, DeltaCode> {
  const result = new Uint8Array(resultBytes);
  const hasDifferences = differences.length > 0;
  const numbers = varintReader(operations);
  let [at, literalAt, differenceAt, baseAt] = [0, 0, 0, 0];
  while (!numbers.isAtEnd()) {
    const [literalBytes, copyBytes, seek] = [numbers.next(), numbers.next(), numbers.next()];
    if (literalBytes === undefined || copyBytes === undefined || seek === undefined) {
      return malformed("an operation is cut off");
    }
    const from = baseAt + unzigzag(seek);
    const isInside =
      literalBytes <= literals.length - literalAt &&
      literalBytes + copyBytes <= resultBytes - at &&
      from >= 0 &&
      copyBytes <= base.length - from &&
      (!hasDifferences || copyBytes <= differences.length - differenceAt);
    if (!isInside) return failed("DELTA_OUT_OF_BOUNDS", "The delta reaches outside of its bytes.");
    result.set(literals.subarray(literalAt, literalAt + literalBytes), at);
    literalAt += literalBytes;
    at += literalBytes;
    result.set(base.subarray(from, from + copyBytes), at);
    if (hasDifferences) {
      for (let index = 0; index < copyBytes; index++)
        result[at + index]! += differences[differenceAt++]!;
    }
    at += copyBytes;
    baseAt = from + copyBytes;
  }
  const isWhole =
    at === resultBytes && literalAt === literals.length && differenceAt === differences.length;
  return isWhole ? succeeded(result) : malformed("it does not add up to its result");
}

/** Of at most 2^32: more is read as no number. */
function varintReader(bytes: Uint8Array) {
  let at = 0;
  return {
    isAtEnd: () => at >= bytes.length,
    next: (): number | undefined => {
      let value = 0;
      for (let factor = 1; factor <= 2 ** 28; factor *= 128) {
        const byte = bytes[at++];
        if (byte === undefined) return undefined;
        value += (byte & 127) * factor;
        if (byte < 128) return value;
      }
      return undefined;
    },
  };
}

export function pushVarint(bytes: number[], value: number): void {
  let rest = value;
  for (; rest > 127; rest = Math.floor(rest / 128)) bytes.push((rest & 127) | 128);
  bytes.push(rest);
}

export function zigzag(value: number): number {
  return value < 0 ? -2 * value - 1 : 2 * value;
}

function unzigzag(value: number): number {
  return value % 2 === 1 ? -(value + 1) / 2 : value / 2;
}

function malformed(why: string): Result<never, DeltaCode> {
  return failed("DELTA_MALFORMED", `The delta is not readable: ${why}.`);
}

function tooLarge(what: string, bytes: number, bytesMax: number): Result<never, DeltaCode> {
  return failed("DELTA_TOO_LARGE", `The delta announces a ${what} of ${bytes} bytes.`, {
    bytesMax,
  });
}
