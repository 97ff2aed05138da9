/**
 * Before and after on one chip, interleaved (ABBA), so that a drift of the part's temperature falls on both
 * alike. The chip's clock is deterministic; the samples are recorded all the same, as a real one's would be.
 * Where the CPU computes, a sample is a run.
 */
import { succeeded, type Result } from "../../protocol/base/result.ts";
import { hasCpuSegments, type RunCode, type Session } from "../runtime/index.ts";
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

export interface Bench {
  readonly thermometer: Thermometer;
  /** Of one run. */
  readonly inputs: ReadonlyMap<string, Float32Array>;
}

/** The first run of each side is warm-up and not recorded. */
export function measureInterleaved(
  sides: Sides,
  { thermometer, inputs }: Bench,
): Result<readonly Sample[], RunCode> {
  const order = ["before", "after", ...Array.from({ length: ROUNDS }, () => ABBA).flat()] as const;
  const samples: Sample[] = [];
  for (const which of order) {
    const timed = timeOf(sides[which], inputs);
    if (!timed.ok) return timed;
    const { cycles, microseconds } = timed.value;
    thermometer.work(microseconds);
    samples.push({ which, cycles, microseconds, temperatureCelsius: thermometer.celsius() });
  }
  return succeeded(samples.slice(2));
}

function timeOf(
  session: Session,
  inputs: Bench["inputs"],
): Result<{ readonly cycles: number; readonly microseconds: number }, RunCode> {
  if (!hasCpuSegments(session.program)) return succeeded(session.timing);
  const ran = session.run(inputs);
  return ran.ok ? succeeded(ran.value.timing) : ran;
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
