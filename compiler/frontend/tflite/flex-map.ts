/** The options of custom operators: a FlexBuffers map from names to numbers; other values are left out. */
import { refuse } from "../failure.ts";

/** Types of the format that are numbers. */
const INT = 1;
const UINT = 2;
const FLOAT = 3;
const INDIRECT_INT = 6;
const INDIRECT_FLOAT = 8;
const MAP = 9;
const BOOL = 26;

const ENTRIES_MAX = 1024;

/** Every read is checked: the bytes come from the file. */
export function flexNumbers(bytes: Uint8Array): ReadonlyMap<string, number> {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const cursor = { bytes, view };
  if (bytes.length < 3) return refuse("BAD_MODEL", "the options of a custom operator are cut off");
  const [packed = 0, width = 0] = [bytes[bytes.length - 2], bytes[bytes.length - 1]];
  if (packed >> 2 !== MAP)
    return refuse("BAD_MODEL", "the options of a custom operator are no map");
  const root = bytes.length - 2 - width;
  return readMap(cursor, root - unsigned(cursor, root, width), 1 << (packed & 3));
}

interface Cursor {
  readonly bytes: Uint8Array;
  readonly view: DataView;
}

function readMap(cursor: Cursor, at: number, width: number): ReadonlyMap<string, number> {
  const count = unsigned(cursor, at - width, width);
  if (count > ENTRIES_MAX)
    return refuse("LIMIT_EXCEEDED", "a custom operator has too many options");
  const keys = at - 3 * width - unsigned(cursor, at - 3 * width, width);
  const keyWidth = unsigned(cursor, at - 2 * width, width);
  const values = new Map<string, number>();
  for (let index = 0; index < count; index++) {
    const key = keys + index * keyWidth;
    const packed = unsigned(cursor, at + count * width + index, 1);
    const value = readNumber(cursor, at + index * width, { width, packed });
    if (value !== undefined)
      values.set(readKey(cursor, key - unsigned(cursor, key, keyWidth)), value);
  }
  return values;
}

function readKey({ bytes }: Cursor, at: number): string {
  const end = bytes.indexOf(0, Math.max(at, 0));
  if (at < 0 || end === -1) return refuse("BAD_MODEL", "the name of an option is cut off");
  return new TextDecoder().decode(bytes.subarray(at, end));
}

function readNumber(
  cursor: Cursor,
  at: number,
  { width, packed }: { readonly width: number; readonly packed: number },
): number | undefined {
  const type = packed >> 2;
  if (type >= INDIRECT_INT && type <= INDIRECT_FLOAT) {
    const place = at - unsigned(cursor, at, width);
    const inner = { width: 1 << (packed & 3), packed: (type - INDIRECT_INT + INT) << 2 };
    return readNumber(cursor, place, inner);
  }
  if (type === UINT || type === BOOL) return unsigned(cursor, at, width);
  if (type === INT) return signed(cursor, at, width);
  return type === FLOAT ? float(cursor, at, width) : undefined;
}

function requireBytes({ bytes }: Cursor, at: number, width: number): void {
  const known = width === 1 || width === 2 || width === 4 || width === 8;
  if (!known || at < 0 || at + width > bytes.length) {
    refuse("BAD_MODEL", "the options of a custom operator lead outside of them");
  }
}

function unsigned(cursor: Cursor, at: number, width: number): number {
  requireBytes(cursor, at, width);
  const { view } = cursor;
  if (width === 8) return Number(view.getBigUint64(at, true));
  return width === 4
    ? view.getUint32(at, true)
    : width === 2
      ? view.getUint16(at, true)
      : view.getUint8(at);
}

function signed(cursor: Cursor, at: number, width: number): number {
  const value = unsigned(cursor, at, width);
  return value >= 2 ** (width * 8 - 1) ? value - 2 ** (width * 8) : value;
}

function float(cursor: Cursor, at: number, width: number): number {
  requireBytes(cursor, at, width);
  if (width < 4) return refuse("BAD_MODEL", "an option has too few bits for a float");
  return width === 4 ? cursor.view.getFloat32(at, true) : cursor.view.getFloat64(at, true);
}
