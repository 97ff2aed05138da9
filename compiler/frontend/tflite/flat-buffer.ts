/**
 * Reading tables out of a flatbuffer that may be hostile: every offset is checked, and the work is
 * bounded by the size of the file, however often its parts point at each other.
 */
import { ByteBuffer } from "flatbuffers";
import { refuse } from "../failure.ts";
import { OPTIONS, TABLES } from "./schema.ts";
import type { Field, Fields, ModelTable, OptionsName, RecordOf } from "./schema.ts";

export interface FlatFile {
  readonly bytes: Uint8Array;
  readonly buffer: ByteBuffer;
  /** Elements that may still be read; weights are views and cost nothing. */
  budget: number;
}

/** A well-formed file shares little: no honest one came near four reads a byte. */
const READS_PER_BYTE = 4;
const READS_FREE = 65_536;

export function flatFile(bytes: Uint8Array): FlatFile {
  const budget = bytes.length * READS_PER_BYTE + READS_FREE;
  return { bytes, buffer: new ByteBuffer(bytes), budget };
}

/** "TFL3" stands after the root's offset. */
export function isTflite(bytes: Uint8Array): boolean {
  const [a, b, c, d] = bytes.subarray(4, 8);
  return a === 0x54 && b === 0x46 && c === 0x4c && d === 0x33;
}

export function readModel(file: FlatFile): ModelTable {
  if (!isTflite(file.bytes)) refuse("BAD_MODEL", "the file is no TFLite model");
  return readTable(file, follow(file, 0), TABLES.Model);
}

/** The options of an operator; all fallbacks where the file leaves them out. */
export function readOptions<Name extends OptionsName>(
  file: FlatFile,
  position: number | undefined,
  name: Name,
): RecordOf<(typeof OPTIONS)[Name]> {
  const fields: Fields = OPTIONS[name];
  return readTable(file, position, fields) as RecordOf<(typeof OPTIONS)[Name]>;
}

/** A table at a position; without one every field has its fallback. */
export function readTable<Table extends Fields>(
  file: FlatFile,
  position: number | undefined,
  fields: Table,
): RecordOf<Table> {
  const names = Object.keys(fields);
  charge(file, names.length);
  const slots = position === undefined ? undefined : readSlots(file, position);
  const record: Record<string, unknown> = {};
  for (const name of names) {
    const field = fields[name];
    if (field !== undefined) record[name] = readField(file, slots?.(field[0]), field);
  }
  return record as RecordOf<Table>;
}

/** Finds where a slot's value lies; undefined where the table leaves it out. */
function readSlots(file: FlatFile, position: number): (slot: number) => number | undefined {
  requireBytes(file, position, 4);
  const vtable = position - file.buffer.readInt32(position);
  requireBytes(file, vtable, 4);
  const vtableBytes = file.buffer.readUint16(vtable);
  requireBytes(file, vtable, vtableBytes);
  return (slot) => {
    const entry = 4 + slot * 2;
    if (entry + 2 > vtableBytes) return undefined;
    const offset = file.buffer.readUint16(vtable + entry);
    return offset === 0 ? undefined : position + offset;
  };
}

function readField(file: FlatFile, at: number | undefined, [, type, fallback = 0]: Field): unknown {
  if (type.endsWith("[]")) return at === undefined ? [] : readVector(file, at, type.slice(0, -2));
  if (type === "text") return at === undefined ? "" : readText(file, at);
  if (type === "bytes") return at === undefined ? new Uint8Array(0) : readBytes(file, at);
  if (type === "position") return at === undefined ? undefined : follow(file, at);
  if (Object.hasOwn(TABLES, type)) {
    return at === undefined ? undefined : readTable(file, follow(file, at), fieldsOf(type));
  }
  if (type === "bool") return at === undefined ? fallback !== 0 : readScalar(file, at, "u8") !== 0;
  return at === undefined ? fallback : readScalar(file, at, type);
}

function fieldsOf(name: string): Fields {
  return (TABLES as Readonly<Record<string, Fields>>)[name] ?? {};
}

const WIDTHS: Readonly<Record<string, number>> = {
  i8: 1,
  u8: 1,
  u16: 2,
  i32: 4,
  u32: 4,
  f32: 4,
  i64: 8,
  u64: 8,
};

function readScalar(file: FlatFile, at: number, type: string): number {
  requireBytes(file, at, WIDTHS[type] ?? 0);
  const { buffer } = file;
  switch (type) {
    case "i8":
      return buffer.readInt8(at);
    case "u8":
      return buffer.readUint8(at);
    case "u16":
      return buffer.readUint16(at);
    case "i32":
      return buffer.readInt32(at);
    case "u32":
      return buffer.readUint32(at);
    case "i64":
      return Number(buffer.readInt64(at));
    case "u64":
      return Number(buffer.readUint64(at));
    case "f32":
      return buffer.readFloat32(at);
    default:
      throw new Error(`bug: no scalar type ${type}`);
  }
}

function readVector(file: FlatFile, at: number, type: string): readonly unknown[] {
  const fields = Object.hasOwn(TABLES, type) ? fieldsOf(type) : undefined;
  const { start, count } = vectorAt(file, at, fields === undefined ? (WIDTHS[type] ?? 1) : 4);
  charge(file, count);
  if (fields === undefined) {
    const width = WIDTHS[type] ?? 1;
    return Array.from({ length: count }, (_, i) => readScalar(file, start + i * width, type));
  }
  return Array.from({ length: count }, (_, i) =>
    readTable(file, follow(file, start + i * 4), fields),
  );
}

function readBytes(file: FlatFile, at: number): Uint8Array {
  const { start, count } = vectorAt(file, at, 1);
  return file.bytes.subarray(start, start + count);
}

function readText(file: FlatFile, at: number): string {
  const bytes = readBytes(file, at);
  charge(file, bytes.length);
  return new TextDecoder("utf-8").decode(bytes);
}

function vectorAt(file: FlatFile, at: number, width: number): { start: number; count: number } {
  const position = follow(file, at);
  requireBytes(file, position, 4);
  const count = file.buffer.readUint32(position);
  requireBytes(file, position + 4, count * width);
  return { start: position + 4, count };
}

/** The position that a 32-bit offset points at; offsets lead forward only. */
function follow(file: FlatFile, at: number): number {
  requireBytes(file, at, 4);
  return at + file.buffer.readUint32(at);
}

function requireBytes(file: FlatFile, start: number, count: number): void {
  if (start < 0 || start + count > file.bytes.length) {
    refuse("BAD_MODEL", `the file refers to byte ${start + count} of ${file.bytes.length}`);
  }
}

/** Pays for work that the file causes; one that asks for too much of it is refused. */
export function charge(file: FlatFile, reads: number): void {
  file.budget -= reads;
  if (file.budget < 0) refuse("LIMIT_EXCEEDED", "the file's parts are shared beyond reason");
}
