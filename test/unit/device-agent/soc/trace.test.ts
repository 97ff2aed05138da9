/** Traces are what chrome://tracing and ui.perfetto.dev take: the Trace Event Format, slices that nest. */
import { describe, expect, test } from "@jest/globals";
import fc from "fast-check";
import { z } from "zod";
import { chromeTrace, simulateTiming } from "../../../../device-agent/soc/index.ts";
import type { Trace } from "../../../../device-agent/soc/index.ts";
import { seededRandom } from "../../../../protocol/base/random.ts";
import { unwrap } from "../../../../protocol/base/result.ts";
import type { Program } from "../../../../protocol/program/index.ts";
import { CONVOLUTION, convolution } from "./convolution.ts";
import { programOf, SM8650 } from "./programs.ts";
import { randomStreams } from "./random-streams.ts";

/** Trace Event Format (Google, 2016): the JSON object form with complete and metadata events. */
const THREAD = { name: z.string().min(1), pid: z.int().min(0), tid: z.int().min(0) };
const ARGUMENTS = z.record(z.string(), z.union([z.string(), z.number()]));
const EVENT = z.discriminatedUnion("ph", [
  z.strictObject({
    ...THREAD,
    ph: z.literal("X"),
    ts: z.number().min(0),
    dur: z.number().min(0),
    args: ARGUMENTS,
  }),
  z.strictObject({
    ...THREAD,
    ph: z.literal("M"),
    name: z.enum(["process_name", "thread_name"]),
    args: z.strictObject({ name: z.string().min(1) }),
  }),
]);
const TRACE = z.strictObject({
  displayTimeUnit: z.enum(["ms", "ns"]),
  traceEvents: z.array(EVENT),
});

function traceOf(program: Program) {
  const segment = program.segments[0]!;
  if (segment.kind !== "htp") throw new Error("an HTP segment");
  const timing = unwrap(simulateTiming(segment, SM8650));
  const trace: Trace = chromeTrace({ segment, timing, soc: SM8650, origins: program.origins });
  const { traceEvents } = TRACE.parse(JSON.parse(JSON.stringify(trace)));
  return {
    segment,
    timing,
    slices: traceEvents.flatMap((event) => (event.ph === "X" ? event : [])),
    traceEvents,
  };
}

describe("the trace", () => {
  test("has one thread a queue and one slice an instruction, up to the last cycle", () => {
    const { segment, timing, slices, traceEvents } = traceOf(convolution(CONVOLUTION));
    expect(slices).toHaveLength(segment.streams.flatMap((s) => [...s.instructions]).length);
    const last = Math.max(...slices.map(({ ts, dur }) => ts + dur));
    expect(last).toBeCloseTo((timing.cycles * 1e6) / SM8650.clockHz, 6);
    expect(traceEvents.filter((event) => event.name === "thread_name")).toHaveLength(3);
    expect(timing.microseconds).toBe(61 + (timing.cycles * 1e6) / SM8650.clockHz);
  });

  test("has slices that do not overlap on a thread", () => {
    fc.assert(
      fc.property(fc.noShrink(fc.integer({ min: 0, max: 2 ** 31 - 1 })), (seed) => {
        const { slices } = traceOf(programOf({ streams: randomStreams(seededRandom(seed)) }));
        const freeAt = new Map<number, number>();
        const overlapping = slices.filter(({ tid, args }) => {
          const [start, cycles] = [Number(args["start"]), Number(args["cycles"])];
          const isEarly = start < (freeAt.get(tid) ?? 0) || cycles < 0;
          freeAt.set(tid, start + cycles);
          return isEarly;
        });
        expect(overlapping).toEqual([]);
      }),
      { numRuns: 50 },
    );
  });
});
