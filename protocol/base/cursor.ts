/** Little-endian reading and writing over growing or bounded byte arrays. */
import { CodedError } from "./result.ts";

export class ByteWriter {
  private bytes: Uint8Array;
  private view: DataView;
  private length = 0;

  /** With the number of bytes that will be written, where it is known, nothing is copied. */
  constructor(capacity = 1024) {
    this.bytes = new Uint8Array(capacity);
    this.view = new DataView(this.bytes.buffer);
  }

  u8(value: number): void {
    const at = this.reserve(1);
    this.view.setUint8(at, value);
  }
  u16(value: number): void {
    const at = this.reserve(2);
    this.view.setUint16(at, value, true);
  }
  i16(value: number): void {
    const at = this.reserve(2);
    this.view.setInt16(at, value, true);
  }
  u32(value: number): void {
    const at = this.reserve(4);
    this.view.setUint32(at, value, true);
  }
  i32(value: number): void {
    const at = this.reserve(4);
    this.view.setInt32(at, value, true);
  }
  f32(value: number): void {
    const at = this.reserve(4);
    this.view.setFloat32(at, value, true);
  }
  /** A whole number below 2^48. */
  u48(value: number): void {
    const at = this.reserve(6);
    this.view.setUint32(at, value % 0x100000000, true);
    this.view.setUint16(at + 4, Math.floor(value / 0x100000000), true);
  }
  raw(bytes: Uint8Array): void {
    const at = this.reserve(bytes.length);
    this.bytes.set(bytes, at);
  }
  size(): number {
    return this.length;
  }
  /** Ends the writing. */
  finish(): Uint8Array {
    return this.length === this.bytes.length ? this.bytes : this.bytes.slice(0, this.length);
  }

  /** May replace `bytes` and `view`: take the offset first, then write. */
  private reserve(count: number): number {
    const at = this.length;
    this.length += count;
    if (this.length > this.bytes.length) {
      const larger = new Uint8Array(Math.max(this.length, this.bytes.length * 2));
      larger.set(this.bytes);
      this.bytes = larger;
      this.view = new DataView(larger.buffer);
    }
    return at;
  }
}

/** Throws CodedError `TRUNCATED` when the bytes end early. */
export class ByteReader {
  private readonly bytes: Uint8Array;
  private readonly view: DataView;
  private offset = 0;

  constructor(bytes: Uint8Array) {
    this.bytes = bytes;
    this.view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  }

  u8(): number {
    return this.view.getUint8(this.take(1));
  }
  u16(): number {
    return this.view.getUint16(this.take(2), true);
  }
  i16(): number {
    return this.view.getInt16(this.take(2), true);
  }
  u32(): number {
    return this.view.getUint32(this.take(4), true);
  }
  i32(): number {
    return this.view.getInt32(this.take(4), true);
  }
  f32(): number {
    return this.view.getFloat32(this.take(4), true);
  }
  u48(): number {
    const at = this.take(6);
    return this.view.getUint32(at, true) + this.view.getUint16(at + 4, true) * 0x100000000;
  }
  /** A view, not a copy. */
  raw(count: number): Uint8Array {
    const at = this.take(count);
    return this.bytes.subarray(at, at + count);
  }
  remaining(): number {
    return this.bytes.length - this.offset;
  }

  private take(count: number): number {
    const at = this.offset;
    if (count > this.bytes.length - at) {
      throw new CodedError(
        "TRUNCATED",
        `needs ${count} bytes at ${at}, has ${this.bytes.length - at}`,
      );
    }
    this.offset = at + count;
    return at;
  }
}
