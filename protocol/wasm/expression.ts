/** Typed WebAssembly expressions: trees of instructions, already encoded, checked by TypeScript. */
import { assert } from "../base/assert.ts";
import type {
  Gives,
  LaneMnemonic,
  LoadLaneMnemonic,
  LoadMnemonic,
  Mnemonic,
  PlainMnemonic,
  Takes,
  ValueType,
} from "./table.ts";
import { instruction, signed, unsigned } from "./table.ts";

/** Code that leaves one value on the stack. Using it twice evaluates it twice. */
export interface Expression<T extends ValueType = ValueType> {
  readonly type: T;
  readonly code: readonly number[];
}

/** A plain number stands for an i32 constant. */
export type Operand<T extends ValueType = ValueType> = T extends "i32"
  ? Expression<"i32"> | number
  : Expression<T>;

/** A place in memory: a base and a constant offset in bytes, added without wrap-around. */
export interface Place {
  readonly base: Operand<"i32">;
  readonly offset: number;
}
export type Address = Operand<"i32"> | Place;

type Operands<Types> = {
  [Index in keyof Types]: Types[Index] extends ValueType ? Operand<Types[Index]> : never;
};

/** An instruction without immediates: `op("f32x4.add", a, b)`. */
export function op<M extends PlainMnemonic>(
  mnemonic: M,
  ...operands: Operands<Takes<M>>
): Expression<Gives<M>> {
  return assemble(mnemonic, operands as Operand[], []);
}

/** An instruction with a lane number: `lane("i32x4.replace_lane", 3, vector, value)`. */
export function lane<M extends LaneMnemonic>(
  mnemonic: M,
  index: number,
  ...operands: Operands<Takes<M>>
): Expression<Gives<M>> {
  return assemble(mnemonic, operands as Operand[], [index]);
}

export function at(base: Operand<"i32">, offset: number): Place {
  return { base, offset };
}

export function load<M extends LoadMnemonic>(mnemonic: M, address: Address): Expression<Gives<M>> {
  const { base, offset } = place(address);
  return assemble(mnemonic, [base], memoryArgument(offset));
}

/** Loads one lane and keeps the others of `vector`. */
export function loadLane(
  mnemonic: LoadLaneMnemonic,
  from: { readonly address: Address; readonly lane: number },
  vector: Expression<"v128">,
): Expression<"v128"> {
  const { base, offset } = place(from.address);
  return assemble(mnemonic, [base, vector], [...memoryArgument(offset), from.lane]);
}

/** `value` may be written as signed or unsigned: -1 and 0xffffffff are the same constant. */
export function i32(value: number): Expression<"i32"> {
  assert(value >= -0x80000000 && value <= 0xffffffff, `${value} is no 32-bit constant`);
  assert(Number.isInteger(value), `${value} is not whole`);
  return { type: "i32", code: [0x41, ...signed(BigInt(value | 0))] };
}

export function i64(value: bigint): Expression<"i64"> {
  return { type: "i64", code: [0x42, ...signed(BigInt.asIntN(64, value))] };
}

/** `value` rounded to float32. */
export function f32(value: number): Expression<"f32"> {
  return { type: "f32", code: [0x43, ...floatBytes([value])] };
}

export function f64(value: number): Expression<"f64"> {
  return { type: "f64", code: [0x44, ...new Uint8Array(Float64Array.of(value).buffer)] };
}

/** A vector constant from its 16 bytes, lane 0 first, little-endian. */
export function vector(bytes: readonly number[]): Expression<"v128"> {
  assert(bytes.length === 16, "a vector has 16 bytes");
  return { type: "v128", code: [0xfd, 0x0c, ...bytes] };
}

/** Four copies of one float32 constant. */
export function f32x4(value: number): Expression<"v128"> {
  return vector(floatBytes([value, value, value, value]));
}

/** Four copies of one int32 constant. */
export function i32x4(value: number): Expression<"v128"> {
  return vector([...new Uint8Array(Int32Array.of(value, value, value, value).buffer)]);
}

/** Byte `index` of the result is byte `lanes[index]` of a (0..15) or b (16..31). */
export function shuffle(
  lanes: readonly number[],
  a: Expression<"v128">,
  b: Expression<"v128">,
): Expression<"v128"> {
  assert(lanes.length === 16 && lanes.every((from) => from >= 0 && from < 32), "shuffle lanes");
  return { type: "v128", code: [...a.code, ...b.code, 0xfd, 0x0d, ...lanes] };
}

/** a when the condition is not zero, else b; both are evaluated. */
export function select<T extends ValueType>(
  condition: Operand<"i32">,
  a: Expression<T>,
  b: Expression<T>,
): Expression<T> {
  const tail = a.type === "v128" ? [0x1c, 1, TYPE_CODE.v128] : [0x1b];
  return { type: a.type, code: [...a.code, ...b.code, ...expression(condition).code, ...tail] };
}

export const TYPE_CODE = { i32: 0x7f, i64: 0x7e, f32: 0x7d, f64: 0x7c, v128: 0x7b } as const;

export function expression(operand: Operand): Expression {
  return typeof operand === "number" ? i32(operand) : operand;
}

export function place(address: Address): Place {
  return typeof address === "object" && "base" in address ? address : { base: address, offset: 0 };
}

/** Alignment is a hint without effect on results; the smallest one is valid everywhere. */
export function memoryArgument(offset: number): number[] {
  assert(Number.isInteger(offset) && offset >= 0, `memory offset ${offset}`);
  return [0, ...unsigned(offset)];
}

/** Checks operand types once more: callers may have computed the mnemonic. */
export function assemble<M extends Mnemonic>(
  mnemonic: M,
  operands: readonly Operand[],
  immediates: readonly number[],
): Expression<Gives<M>> {
  const { opcode, takes, gives } = instruction(mnemonic);
  const given = operands.map(expression);
  assert(
    given.length === takes.length && given.every((operand, index) => operand.type === takes[index]),
    `${mnemonic} takes ${takes.join(" ")}, got ${given.map((operand) => operand.type).join(" ")}`,
  );
  const code: number[] = [];
  for (const operand of given) for (const byte of operand.code) code.push(byte);
  code.push(...opcode, ...immediates);
  return { type: gives as Gives<M>, code };
}

function floatBytes(values: readonly number[]): number[] {
  return [...new Uint8Array(Float32Array.from(values).buffer)];
}
