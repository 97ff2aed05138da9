/** Frames on a byte stream: a u32 little-endian length, then that many bytes. */
import { concatBytes } from "../../protocol/base/bytes.ts";

export const LENGTH_BYTES = 4;

export function frameHeader(length: number): Uint8Array {
  const header = new Uint8Array(LENGTH_BYTES);
  new DataView(header.buffer).setUint32(0, length, true);
  return header;
}

export function readFrameLength(header: Uint8Array): number {
  return new DataView(header.buffer, header.byteOffset, LENGTH_BYTES).getUint32(0, true);
}

export interface FrameReader {
  /** The frames that these bytes complete; `"too_long"` as soon as one announces more than allowed. */
  push(bytes: Uint8Array): readonly Uint8Array[] | "too_long";
}

export function frameReader(frameBytesMax: number): FrameReader {
  let pending: Uint8Array = new Uint8Array(0);
  return {
    push: (bytes) => {
      pending = pending.length === 0 ? bytes : concatBytes([pending, bytes]);
      const frames: Uint8Array[] = [];
      while (pending.length >= LENGTH_BYTES) {
        const length = readFrameLength(pending);
        if (length > frameBytesMax) return "too_long";
        const end = LENGTH_BYTES + length;
        if (pending.length < end) break;
        frames.push(pending.slice(LENGTH_BYTES, end));
        pending = pending.subarray(end);
      }
      return frames;
    },
  };
}
