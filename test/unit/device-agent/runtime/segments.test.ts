/** Programs of several segments: tensors are converted between the HTP and the CPU, and both clocks are told apart. */
import { expect, test } from "@jest/globals";
import { unwrap } from "../../../../protocol/base/result.ts";
import { encodeProgram } from "../../../../protocol/program/index.ts";
import {
  openProgram,
  openSession,
  runTrace,
  timeProgram,
} from "../../../../device-agent/runtime/index.ts";
import { workerEngine } from "../../../../device-agent/shell/cpu/engine.ts";
import { SM8650 } from "../soc/programs.ts";
import { THREE_SEGMENTS } from "../soc/three-segments.ts";

const engine = workerEngine({ timeMsMax: 10_000, idleMsMax: 10_000 });

test("what the CPU gives the HTP is stored as the tensor says, and real again where the CPU reads it", () => {
  const session = unwrap(openSession(encodeProgram(THREE_SEGMENTS), SM8650, engine));
  for (const [x, y] of [
    // x + 1 in steps of a half, between -65.5 and 62, halves to even; plus x.
    [
      [1, 2.25, -3.3, 0.75],
      [3, 5.25, -5.8, 2.75],
    ],
    [
      [500, -500, 0, 61],
      [562, -565.5, 1, 123],
    ],
  ] as const) {
    const run = unwrap(session.run(new Map([["x", Float32Array.from(x)]])));
    const got = [...run.outputs.get("y")!];
    y.forEach((value, index) => expect(got[index]).toBeCloseTo(value, 4));
  }
});

test("the chip's time is the same in every run, the CPU's is measured, and the whole is their sum", () => {
  const session = unwrap(openProgram(THREE_SEGMENTS, SM8650, engine));
  const alone = unwrap(timeProgram(THREE_SEGMENTS, SM8650));
  expect(session.timing).toEqual(alone);
  expect(alone.cpuMicroseconds).toBe(0);
  const { timing } = unwrap(session.run(new Map([["x", new Float32Array(4)]])));
  expect(timing.segments.map(({ kind }) => kind)).toEqual(["cpu", "htp", "cpu"]);
  const measured = timing.segments.map((one) => (one.kind === "cpu" ? one.microseconds : 0));
  expect(measured[0]).toBeGreaterThan(0);
  expect(measured[2]).toBeGreaterThan(0);
  expect(timing.cpuMicroseconds).toBe(measured[0]! + measured[2]!);
  expect(timing.microseconds).toBe(alone.microseconds + timing.cpuMicroseconds);
  const waited = Math.ceil((timing.cpuMicroseconds * SM8650.clockHz) / 1e6);
  expect(timing.cycles).toBe(alone.cycles + waited);
});

test("a trace has a process a segment, one after another, and says whose clock it is", () => {
  const session = unwrap(openProgram(THREE_SEGMENTS, SM8650, engine));
  const { timing } = unwrap(session.run(new Map([["x", new Float32Array(4)]])));
  const { traceEvents } = runTrace(session, timing);
  const processes = traceEvents.filter(({ name }) => name === "process_name");
  expect(processes.map(({ args }) => args["name"])).toEqual([
    "segment 0: CPU, measured on the host",
    expect.stringMatching(/^segment 1: .*, simulated$/),
    "segment 2: CPU, measured on the host",
  ]);
  let begin = 0;
  timing.segments.forEach((one, pid) => {
    const own = traceEvents.filter((event) => event.pid === pid && event.ts !== undefined);
    const end = begin + (one.kind === "cpu" ? one.microseconds : one.timing.microseconds);
    expect(own.length).toBeGreaterThan(0);
    for (const { ts = 0, dur = 0 } of own) {
      expect(ts).toBeGreaterThanOrEqual(begin);
      expect(ts + dur).toBeLessThanOrEqual(end + 1e-6);
    }
    begin = end;
  });
  expect(begin).toBeCloseTo(timing.microseconds, 6);
});
