/** Accumulator sets start undefined: a set is cleared or loaded before it is added to or stored, all in one type. */
import { ACCUMULATOR_SETS, ISA } from "../../../protocol/isa/index.ts";
import type { Instruction, MatrixRole } from "../../../protocol/isa/index.ts";
import { refuse } from "./refusal.ts";
import type { Place } from "./refusal.ts";

export interface Accumulators {
  check(instruction: Instruction, place: Place): void;
}

/** What a set holds; `zero` is a zero of every type. */
type Content = "zero" | NonNullable<MatrixRole["sums"]>;

/** Each HMX queue has sets of its own. */
export function accumulators(lanes: number): Accumulators {
  const contents = new Array<Content | undefined>(lanes * ACCUMULATOR_SETS);
  return {
    check: (instruction, place) => {
      if (!("set" in instruction)) return;
      const role: MatrixRole = ISA[instruction.op].matrix;
      const content = role.sums ?? "zero";
      const slot = place.lane * ACCUMULATOR_SETS + instruction.set;
      const held = contents[slot];
      if (role.does === "clear" || role.does === "load") contents[slot] = content;
      else if (held === undefined) {
        const what = `uses accumulator set ${instruction.set}, never cleared`;
        refuse("UNINITIALISED_READ", place, what);
      } else if (held !== "zero" && held !== content) {
        const what = `uses accumulator set ${instruction.set} as ${content}; it holds ${held}`;
        refuse("BAD_OPERAND", place, what);
      } else contents[slot] = content;
    },
  };
}
