/** The instruction table's micro-ops as the kernel text sees them: slots in the order they are written. */
export { MICRO_OPS, VECTOR_REGISTERS } from "../../protocol/isa/index.ts";

export const OPERAND_SLOTS = ["d", "a", "b", "immediate"] as const;

/** Number of terms that the micro-op's line may have: taps are optional. */
export function termCounts(row: {
  readonly d: string;
  readonly a: string;
  readonly b: string;
  readonly immediate: string;
}): readonly [fewest: number, most: number] {
  const used = OPERAND_SLOTS.filter((slot) => row[slot] !== "-").length;
  return row.immediate === "tap" || row.immediate === "place" ? [used - 1, used] : [used, used];
}
