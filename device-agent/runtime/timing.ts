/** Time of a whole program: its segments one after another, each HTP segment a call of its own. */
import { succeeded } from "../../protocol/base/result.ts";
import type { Result } from "../../protocol/base/result.ts";
import type { SocDescription } from "../../protocol/isa/index.ts";
import type { Program } from "../../protocol/program/index.ts";
import { simulateTiming } from "../soc/index.ts";
import type { Timing, VerifiedProgram } from "../soc/index.ts";

export interface ProgramTiming {
  /** Chip cycles of all HTP segments. */
  readonly cycles: number;
  /** With one call floor an HTP segment. Only the timing of a run knows what CPU segments took. */
  readonly microseconds: number;
  /** Index = segment; undefined for CPU segments. */
  readonly segments: readonly (Timing | undefined)[];
}

/** Timing alone: no data, no verification. Fails with `DEADLOCK`. */
export function timeProgram(
  program: Program,
  soc: SocDescription,
): Result<ProgramTiming, "DEADLOCK"> {
  const segments: (Timing | undefined)[] = [];
  for (const segment of program.segments) {
    if (segment.kind === "cpu") segments.push(undefined);
    else {
      const timing = simulateTiming(segment, soc);
      if (!timing.ok) return timing;
      segments.push(timing.value);
    }
  }
  return succeeded(sum(segments));
}

/** What the verifier has timed already. */
export function timingOf(verified: VerifiedProgram): ProgramTiming {
  return sum(
    verified.segments.map((segment) => (segment.kind === "htp" ? segment.timing : undefined)),
  );
}

/** A run with CPU segments: their time, in cycles too, as if the chip had been waiting for them. */
export function timingOfRun(verified: VerifiedProgram, cpuMicroseconds: number): ProgramTiming {
  const { cycles, microseconds, segments } = timingOf(verified);
  const waitedCycles = Math.ceil((cpuMicroseconds * verified.soc.clockHz) / 1e6);
  return { cycles: cycles + waitedCycles, microseconds: microseconds + cpuMicroseconds, segments };
}

export function hasCpuSegments({ segments }: Program): boolean {
  return segments.some(({ kind }) => kind === "cpu");
}

function sum(segments: readonly (Timing | undefined)[]): ProgramTiming {
  let cycles = 0;
  let microseconds = 0;
  for (const timing of segments) {
    cycles += timing?.cycles ?? 0;
    microseconds += timing?.microseconds ?? 0;
  }
  return { cycles, microseconds, segments };
}
