/** The one instruction table: opcode, types and immediates of every WebAssembly instruction we emit. */
import { CORE, SATURATING } from "./table-core.ts";
import type { Immediate, Row, ValueType } from "./table-row.ts";
import { SIMD } from "./table-simd.ts";

export type { Immediate, Row, ValueType };

export const INSTRUCTIONS = { ...CORE, ...SATURATING, ...SIMD };

type Table = typeof INSTRUCTIONS;
export type Mnemonic = keyof Table;

type WithImmediate<Wanted> = {
  [M in Mnemonic]: Table[M] extends readonly [number, string, infer I]
    ? I extends Wanted
      ? M
      : never
    : Wanted extends "none"
      ? M
      : never;
}[Mnemonic];
type Stores = {
  [M in Mnemonic]: Table[M][1] extends `${string} -> ${string}` ? never : M;
}[Mnemonic];

/** Instructions without immediates. */
export type PlainMnemonic = WithImmediate<"none">;
export type LaneMnemonic = WithImmediate<"lane">;
export type StoreMnemonic = Extract<Stores, WithImmediate<"memory">>;
export type LoadMnemonic = Exclude<WithImmediate<"memory">, Stores>;
export type StoreLaneMnemonic = Extract<Stores, WithImmediate<"memory lane">>;
export type LoadLaneMnemonic = Exclude<WithImmediate<"memory lane">, Stores>;

type Words<Text extends string> = Text extends `${infer First} ${infer Rest}`
  ? [First, ...Words<Rest>]
  : [Text];
type Left<Text extends string> = Text extends `${infer Operands} -> ${string}` ? Operands : Text;
type Right<Text extends string> = Text extends `${string} -> ${infer Result}` ? Result : never;

/** Operand types of an instruction, bottom of the stack first. */
export type Takes<M extends Mnemonic> = Words<Left<Table[M][1]>>;
export type Gives<M extends Mnemonic> = Extract<Right<Table[M][1]>, ValueType>;

interface Instruction {
  readonly opcode: readonly number[];
  readonly takes: readonly ValueType[];
  readonly gives: ValueType | undefined;
}

const DECODED: ReadonlyMap<string, Instruction> = new Map([
  ...decodeTable(CORE, undefined),
  ...decodeTable(SATURATING, 0xfc),
  ...decodeTable(SIMD, 0xfd),
]);

export function instruction(mnemonic: Mnemonic): Instruction {
  return DECODED.get(mnemonic)!;
}

function decodeTable(
  table: Readonly<Record<string, Row>>,
  prefix: number | undefined,
): [string, Instruction][] {
  return Object.entries(table).map(([mnemonic, [opcode, signature]]) => {
    const [operands = "", result] = signature.split(" -> ");
    return [
      mnemonic,
      {
        opcode: prefix === undefined ? [opcode] : [prefix, ...unsigned(opcode)],
        takes: operands.split(" ") as ValueType[],
        gives: result as ValueType | undefined,
      },
    ];
  });
}

/** LEB128 of a whole number in [0, 2^32). */
export function unsigned(value: number): number[] {
  const bytes: number[] = [];
  let rest = value;
  while (rest >= 0x80) {
    bytes.push((rest % 0x80) | 0x80);
    rest = Math.floor(rest / 0x80);
  }
  bytes.push(rest);
  return bytes;
}

/** Signed LEB128 of any 64-bit whole number. */
export function signed(value: bigint): number[] {
  const bytes: number[] = [];
  for (let rest = value; ; rest >>= 7n) {
    const low = Number(rest & 0x7fn);
    const last = rest >= -64n && rest < 64n;
    bytes.push(last ? low : low | 0x80);
    if (last) return bytes;
  }
}
