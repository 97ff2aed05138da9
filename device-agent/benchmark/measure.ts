/**
 * Before and after on one chip, interleaved (ABBA), so that a drift of the part's temperature falls on both
 * alike. The chip's clock is deterministic; the samples are recorded all the same, as a real one's would be.
 */
import type { Session } from "../runtime/index.ts";
import type { Thermometer } from "./temperature.ts";

export interface Sample {
  readonly which: "before" | "after";
  readonly cycles: number;
  readonly microseconds: number;
  readonly temperatureCelsius: number;
}

export interface Sides {
  readonly before: Session;
  readonly after: Session;
}

const ABBA = ["before", "after", "after", "before"] as const;
const ROUNDS = 2;

/** The first run of each side is warm-up and not recorded. */
export function measureInterleaved(sides: Sides, thermometer: Thermometer): readonly Sample[] {
  const sample = (which: "before" | "after"): Sample => {
    const { cycles, microseconds } = sides[which].timing;
    thermometer.work(microseconds);
    return { which, cycles, microseconds, temperatureCelsius: thermometer.celsius() };
  };
  sample("before");
  sample("after");
  return Array.from({ length: ROUNDS }, () => ABBA.map(sample)).flat();
}

export function medianOf(
  samples: readonly Sample[],
  which: Sample["which"],
): { readonly cycles: number; readonly microseconds: number } {
  const median = (values: readonly number[]): number => {
    const sorted = [...values].sort((a, b) => a - b);
    const middle = Math.floor(sorted.length / 2);
    const upper = sorted[middle] ?? 0;
    return sorted.length % 2 === 1 ? upper : ((sorted[middle - 1] ?? 0) + upper) / 2;
  };
  const chosen = samples.filter((sample) => sample.which === which);
  return {
    cycles: Math.round(median(chosen.map(({ cycles }) => cycles))),
    microseconds: median(chosen.map(({ microseconds }) => microseconds)),
  };
}
