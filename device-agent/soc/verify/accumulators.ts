/** Accumulator sets start undefined: a set is cleared or loaded before it is added to or stored. */
import { ACCUMULATOR_SETS } from "../../../protocol/isa/index.ts";
import type { Instruction } from "../../../protocol/isa/index.ts";
import { refuse } from "./refusal.ts";
import type { Place } from "./refusal.ts";

export interface Accumulators {
  check(instruction: Instruction, place: Place): void;
}

/** Each HMX queue has sets of its own. */
export function accumulators(lanes: number): Accumulators {
  const defined = new Uint8Array(lanes * ACCUMULATOR_SETS);
  return {
    check: (instruction, place) => {
      if (instruction.op === "dma.copy" || instruction.op === "hvx.run") return;
      const slot = place.lane * ACCUMULATOR_SETS + instruction.set;
      const defines = instruction.op === "hmx.clear" || instruction.op === "hmx.load";
      if (defines) defined[slot] = 1;
      else if (defined[slot] === 0) {
        refuse(
          "UNINITIALISED_READ",
          place,
          `uses accumulator set ${instruction.set}, never cleared`,
        );
      }
    },
  };
}
