/** Sessions: a convolution end to end against plain arithmetic, ports, refusals. */
import { describe, expect, test } from "@jest/globals";
import { unwrap } from "../../../../protocol/base/result.ts";
import { encodeProgram } from "../../../../protocol/program/index.ts";
import type { Port, Program } from "../../../../protocol/program/index.ts";
import {
  htpBackend,
  openProgram,
  openSession,
  quantized,
  readPort,
  timeProgram,
  writePort,
} from "../../../../device-agent/runtime/index.ts";
import { CONVOLUTION, convolution } from "../soc/convolution.ts";
import { programOf, SM8650 } from "../soc/programs.ts";

/** What the convolution computes, from its definition: one position, 32 channels. */
function expected(program: Program, pixel: Int8Array): number[] {
  const blob = [...program.blobs.values()][0]!;
  const view = new DataView(blob.buffer);
  return Array.from({ length: 32 }, (_, o) => {
    let sum = view.getInt32(1280 + o * 4, true);
    pixel.forEach((value, c) => {
      sum += value * view.getInt8(256 + (c >> 1) * 64 + o * 2 + (c & 1));
    });
    const scaled = Math.fround(Math.fround(sum) * view.getFloat32(1408 + o * 4, true));
    return Math.max(-128, Math.min(127, roundHalfEven(scaled)));
  });
}

function roundHalfEven(value: number): number {
  const near = Math.round(value);
  return Math.abs(value % 1) === 0.5 ? 2 * Math.round(value / 2) : near;
}

describe("session", () => {
  const program = convolution(CONVOLUTION);
  const input = Int8Array.from({ length: 2048 }, (_, index) => (index * 31) % 251);

  test("raw bytes in, raw bytes out: the convolution's numbers", () => {
    const session = unwrap(openSession(encodeProgram(program), SM8650));
    const raw = new Map([["x", new Uint8Array(input.buffer)]]);
    const output = new Int8Array(unwrap(session.runRaw(raw)).get("y")!.buffer);
    for (let position = 0; position < 64; position++) {
      const pixel = input.subarray(position * 32, position * 32 + 32);
      const channels = [...output.subarray(position * 32, position * 32 + 32)];
      expect(channels).toEqual(expected(program, pixel));
    }
  });

  test("float32 in, float32 out: the same numbers through the encodings; runs do not depend on each other", () => {
    const session = unwrap(openProgram(program, SM8650));
    const real = Float32Array.from(input, (value) => (value - 3) * 0.5);
    const raw = unwrap(session.runRaw(new Map([["x", new Uint8Array(input.buffer)]])));
    const first = unwrap(session.run(new Map([["x", real]])));
    unwrap(session.run(new Map([["x", real.map((value) => -value)]])));
    const again = unwrap(session.run(new Map([["x", real]])));
    const stored = new Int8Array(raw.get("y")!.buffer);
    expect([...first.outputs.get("y")!]).toEqual([...stored].map((value) => (value - 3) * 0.5));
    expect(again.outputs).toEqual(first.outputs);
  });

  test("timing needs no data and is the one that runs report", () => {
    const session = unwrap(openProgram(program, SM8650));
    const timing = unwrap(timeProgram(program, SM8650));
    const run = unwrap(session.run(new Map([["x", new Float32Array(2048)]])));
    expect(run.timing.cycles).toBe(timing.cycles);
    expect(run.timing.microseconds).toBe(
      SM8650.callFloorUs + (timing.cycles * 1e6) / SM8650.clockHz,
    );
  });

  test.each([
    ["MISSING_INPUT", new Map<string, Float32Array>()],
    ["WRONG_INPUT_SIZE", new Map([["x", new Float32Array(2047)]])],
    [
      "UNKNOWN_INPUT",
      new Map([
        ["x", new Float32Array(2048)],
        ["z", new Float32Array(1)],
      ]),
    ],
  ])("%s", (code, inputs) => {
    const result = unwrap(openProgram(program, SM8650)).run(inputs);
    expect(result.ok ? "" : result.code).toBe(code);
  });

  test.each([
    ["BAD_PROGRAM", encodeProgram(program).subarray(0, 99)],
    ["WRONG_SOC", encodeProgram({ ...program, soc: "sm8350" })],
    ["RACE", encodeProgram(convolution(CONVOLUTION.replace("wait=1>=1", "wait=")))],
  ])("what cannot be opened says %s", (code, bytes) => {
    const result = openSession(bytes, SM8650);
    expect(result.ok ? "" : result.code).toBe(code);
  });

  test("a program larger than the host's memory does not fit", () => {
    const regions = programOf({ streams: [] }).regions.with(1, {
      kind: "scratch",
      bytes: 2 ** 32 - 1,
    });
    const result = openProgram({ ...programOf({ streams: [] }), regions }, SM8650);
    expect(result.ok ? "" : result.code).toBe("DOES_NOT_FIT");
  });

  test("backend, device, context, graph", () => {
    const device = htpBackend().devices.find(({ soc }) => soc.name === "sm8650")!;
    const context = unwrap(device.createContext(encodeProgram(program)));
    expect(context.graphs.map(({ name }) => name)).toEqual(["test"]);
    expect(context.graphs[0]!.session.soc).toBe(device.soc);
  });
});

describe("ports", () => {
  const port = (shape: readonly number[], channels: number): Port => {
    const pixels = shape.reduce((total, size) => total * size, 1) / channels;
    return {
      name: "x",
      dtype: "f32",
      shape,
      region: 1,
      storage: {
        kind: "pixels",
        element: "int8",
        scale: 0.25,
        zeroPoint: 5,
        rows: 1,
        columns: pixels,
        channels,
      },
    };
  };

  test.each([
    ["NCHW", port([1, 2, 1, 3], 2), [0, 3, 1, 4, 2, 5]],
    ["two images", port([2, 2, 1, 3], 2), [0, 3, 1, 4, 2, 5, 6, 9, 7, 10, 8, 11]],
    ["channels last of four", port([1, 2, 1, 3], 3), [0, 1, 2, 3, 4, 5]],
    ["one pixel a row", port([2, 3], 3), [0, 1, 2, 3, 4, 5]],
    ["channels last", port([1, 2, 3], 3), [0, 1, 2, 3, 4, 5]],
  ])("%s lies in pixels", (_name, where, order) => {
    const values = Float32Array.from(order, (_, index) => index * 0.25);
    const region = new Uint8Array(order.length);
    writePort(where, values, region);
    expect([...new Int8Array(region.buffer)]).toEqual(order.map((index) => index + 5));
    expect([...readPort(where, region)]).toEqual([...values]);
  });

  test.each([
    [0.125, 0],
    [0.375, 2],
    [-0.125, 0],
    [-0.375, -2],
    [1e30, 127],
    [-Infinity, -128],
    [NaN, 0],
  ])("%d is stored as %d", (real, stored) => {
    expect(quantized(real, { scale: 0.25, zeroPoint: 0 })).toBeCloseTo(stored, 10);
  });
});
