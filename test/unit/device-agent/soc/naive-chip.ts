/** Each instruction written as its documentation reads: one loop a sentence, one number at a time. */
import type { Instruction, InstructionOf } from "../../../../protocol/isa/index.ts";
import { byteAt, setByte } from "./naive-memory.ts";
import type { Regions } from "./naive-memory.ts";
import { hmx, naiveSet } from "./naive-products.ts";
import { hvx, pack } from "./naive-vectors.ts";

export interface NaiveChip {
  /** Index = region. */
  readonly regions: readonly Uint8Array[];
  run(instruction: Instruction): void;
}

export function naiveChip(regions: readonly Uint8Array[]): NaiveChip {
  const sets = [naiveSet(), naiveSet()];
  const run = (instruction: Instruction): void => {
    switch (instruction.op) {
      case "dma.copy":
        return copy(regions, instruction);
      case "hvx.pack":
        return pack(regions, instruction);
      case "hvx.run":
      case "hvx.run16":
        return hvx(regions, instruction);
      default:
        return hmx(regions, sets[instruction.set]!, instruction);
    }
  };
  return { regions, run };
}

function copy(regions: Regions, c: InstructionOf<"dma.copy">): void {
  for (let plane = 0; plane < c.planes; plane++) {
    for (let row = 0; row < c.rows; row++) {
      for (let byte = 0; byte < c.bytes; byte++) {
        const from = plane * c.sourcePlaneStride + row * c.sourceRowStride + byte;
        const offset = plane * c.destinationPlaneStride + row * c.destinationRowStride + byte;
        setByte(regions, c.destination, { offset, value: byteAt(regions, c.source, from) });
      }
    }
  }
}
