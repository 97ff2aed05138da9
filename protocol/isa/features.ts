/** Questions about one instruction: whether it runs micro-ops, and which of a chip's features it needs. */
import type { SocDescription } from "./soc.ts";
import { ISA, MICRO_OPS, PHASES } from "./table.ts";
import type { Feature, HvxRun, Instruction, IsaRow } from "./table.ts";

export function isHvxRun(instruction: Instruction): instruction is HvxRun {
  return "code" in instruction;
}

/** The first feature that the instruction needs and the chip does not have. */
export function missingFeature(
  instruction: Instruction,
  soc: Pick<SocDescription, "features">,
): Feature | undefined {
  const row: IsaRow = ISA[instruction.op];
  const needed: (Feature | undefined)[] = [row.feature];
  if (isHvxRun(instruction)) {
    for (const phase of PHASES) {
      for (const { op } of instruction.code[phase]) needed.push(MICRO_OPS[op].feature);
    }
  }
  return needed.find((feature) => feature !== undefined && !soc.features.includes(feature));
}
