/** Where things lie in the machine's one linear memory: working storage of the engines, VTCM, then the other regions. */
import { alignUp } from "../../../protocol/base/integers.ts";
import {
  CROUTON_COLUMNS,
  CROUTON_ROWS,
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
/** One more position takes what the product kernel computes beyond the last one. */
export const ACCUMULATOR_BYTES = (POSITIONS + 1) * POSITION_BYTES;
export const MICRO_OP_BYTES = 20;
export const OPERAND_BYTES = 32;

/** rows and columns of the hvx.run under way. */
export const RUN_ROWS = 16;
export const RUN_COLUMNS = 20;
export const OPERANDS = 64;
export const MICRO_CODE = OPERANDS + OPERANDS_MAX * OPERAND_BYTES;
const MICRO_CODE_END = MICRO_CODE + 3 * MICRO_OPS_MAX * MICRO_OP_BYTES;
/** For each (rows, columns): byte offsets of its positions in an accumulator set, four at a time. */
export const SLOTS = alignUp(MICRO_CODE_END, 64);
export const SLOT_LIST_BYTES = POSITIONS * 4;
/** Activations of one tap and tile, widened to int16: 64 positions of 64 bytes. */
export const ACTIVATIONS = SLOTS + POSITIONS * SLOT_LIST_BYTES;
export const REGISTERS = ACTIVATIONS + POSITIONS * 64;
export const ACCUMULATORS = REGISTERS + VECTOR_REGISTERS * STRIP_VECTORS * REGISTER_BYTES;
/** Sets of all HMX queues: room for eight. */
export const ACCUMULATOR_SETS_MAX = 8;
export const VTCM = alignUp(ACCUMULATORS + ACCUMULATOR_SETS_MAX * ACCUMULATOR_BYTES, 65_536);

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

/** Address of the list for rows x columns. */
export function slotList(rows: number, columns: number): number {
  return SLOTS + ((rows - 1) * CROUTON_COLUMNS + columns - 1) * SLOT_LIST_BYTES;
}

/** Positions of rows x columns, and padding to a multiple of four. */
export function writeSlotLists(words: Int32Array): void {
  for (let rows = 1; rows <= CROUTON_ROWS; rows++) {
    for (let columns = 1; columns <= CROUTON_COLUMNS; columns++) {
      const list = slotList(rows, columns) / 4;
      for (let slot = 0; slot < POSITIONS; slot++) {
        const row = Math.floor(slot / columns);
        const position = row < rows ? row * CROUTON_COLUMNS + (slot % columns) : POSITIONS;
        words[list + slot] = position * POSITION_BYTES;
      }
    }
  }
}
