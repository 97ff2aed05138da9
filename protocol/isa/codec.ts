/** Instruction streams as bytes: a fold over the table. Decoding refuses what encoding cannot produce. */
import { ByteReader, ByteWriter } from "../base/cursor.ts";
import { CodedError } from "../base/result.ts";
import { ISA, MICRO_OPS, PHASES } from "./table.ts";
import type {
  Address,
  FieldType,
  Instruction,
  MicroCode,
  MicroOp,
  MicroOpName,
  Mnemonic,
  Operand,
  Wait,
  Window,
} from "./table.ts";

/** Limits of the encoding. */
export const WAITS_MAX = 16;
const SIGNALS_MAX = 4;
export const OPERANDS_MAX = 32;
export const MICRO_OPS_MAX = 512;

interface FieldCodec {
  write(to: ByteWriter, value: never): void;
  read(from: ByteReader): unknown;
}

const CODECS = {
  u8: { write: (to, value: number) => to.u8(value), read: (from) => from.u8() },
  u16: { write: (to, value: number) => to.u16(value), read: (from) => from.u16() },
  u32: { write: (to, value: number) => to.u32(value), read: (from) => from.u32() },
  i16: { write: (to, value: number) => to.i16(value), read: (from) => from.i16() },
  i32: { write: (to, value: number) => to.i32(value), read: (from) => from.i32() },
  address: { write: writeAddress, read: readAddress },
  window: { write: writeWindow, read: readWindow },
  operands: { write: writeOperands, read: readOperands },
  code: { write: writeCode, read: readCode },
} as const satisfies Record<FieldType, FieldCodec>;

interface AnyRow {
  readonly code: number;
  readonly fields: Readonly<Record<string, FieldType>>;
}
const ROWS = new Map<string, AnyRow>(Object.entries(ISA));
const BY_CODE = new Map([...ROWS].map(([op, row]) => [row.code, op as Mnemonic]));
const MICRO_BY_CODE = new Map(
  Object.entries(MICRO_OPS).map(([op, row]) => [row.code, op as MicroOpName]),
);

export function encodeInstructions(instructions: readonly Instruction[]): Uint8Array {
  const to = new ByteWriter();
  for (const instruction of instructions) encodeInstruction(to, instruction);
  return to.finish();
}

/** Throws CodedError `ILLEGAL_INSTRUCTION` or `TRUNCATED`. */
export function decodeInstructions(bytes: Uint8Array): Instruction[] {
  const from = new ByteReader(bytes);
  const instructions: Instruction[] = [];
  while (from.remaining() > 0) instructions.push(decodeInstruction(from));
  return instructions;
}

const FIELDS = new Map([...ROWS].map(([op, row]) => [op, Object.entries(row.fields)]));

/** In the order of the encoding. */
export function fieldTypesOf(op: Mnemonic): readonly (readonly [string, FieldType])[] {
  return FIELDS.get(op) ?? [];
}

export function isMnemonic(text: string): text is Mnemonic {
  return ROWS.has(text);
}

export function isMicroOpName(text: string): text is MicroOpName {
  return Object.hasOwn(MICRO_OPS, text);
}

function encodeInstruction(to: ByteWriter, instruction: Instruction): void {
  to.u8(ISA[instruction.op].code);
  to.u8(instruction.waits.length);
  to.u8(instruction.signals.length);
  to.u8(0);
  to.u32(instruction.origin);
  for (const wait of instruction.waits) {
    to.u16(wait.semaphore);
    to.u32(wait.value);
  }
  for (const semaphore of instruction.signals) to.u16(semaphore);
  const values = instruction as unknown as Record<string, never>;
  for (const [name, type] of fieldTypesOf(instruction.op)) {
    (CODECS[type] as FieldCodec).write(to, values[name] as never);
  }
}

function decodeInstruction(from: ByteReader): Instruction {
  const code = from.u8();
  const op = BY_CODE.get(code);
  if (op === undefined) throw illegal(`opcode 0x${code.toString(16)}`);
  const waitCount = bounded(from.u8(), WAITS_MAX, "waits");
  const signalCount = bounded(from.u8(), SIGNALS_MAX, "signals");
  if (from.u8() !== 0) throw illegal("reserved byte is not zero");
  const origin = from.u32();
  const waits: Wait[] = repeat(waitCount, () => ({ semaphore: from.u16(), value: from.u32() }));
  const signals = repeat(signalCount, () => from.u16());
  const fields: Record<string, unknown> = {};
  for (const [name, type] of fieldTypesOf(op)) fields[name] = CODECS[type].read(from);
  return { op, ...fields, waits, signals, origin } as unknown as Instruction;
}

function writeAddress(to: ByteWriter, address: Address): void {
  to.u16(address.region);
  to.u48(address.offset);
}

function readAddress(from: ByteReader): Address {
  return { region: from.u16(), offset: from.u48() };
}

function writeWindow(to: ByteWriter, window: Window): void {
  writeAddress(to, window.table);
  to.i32(window.originY);
  to.i32(window.originX);
  to.u32(window.rowPitch);
  to.u32(window.tilePitch);
  to.u8(window.strideY);
  to.u8(window.strideX);
}

function readWindow(from: ByteReader): Window {
  return {
    table: readAddress(from),
    originY: from.i32(),
    originX: from.i32(),
    rowPitch: from.u32(),
    tilePitch: from.u32(),
    strideY: from.u8(),
    strideX: from.u8(),
  };
}

function writeOperands(to: ByteWriter, operands: readonly Operand[]): void {
  to.u8(operands.length);
  for (const operand of operands) {
    if (operand.kind === "linear") {
      to.u8(0);
      writeAddress(to, operand.address);
      to.i32(operand.strideBytes);
    } else if (operand.kind === "window") {
      to.u8(1);
      writeWindow(to, operand.window);
    } else {
      to.u8(2);
      writeAddress(to, operand.table);
      to.i32(operand.offsetBytes);
    }
  }
}

function readOperands(from: ByteReader): Operand[] {
  return repeat(bounded(from.u8(), OPERANDS_MAX, "operands"), () => {
    const kind = from.u8();
    if (kind === 0) return { kind: "linear", address: readAddress(from), strideBytes: from.i32() };
    if (kind === 1) return { kind: "window", window: readWindow(from) };
    if (kind === 2) return { kind: "pixels", table: readAddress(from), offsetBytes: from.i32() };
    throw illegal(`operand kind ${kind}`);
  });
}

function writeCode(to: ByteWriter, code: MicroCode): void {
  for (const phase of PHASES) {
    to.u16(code[phase].length);
    for (const micro of code[phase]) writeMicroOp(to, micro);
  }
}

function writeMicroOp(to: ByteWriter, micro: MicroOp): void {
  const row = MICRO_OPS[micro.op];
  to.u8(row.code);
  to.u8(micro.d);
  to.u8(micro.a);
  to.u8(micro.b);
  if (row.immediate === "f32") to.f32(micro.immediate);
  else to.i32(micro.immediate);
}

function readCode(from: ByteReader): MicroCode {
  const part = (): MicroOp[] =>
    repeat(bounded(from.u16(), MICRO_OPS_MAX, "micro-ops"), () => readMicroOp(from));
  return { prologue: part(), body: part(), epilogue: part() };
}

function readMicroOp(from: ByteReader): MicroOp {
  const code = from.u8();
  const op = MICRO_BY_CODE.get(code);
  if (op === undefined) throw illegal(`micro-op 0x${code.toString(16)}`);
  const [d, a, b] = [from.u8(), from.u8(), from.u8()];
  const immediate = MICRO_OPS[op].immediate === "f32" ? from.f32() : from.i32();
  if (Number.isNaN(immediate)) throw illegal("an immediate that is no number");
  return { op, d, a, b, immediate };
}

function repeat<T>(count: number, make: () => T): T[] {
  const items: T[] = [];
  for (let index = 0; index < count; index++) items.push(make());
  return items;
}

function bounded(count: number, limit: number, what: string): number {
  if (count > limit) throw illegal(`${count} ${what}, at most ${limit}`);
  return count;
}

function illegal(what: string): CodedError<"ILLEGAL_INSTRUCTION"> {
  return new CodedError("ILLEGAL_INSTRUCTION", `illegal instruction: ${what}`);
}
