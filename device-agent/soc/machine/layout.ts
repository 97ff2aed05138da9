/** Where things lie in the machine's one linear memory: working storage of the engines, VTCM, then the other regions. */
import { alignUp } from "../../../protocol/base/integers.ts";
import {
  CROUTON_COLUMNS,
  CROUTON_ROWS,
  ELEMENTARY,
  VECTOR_REGISTERS,
  VTCM_REGION,
} from "../../../protocol/isa/index.ts";
import { MICRO_OPS_MAX, OPERANDS_MAX } from "../../../protocol/isa/codec.ts";
import type { Region } from "../../../protocol/program/index.ts";

export const POSITIONS = CROUTON_ROWS * CROUTON_COLUMNS;
/** 128 lanes of 32 bits. */
export const REGISTER_BYTES = 512;
/** Vectors that one micro-op handles before the next micro-op starts: small enough for the host's first cache. */
export const STRIP_VECTORS = 8;
/** 32 channels of int32. */
export const POSITION_BYTES = 128;
/** 32 positions of int64, or 64 of words. One more of each takes what the product kernels compute beyond the last. */
export const ACCUMULATOR_BYTES = (POSITIONS / 2 + 1) * 2 * POSITION_BYTES;
export const MICRO_OP_BYTES = 20;
export const OPERAND_BYTES = 32;

/** rows and columns of the hvx.run under way. */
export const RUN_ROWS = 16;
export const RUN_COLUMNS = 20;
/** 1 where it visits 16-bit croutons. */
export const RUN_WIDE = 24;
/** A vector: whether the gathered fp16 activations hold an infinity or NaN. */
export const SPECIAL = 32;
export const OPERANDS = 64;
export const MICRO_CODE = OPERANDS + OPERANDS_MAX * OPERAND_BYTES;
const MICRO_CODE_END = MICRO_CODE + 3 * MICRO_OPS_MAX * MICRO_OP_BYTES;
/** For each (rows, columns): byte offsets of its positions in an accumulator set, four at a time. */
export const SLOTS = alignUp(MICRO_CODE_END, 64);
const SLOT_LIST_BYTES = POSITIONS * 4;
/** The same for 16-bit croutons, whose positions are half as many; offsets for words and, behind them, for int64. */
const SLOTS_16 = SLOTS + POSITIONS * SLOT_LIST_BYTES;
/** Activations of one tap and tile, widened: 64 positions of int16, or 32 of words. */
export const ACTIVATIONS = SLOTS_16 + 2 * (POSITIONS / 2) * SLOT_LIST_BYTES;
/** One weight tile, widened to words. */
export const WEIGHTS = ACTIVATIONS + POSITIONS * 64;
export const REGISTERS = WEIGHTS + 32 * 32 * 4;
export const ACCUMULATORS = REGISTERS + VECTOR_REGISTERS * STRIP_VECTORS * REGISTER_BYTES;
/** Sets of all HMX queues: room for eight. */
const ACCUMULATOR_SETS_MAX = 8;
/** For each elementary function: 65,536 fp16. Filled where the program uses it. */
export const FUNCTIONS = alignUp(ACCUMULATORS + ACCUMULATOR_SETS_MAX * ACCUMULATOR_BYTES, 64);
export const FUNCTION_BYTES = 2 * 65_536;
export const VTCM = alignUp(FUNCTIONS + Object.keys(ELEMENTARY).length * FUNCTION_BYTES, 65_536);

/** Kernels compare addresses as signed numbers. */
export const MEMORY_BYTES_MAX = 2 ** 31 - 65_536;

/** Address of each region; the last entry is the end of memory. Undefined when they do not fit. */
export function regionAddresses(regions: readonly Region[]): number[] | undefined {
  const addresses: number[] = [];
  let next = VTCM;
  for (const region of regions) {
    addresses.push(next);
    next = alignUp(next + region.bytes, 128);
  }
  addresses.push(next);
  return addresses[VTCM_REGION] === VTCM && next <= MEMORY_BYTES_MAX ? addresses : undefined;
}

/** How an accumulator set holds positions. */
export interface SetForm {
  readonly columns: 4 | 8;
  readonly positionBytes: 128 | 256;
}
export const WORDS_OF_BYTES: SetForm = { columns: 8, positionBytes: 128 };
export const WORDS_OF_HALVES: SetForm = { columns: 4, positionBytes: 128 };
export const LONGS_OF_HALVES: SetForm = { columns: 4, positionBytes: 256 };

/** Address of the list for rows x columns. */
export function slotList(form: SetForm, rows: number, columns: number): number {
  const index = (rows - 1) * form.columns + columns - 1;
  const halves = form.columns * CROUTON_ROWS * (form.positionBytes === 256 ? 1 : 0);
  const first = form.columns === CROUTON_COLUMNS ? SLOTS : SLOTS_16;
  return first + (halves + index) * SLOT_LIST_BYTES;
}

/** For every form: positions of rows x columns, and padding to a multiple of four. */
export function writeSlotLists(words: Int32Array): void {
  for (const form of [WORDS_OF_BYTES, WORDS_OF_HALVES, LONGS_OF_HALVES]) {
    const positions = CROUTON_ROWS * form.columns;
    for (let at = 0; at < positions; at++) {
      const [rows, columns] = [Math.floor(at / form.columns) + 1, (at % form.columns) + 1];
      const list = slotList(form, rows, columns) / 4;
      for (let slot = 0; slot < positions; slot++) {
        const row = Math.floor(slot / columns);
        const position = row < rows ? row * form.columns + (slot % columns) : positions;
        words[list + slot] = position * form.positionBytes;
      }
    }
  }
}
