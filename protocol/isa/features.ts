/** Which of a chip's features an instruction needs. */
import type { SocDescription } from "./soc.ts";
import { ISA, MICRO_OPS } from "./table.ts";
import type { Feature, Instruction, IsaRow } from "./table.ts";

/** The first feature that the instruction needs and the chip does not have. */
export function missingFeature(
  instruction: Instruction,
  soc: Pick<SocDescription, "features">,
): Feature | undefined {
  const row: IsaRow = ISA[instruction.op];
  const needed: (Feature | undefined)[] = [row.feature];
  if ("code" in instruction) {
    const { prologue, body, epilogue } = instruction.code;
    for (const part of [prologue, body, epilogue]) {
      for (const { op } of part) needed.push(MICRO_OPS[op].feature);
    }
  }
  return needed.find((feature) => feature !== undefined && !soc.features.includes(feature));
}
