/**
 * Time of a whole program: its segments one after another. An HTP segment takes what the chip's clock says, with a call
 * of its own; a CPU segment what the host's clock said when it ran. The two are summed, and told apart everywhere.
 */
import { succeeded } from "../../protocol/base/result.ts";
import type { Result } from "../../protocol/base/result.ts";
import type { SocDescription } from "../../protocol/isa/index.ts";
import type { Program } from "../../protocol/program/index.ts";
import { simulateTiming } from "../soc/index.ts";
import type { Timing, VerifiedProgram } from "../soc/index.ts";

export type SegmentTiming =
  | { readonly kind: "htp"; readonly timing: Timing }
  /** Measured; 0 where nothing has run. */
  | { readonly kind: "cpu"; readonly microseconds: number };

export interface ProgramTiming {
  /** Chip cycles of all HTP segments, and those that the chip would wait while the CPU is at work. */
  readonly cycles: number;
  /** Simulated and measured together. */
  readonly microseconds: number;
  /** Measured alone. */
  readonly cpuMicroseconds: number;
  /** In the order in which they run. */
  readonly segments: readonly SegmentTiming[];
}

/** Timing alone: no data, no verification, so no time of CPU segments. Fails with `DEADLOCK`. */
export function timeProgram(
  program: Program,
  soc: SocDescription,
): Result<ProgramTiming, "DEADLOCK"> {
  const segments: SegmentTiming[] = [];
  for (const segment of program.segments) {
    if (segment.kind === "cpu") segments.push({ kind: "cpu", microseconds: 0 });
    else {
      const timing = simulateTiming(segment, soc);
      if (!timing.ok) return timing;
      segments.push({ kind: "htp", timing: timing.value });
    }
  }
  return succeeded(sum(segments, soc));
}

/** What the verifier has timed already, and what CPU segments took in a run; index = segment. */
export function timingOf(
  { segments, soc }: VerifiedProgram,
  cpuMicroseconds: readonly number[] = [],
): ProgramTiming {
  const timings = segments.map((segment, index): SegmentTiming =>
    segment.kind === "htp"
      ? { kind: "htp", timing: segment.timing }
      : { kind: "cpu", microseconds: cpuMicroseconds[index] ?? 0 },
  );
  return sum(timings, soc);
}

export function hasCpuSegments({ segments }: Program): boolean {
  return segments.some(({ kind }) => kind === "cpu");
}

function sum(segments: readonly SegmentTiming[], { clockHz }: SocDescription): ProgramTiming {
  let [cycles, chipMicroseconds, cpuMicroseconds] = [0, 0, 0];
  for (const segment of segments) {
    if (segment.kind === "cpu") cpuMicroseconds += segment.microseconds;
    else {
      cycles += segment.timing.cycles;
      chipMicroseconds += segment.timing.microseconds;
    }
  }
  const waitedCycles = Math.ceil((cpuMicroseconds * clockHz) / 1e6);
  const microseconds = chipMicroseconds + cpuMicroseconds;
  return { cycles: cycles + waitedCycles, microseconds, cpuMicroseconds, segments };
}
