/** CPU segments attacked from inside: whatever a module does, the session says so and the agent lives on. */
import { describe, expect, test } from "@jest/globals";
import { unwrap } from "../../../../protocol/base/result.ts";
import { encodeProgram } from "../../../../protocol/program/index.ts";
import type { CpuSegment, Port, Program } from "../../../../protocol/program/index.ts";
import { at, load, op } from "../../../../protocol/wasm/expression.ts";
import type { FunctionBuilder } from "../../../../protocol/wasm/function.ts";
import { moduleBuilder } from "../../../../protocol/wasm/module.ts";
import { openProgram, openSession } from "../../../../device-agent/runtime/index.ts";
import { workerEngine } from "../../../../device-agent/shell/cpu/engine.ts";
import { programOf, SM8650 } from "../soc/programs.ts";

const PAGE = 65_536;
const engine = workerEngine({ timeMsMax: 10_000, idleMsMax: 10_000 });
const impatient = workerEngine({ timeMsMax: 1000, idleMsMax: 10_000 });
const [X, Y] = [256, 512];
const INPUT = new Map([["x", Float32Array.of(1, 2, 3, 4)]]);

type Body = (f: FunctionBuilder) => void;

function segmentOf(body: Body, pages = 1): CpuSegment {
  const module = moduleBuilder({ pagesMin: pages, pagesMax: pages });
  module.function({ name: "run", parameters: ["i32"], exported: true }, (f, [stage]) => {
    // The attack comes with negative input only, in stage 1; then y[i] = x[i] + w[0].
    const isAsked = op("i32.lt_s", load("i32.load", X), 0);
    f.if(op("i32.and", stage, isAsked), () => body(f));
    const index = f.local("i32");
    f.forRange(index, { begin: 0, end: 16, step: 4 }, () => {
      const sum = op("f32.add", load("f32.load", at(index, X)), load("f32.load", 0));
      f.store("f32.store", at(index, Y), sum);
    });
  });
  return {
    kind: "cpu",
    module: module.encode(),
    memoryBytes: pages * PAGE,
    stages: 2,
    image: [{ region: 4, regionOffset: 0, bytes: 8, memoryOffset: 0 }],
    ports: [
      { name: "x", memoryOffset: X },
      { name: "y", memoryOffset: Y },
    ],
  };
}

function programWith(segment: CpuSegment): Program {
  const weights = new Uint8Array(new Float32Array([1.5, 0]).buffer);
  const base = programOf({ streams: [], weights, inputBytes: 16, outputBytes: 16 });
  const float = (port: Port): Port => ({ ...port, shape: [4], storage: { kind: "float32" } });
  const [inputs, outputs] = [base.inputs.map(float), base.outputs.map(float)];
  return { ...base, inputs, outputs, segments: [segment] };
}

const HARMLESS = programWith(segmentOf((f) => f.trap()));

test("stages run between the ports, run after run, and their time is the run's", () => {
  const session = unwrap(openSession(encodeProgram(HARMLESS), SM8650, engine));
  for (const first of [1, 7]) {
    const run = unwrap(session.run(new Map([["x", Float32Array.of(first, 2, 3, 4)]])));
    expect([...run.outputs.get("y")!]).toEqual([first + 1.5, 3.5, 4.5, 5.5]);
    expect(run.timing.microseconds).toBeGreaterThan(0);
    expect(run.timing.cycles).toBeGreaterThan(0);
  }
  expect(session.timing.microseconds).toBe(0);
});

test("without an engine nothing runs them: NO_CPU_ENGINE", () => {
  expect(openProgram(HARMLESS, SM8650)).toMatchObject({ ok: false, code: "NO_CPU_ENGINE" });
});

test("a thread that nobody asks ends, and the next run starts another", async () => {
  const session = unwrap(
    openProgram(HARMLESS, SM8650, workerEngine({ timeMsMax: 10_000, idleMsMax: 1 })),
  );
  for (let runs = 0; runs < 3; runs++) {
    expect([...unwrap(session.run(INPUT)).outputs.get("y")!]).toEqual([2.5, 3.5, 4.5, 5.5]);
    await new Promise((resolve) => void setTimeout(resolve, 20));
  }
});

const ATTACKS: readonly (readonly [string, string, Body])[] = [
  ["traps", "CPU_TRAP", (f) => f.trap()],
  ["reads beyond its memory", "CPU_TRAP", (f) => f.store("i32.store", 0, load("i32.load", PAGE))],
  ["writes beyond its memory", "CPU_TRAP", (f) => f.store("i32.store", -4, 1)],
  ["never ends", "CPU_TIMEOUT", (f) => f.loop((start) => f.branch(start))],
];

describe("a module that", () => {
  test.each(ATTACKS)("%s is %s, and the next run is right", (_name, code, body) => {
    const program = programWith(segmentOf(body));
    const isEndless = code === "CPU_TIMEOUT";
    const session = unwrap(openProgram(program, SM8650, isEndless ? impatient : engine));
    const attack = new Map([["x", Float32Array.of(-1, 0, 0, 0)]]);
    expect(session.run(attack)).toMatchObject({ ok: false, code });
    expect([...unwrap(session.run(INPUT)).outputs.get("y")!]).toEqual([2.5, 3.5, 4.5, 5.5]);
  });

  test("calls itself without end is CPU_TRAP", () => {
    // (func (export "run") (param i32) local.get 0 call 0)
    const module = rawModule([0x20, 0, 0x10, 0]);
    const session = unwrap(
      openProgram(programWith({ ...segmentOf(nothing), module }), SM8650, engine),
    );
    expect(session.run(INPUT)).toMatchObject({
      ok: false,
      code: "CPU_TRAP",
      details: { stage: 0 },
    });
  });

  test("asks for more memory gets none, and traps where it writes there", () => {
    // i32.const 100 memory.grow drop, i32.const 65536 i32.const 1 i32.store
    const grow = [0x41, 0xe4, 0, 0x40, 0, 0x1a];
    const store = [0x41, 0x80, 0x80, 4, 0x41, 1, 0x36, 2, 0];
    const module = rawModule([...grow, ...store]);
    const session = unwrap(
      openProgram(programWith({ ...segmentOf(nothing), module }), SM8650, engine),
    );
    expect(session.run(INPUT)).toMatchObject({ ok: false, code: "CPU_TRAP" });
  });

  const memoryOf = (pagesMin: number, pagesMax: number): Partial<CpuSegment> => {
    return { module: rawModule([], { limits: [...unsigned(pagesMin), ...unsigned(pagesMax)] }) };
  };
  test.each<[string, string, Partial<CpuSegment>]>([
    ["might grow", "BAD_CPU_SEGMENT", memoryOf(1, 2)],
    ["wants 4 GiB", "BAD_CPU_SEGMENT", { ...memoryOf(1, 65_535), memoryBytes: 65_535 * PAGE }],
    [
      "imports more than its memory",
      "CPU_MODULE_FORBIDDEN",
      { module: rawModule([], { imports: 2 }) },
    ],
    ["exports no run", "BAD_CPU_SEGMENT", { module: rawModule([], { name: "ran" }) }],
    ["has a table", "CPU_MODULE_FORBIDDEN", { module: withSection(4, [1, 0x70, 0, 255]) }],
    ["has a start function", "CPU_MODULE_FORBIDDEN", { module: withSection(8, [0]) }],
  ])("%s is not opened: %s", (_name, code, change) => {
    const opened = openProgram(programWith({ ...segmentOf(nothing), ...change }), SM8650, engine);
    expect(opened).toMatchObject({ ok: false, code });
  });
});

test("a file whose module is not the one that it names by hash is no program", () => {
  const bytes = encodeProgram(HARMLESS);
  const module = (HARMLESS.segments[0] as CpuSegment).module;
  const where = Buffer.from(bytes).indexOf(module);
  expect(where).toBeGreaterThan(0);
  bytes[where + module.length - 2]! ^= 1;
  expect(openSession(bytes, SM8650, engine)).toMatchObject({ ok: false, code: "BAD_PROGRAM" });
});

function nothing(): void {
  // The module is put in the place of the one that this would make.
}

function unsigned(value: number): number[] {
  return value < 0x80 ? [value] : [(value & 0x7f) | 0x80, ...unsigned(value >> 7)];
}

interface RawModule {
  readonly limits?: readonly number[];
  readonly imports?: 1 | 2;
  readonly name?: string;
}

/** One function of type (i32) -> (), exported, with that body; as many imports as are said. */
function rawModule(
  body: readonly number[],
  { limits = [1, 1], imports = 1, name = "run" }: RawModule = {},
): Uint8Array {
  const text = (value: string): number[] => [value.length, ...Buffer.from(value)];
  const section = (id: number, content: readonly number[]) => [id, content.length, ...content];
  const memory = [...text("env"), ...text("memory"), 2, 1, ...limits];
  const other = [...text("env"), ...text("clock"), 0, 0];
  const extra = imports === 1 ? [] : other;
  const code = [body.length + 2, 0, ...body, 0x0b];
  return Uint8Array.from([
    ...[0x00, 0x61, 0x73, 0x6d, 1, 0, 0, 0],
    ...section(1, [1, 0x60, 1, 0x7f, 0]),
    ...section(2, [imports, ...memory, ...extra]),
    ...section(3, [1, 0]),
    ...section(7, [1, ...text(name), 0, 0]),
    ...section(10, [1, ...code]),
  ]);
}

function withSection(id: number, content: readonly number[]): Uint8Array {
  const module = rawModule([]);
  // Sections come in the order of their ids: everything up to the exports, then this one, then the code.
  const code = module.length - 6;
  const place = id === 4 ? module.length - 6 - 9 : code;
  return Uint8Array.from([
    ...module.subarray(0, place),
    ...[id, content.length, ...content],
    ...module.subarray(place),
  ]);
}
