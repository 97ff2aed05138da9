/** Accumulator sets start undefined: a set is cleared or loaded before it is added to or stored, all in one type. */
import { ACCUMULATOR_SETS } from "../../../protocol/isa/index.ts";
import type { Instruction, Mnemonic } from "../../../protocol/isa/index.ts";
import { refuse } from "./refusal.ts";
import type { Place } from "./refusal.ts";

export interface Accumulators {
  check(instruction: Instruction, place: Place): void;
}

/** What a set holds; `zero` is a zero of every type. */
type Content = "zero" | "int32" | "float32" | "int64";

interface Use {
  readonly defines: boolean;
  readonly content: Content;
}

const USES: Partial<Record<Mnemonic, Use>> = {
  "hmx.clear": { defines: true, content: "zero" },
  "hmx.load": { defines: true, content: "int32" },
  "hmx.mac": { defines: false, content: "int32" },
  "hmx.mac_zero": { defines: false, content: "int32" },
  "hmx.store": { defines: false, content: "int32" },
  "hmx.store_fixed": { defines: false, content: "int32" },
  "hmx.load_f16": { defines: true, content: "float32" },
  "hmx.mac_f16": { defines: false, content: "float32" },
  "hmx.store_f16": { defines: false, content: "float32" },
  "hmx.load_i64": { defines: true, content: "int64" },
  "hmx.mac_i16": { defines: false, content: "int64" },
  "hmx.store_i16": { defines: false, content: "int64" },
};

/** Each HMX queue has sets of its own. */
export function accumulators(lanes: number): Accumulators {
  const contents = new Array<Content | undefined>(lanes * ACCUMULATOR_SETS);
  return {
    check: (instruction, place) => {
      const use = USES[instruction.op];
      if (use === undefined || !("set" in instruction)) return;
      const slot = place.lane * ACCUMULATOR_SETS + instruction.set;
      const held = contents[slot];
      if (use.defines) contents[slot] = use.content;
      else if (held === undefined) {
        const what = `uses accumulator set ${instruction.set}, never cleared`;
        refuse("UNINITIALISED_READ", place, what);
      } else if (held !== "zero" && held !== use.content) {
        const what = `uses accumulator set ${instruction.set} as ${use.content}; it holds ${held}`;
        refuse("BAD_OPERAND", place, what);
      } else contents[slot] = use.content;
    },
  };
}
