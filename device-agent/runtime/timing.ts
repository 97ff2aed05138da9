/** Chip time of a whole program: its HTP segments one after another, each a call of its own. */
import { succeeded } from "../../protocol/base/result.ts";
import type { Result } from "../../protocol/base/result.ts";
import type { SocDescription } from "../../protocol/isa/index.ts";
import type { Program } from "../../protocol/program/index.ts";
import { simulateTiming } from "../soc/index.ts";
import type { Timing, VerifiedProgram } from "../soc/index.ts";

export interface ProgramTiming {
  /** Chip cycles of all HTP segments. */
  readonly cycles: number;
  /** With one call floor a segment. CPU segments take the host's own time, which is not in here. */
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

function sum(segments: readonly (Timing | undefined)[]): ProgramTiming {
  let cycles = 0;
  let microseconds = 0;
  for (const timing of segments) {
    cycles += timing?.cycles ?? 0;
    microseconds += timing?.microseconds ?? 0;
  }
  return { cycles, microseconds, segments };
}
