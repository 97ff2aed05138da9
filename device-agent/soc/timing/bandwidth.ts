/**
 * DDR bandwidth shared by the DMA queues in equal parts, in whole numbers: a transfer needs units, each cycle
 * gives every active transfer the same count of them. No rounding, hence no dependence on the order of events.
 */
import { assert } from "../../../protocol/base/assert.ts";
import { divCeil } from "../../../protocol/base/integers.ts";
import type { SocDescription } from "../../../protocol/isa/index.ts";

export interface Bandwidth {
  /** Units that a transfer of this many DDR bytes needs. */
  unitsOf(bytes: number): number;
  /** Units that each of `active` transfers gets in one cycle. */
  shareOf(active: number): number;
  /** Cycles that the transfer would take alone. */
  aloneCycles(bytes: number): number;
}

export function bandwidthOf(soc: SocDescription): Bandwidth {
  const common = greatestDivisor(soc.clockHz, soc.dma.ddrBytesPerSecond);
  // Divisible by every possible number of active transfers.
  const parts = leastMultipleUpTo(soc.dma.queues);
  const unitsPerByte = (soc.clockHz / common) * parts;
  const unitsPerCycle = (soc.dma.ddrBytesPerSecond / common) * parts;
  assert(unitsPerByte * 2 ** 32 < Number.MAX_SAFE_INTEGER, "bandwidth units fit 53 bits");
  return {
    unitsOf: (bytes) => bytes * unitsPerByte,
    shareOf: (active) => unitsPerCycle / active,
    aloneCycles: (bytes) => divCeil(bytes * unitsPerByte, unitsPerCycle),
  };
}

function greatestDivisor(a: number, b: number): number {
  return b === 0 ? a : greatestDivisor(b, a % b);
}

function leastMultipleUpTo(count: number): number {
  let multiple = 1;
  for (let next = 2; next <= count; next++) {
    multiple = (multiple / greatestDivisor(multiple, next)) * next;
  }
  return multiple;
}
