/**
 * The instruction set: ONE table. Encoder, decoder, text form and manual are folds over it.
 * Frozen: rows are added, never changed; a code is never reused.
 */

import type { Address, Operand, Window } from "./memory.ts";
import type { Feature } from "./micro-row.ts";
import type { MicroCode } from "./micro-table.ts";

export * from "./memory.ts";
export * from "./micro-table.ts";
export type { Feature, MicroAccess, MicroRow, Resources } from "./micro-row.ts";

interface FieldValues {
  u8: number;
  u16: number;
  u32: number;
  i16: number;
  i32: number;
  address: Address;
  window: Window;
  operands: readonly Operand[];
  code: MicroCode;
}
export type FieldType = keyof FieldValues;
export type Engine = "scalar" | "dma" | "hmx" | "hvx";

/** What an instruction of the matrix engine does with its accumulator set. */
export interface MatrixRole {
  readonly does: "clear" | "load" | "multiply" | "store";
  /** What the set holds; a cleared one is zero in all of them. */
  readonly sums?: "int32" | "float32" | "int64";
}

export interface IsaRow {
  readonly code: number;
  readonly engine: Engine;
  readonly matrix?: MatrixRole;
  readonly fields: Readonly<Record<string, FieldType>>;
  readonly feature?: Feature;
  readonly doc: string;
}

/** Fields of every product of activations and weights. */
const PRODUCT = {
  set: "u8",
  rows: "u8",
  columns: "u8",
  tapColumns: "u8",
  activations: "window",
  tapBegin: "u16",
  tapCount: "u16",
  dilationY: "u8",
  dilationX: "u8",
  tileBegin: "u16",
  tileCount: "u16",
  weights: "address",
  weightTapPitch: "u32",
  weightTilePitch: "u32",
} as const satisfies Readonly<Record<string, FieldType>>;

export const ISA_VERSION = { major: 1, minor: 1 } as const;
export const ISA = {
  "dma.copy": {
    code: 0x10,
    engine: "dma",
    fields: {
      destination: "address",
      source: "address",
      bytes: "u32",
      rows: "u32",
      destinationRowStride: "i32",
      sourceRowStride: "i32",
      planes: "u32",
      destinationPlaneStride: "i32",
      sourcePlaneStride: "i32",
    },
    doc: "Copies planes x rows runs of `bytes` bytes; strides in bytes. Source and destination must not overlap.",
  },
  "hmx.clear": {
    code: 0x20,
    engine: "hmx",
    matrix: { does: "clear" },
    fields: { set: "u8" },
    doc: "Accumulator set <- 0 (64 positions x 32 output channels of int32).",
  },
  "hmx.load": {
    code: 0x21,
    engine: "hmx",
    matrix: { does: "load", sums: "int32" },
    fields: { set: "u8", bias: "address" },
    doc: "Accumulator set <- int32 bias[32] from VTCM, the same for each of the 64 positions.",
  },
  "hmx.mac": {
    code: 0x22,
    engine: "hmx",
    matrix: { does: "multiply", sums: "int32" },
    fields: PRODUCT,
    doc:
      "For each tap t in [tapBegin, tapBegin + tapCount), each tile k in [tileBegin, tileBegin + tileCount), " +
      "each position (row < rows, column < columns) and output channel o: accumulator += sum over c < 32 of " +
      "int8 activation(pixel, k, c) * int8 weight(t, k, c, o), wrapping int32. " +
      "Tap t has dy = (t div tapColumns) * dilationY, dx = (t mod tapColumns) * dilationX. " +
      "The 1,024-byte weight tile of (t, k) lies at weights + (t - tapBegin) * weightTapPitch + " +
      "(k - tileBegin) * weightTilePitch, byte (c div 2) * 64 + o * 2 + (c mod 2). Other positions are unchanged.",
  },
  "hmx.store": {
    code: 0x23,
    engine: "hmx",
    matrix: { does: "store", sums: "int32" },
    fields: {
      set: "u8",
      mode: "u8",
      rows: "u8",
      columns: "u8",
      destination: "address",
      multipliers: "address",
      zeroPoint: "i16",
      low: "i16",
      high: "i16",
    },
    doc:
      "Requantises the set into one int8 crouton. Mode 0, F32_RNE: convert the accumulator to float32, multiply by " +
      "float32 multipliers[o], round half to even, saturate to int32, add zeroPoint (saturating), clamp to [low, high]. " +
      "Positions outside rows x columns are written with zeroPoint.",
  },
  "hvx.run": {
    code: 0x30,
    engine: "hvx",
    fields: { vectors: "u32", rows: "u8", columns: "u16", operands: "operands", code: "code" },
    doc:
      "Runs the micro-ops over `vectors` vectors of 128 lanes. Vector i covers crouton i div 16 of a row of croutons: " +
      "row (i mod 16) div 2, columns (i div 16) * 8 + (i mod 2) * 4 and the three after, 32 channels each. " +
      "Lanes at row >= rows or column >= columns are outside: store_i8 writes its immediate there.",
  },
  "hmx.mac_zero": {
    code: 0x24,
    engine: "hmx",
    matrix: { does: "multiply", sums: "int32" },
    fields: { ...PRODUCT, weightZero: "i16" },
    doc:
      "As hmx.mac with int8 weight(t, k, c, o) - weightZero in place of the weight: the sum over the pixel's " +
      "channels times weightZero is taken off. weightZero is an int8.",
  },
  "hmx.store_fixed": {
    code: 0x25,
    engine: "hmx",
    matrix: { does: "store", sums: "int32" },
    fields: {
      set: "u8",
      rows: "u8",
      columns: "u8",
      destination: "address",
      multipliers: "address",
      zeroPoint: "i16",
      low: "i16",
      high: "i16",
    },
    doc:
      "As hmx.store, requantising in fixed point: int32 multipliers[o], and behind the 32 of them int32 shifts[o] in " +
      "[-31, 30]. The accumulator is shifted left by max(shift, 0), wrapping; multiplied to the high word as " +
      "multiply_high_i32 does; divided by 2^max(-shift, 0) as divide_power_i32 does; then zeroPoint and clamp.",
  },
  "hmx.load_f16": {
    code: 0x28,
    engine: "hmx",
    matrix: { does: "load", sums: "float32" },
    fields: { set: "u8", bias: "address" },
    feature: "fp16",
    doc: "Accumulator set <- float32 bias[32] from VTCM, -0 as +0, the same for each of the 32 positions of 16-bit products.",
  },
  "hmx.mac_f16": {
    code: 0x29,
    engine: "hmx",
    matrix: { does: "multiply", sums: "float32" },
    fields: PRODUCT,
    feature: "fp16",
    doc:
      "As hmx.mac over 16-bit croutons: fp16 activations and weights, columns <= 4, float32 accumulators. For each " +
      "tap, then tile, then channel c in ascending order: accumulator <- float32(accumulator + activation * weight); " +
      "the product is exact. A weight tile has 2,048 bytes: element (c div 2) * 64 + o * 2 + (c mod 2).",
  },
  "hmx.store_f16": {
    code: 0x2a,
    engine: "hmx",
    matrix: { does: "store", sums: "float32" },
    fields: {
      set: "u8",
      rows: "u8",
      columns: "u8",
      destination: "address",
      low: "u16",
      high: "u16",
    },
    feature: "fp16",
    doc:
      "Rounds the set's float32 to fp16, nearest even, once, and clamps to [low, high], given as fp16 bits, -0 below " +
      "+0; a NaN becomes 0x7e00. Writes one 16-bit crouton; positions outside rows x columns are zero.",
  },
  "hmx.load_i64": {
    code: 0x2c,
    engine: "hmx",
    matrix: { does: "load", sums: "int64" },
    fields: { set: "u8", bias: "address" },
    doc: "Accumulator set <- int64 bias[32] from VTCM, the same for each of the 32 positions of 16-bit products.",
  },
  "hmx.mac_i16": {
    code: 0x2d,
    engine: "hmx",
    matrix: { does: "multiply", sums: "int64" },
    fields: { ...PRODUCT, weightBytes: "u8" },
    doc:
      "As hmx.mac over 16-bit croutons: int16 activations, columns <= 4, wrapping int64 accumulators. weightBytes 1: " +
      "int8 weight tiles as hmx.mac's; 2: int16 weight tiles laid out as hmx.mac_f16's.",
  },
  "hmx.store_i16": {
    code: 0x2e,
    engine: "hmx",
    matrix: { does: "store", sums: "int64" },
    fields: {
      set: "u8",
      mode: "u8",
      rows: "u8",
      columns: "u8",
      destination: "address",
      multipliers: "address",
      zeroPoint: "i32",
      low: "i16",
      high: "i16",
    },
    doc:
      "Requantises the set's int64 into one int16 crouton. Mode 0, F32_RNE: as hmx.store, from the nearest float32. " +
      "Mode 1, FIXED: int32 multipliers[o] >= 0, and behind the 32 of them int32 shifts[o] in [-31, 7]; with " +
      "m = multiplier < 0x7fff0000 ? (multiplier + 2^15) >> 16 : 0x7fff and n = 15 - shift, " +
      "(accumulator * m + 2^(n - 1)) >> n, wrapping int64, its low 32 bits. Mode 2, FIXED of 31 bits: shifts[o] in " +
      "[-31, 30], the accumulator's low 32 bits as hmx.store_fixed. Then zeroPoint is added (saturating), and " +
      "the sum clamped. Positions outside rows x columns are written with zeroPoint saturated to int16.",
  },
  "hvx.pack": {
    code: 0x31,
    engine: "hvx",
    fields: {
      elementBytes: "u8",
      transposed: "u8",
      tiles: "u16",
      source: "address",
      destination: "address",
      sourcePitch: "u32",
      destinationPitch: "u32",
    },
    doc:
      "Turns `tiles` blocks of 32 pixels x 32 channels into weight tiles. transposed 0: weight (c, o) <- channel o of " +
      "pixel c; 1: weight (c, o) <- channel c of pixel o. elementBytes 1: 32 pixels of 32 bytes, one after another, " +
      "into a tile as hmx.mac's; 2: a 16-bit crouton, its pixels in row-major order, into a tile as hmx.mac_f16's. " +
      "Block i lies at source + i * sourcePitch, its tile at destination + i * destinationPitch.",
  },
  "hvx.run16": {
    code: 0x32,
    engine: "hvx",
    fields: { vectors: "u32", rows: "u8", columns: "u16", operands: "operands", code: "code" },
    doc:
      "As hvx.run over 16-bit croutons: vector i covers crouton i div 8 of a row of croutons, row i mod 8, columns " +
      "(i div 8) * 4 and the three after, 32 channels each.",
  },
} as const satisfies Readonly<Record<string, IsaRow>>;

export type Mnemonic = keyof typeof ISA;
export type FieldsOf<M extends Mnemonic> = {
  readonly [F in keyof (typeof ISA)[M]["fields"]]: (typeof ISA)[M]["fields"][F] extends FieldType
    ? FieldValues[(typeof ISA)[M]["fields"][F]]
    : never;
};

/** Blocks the instruction until the semaphore has been signalled at least `value` times. */
export interface Wait {
  readonly semaphore: number;
  readonly value: number;
}

/** Semaphores only count up, from zero at program start; each is signalled by one queue alone. */
export interface Synchronization {
  readonly waits: readonly Wait[];
  /** Signalled once when the instruction has completed. */
  readonly signals: readonly number[];
  /** Index into the program's op names: which node of the model this instruction works for. */
  readonly origin: number;
}

export type InstructionOf<M extends Mnemonic> = { readonly op: M } & FieldsOf<M> & Synchronization;
export type Instruction = { [M in Mnemonic]: InstructionOf<M> }[Mnemonic];
/** Micro-ops over vectors of croutons of either kind. */
export type HvxRun = InstructionOf<"hvx.run" | "hvx.run16">;

/** One in-order instruction stream. `core` is 0 on phones; cloud parts have more. */
export interface QueueId {
  readonly core: number;
  readonly engine: Engine;
  readonly index: number;
}

export interface Stream {
  readonly queue: QueueId;
  readonly instructions: readonly Instruction[];
}
