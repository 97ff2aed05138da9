/** Graphs of which some nodes are on the CPU give what their evaluator gives, whichever these are. */
import { describe, expect, test } from "@jest/globals";
import { compileCpu, runCpu } from "../../../../../compiler/codegen/cpu/index.ts";
import { compileHybrid } from "../../../../../compiler/codegen/hybrid/index.ts";
import {
  evaluate,
  fromReal,
  graphBuilder,
  tensor,
  toReal,
} from "../../../../../compiler/ir/index.ts";
import type { Graph, Quantization } from "../../../../../compiler/ir/index.ts";
import { movedAsReals, tablesFirst } from "../../../../../compiler/passes/index.ts";
import { calibrate, quantizeMixed } from "../../../../../compiler/quant/index.ts";
import type { Run } from "../../../../../compiler/quant/index.ts";
import { RELEASES } from "../../../../../compiler/releases/index.ts";
import { openSession } from "../../../../../device-agent/runtime/index.ts";
import { workerEngine } from "../../../../../device-agent/shell/cpu/engine.ts";
import { seededRandom } from "../../../../../protocol/base/random.ts";
import { unwrap } from "../../../../../protocol/base/result.ts";
import { encodeProgram } from "../../../../../protocol/program/index.ts";
import type { Program } from "../../../../../protocol/program/index.ts";
import type { Sha256 } from "../../../../../protocol/base/brand.ts";
import { kernels } from "../../../../support/chip-run.ts";
import { CHIPS } from "../../lower/chip.ts";
import { floatGraph } from "../../lower/float-graph.ts";

const [SOC] = CHIPS;
const engine = workerEngine({ timeMsMax: 20_000, idleMsMax: 1000 });

function requestFor(graph: Graph) {
  return {
    ...{ graph, soc: SOC!, kernels, options: RELEASES.get("1.1.0")!.lowering },
    ...{ modelName: "test", modelSha256: "0".repeat(64) as Sha256, driverVersion: "1.1.0" },
    optionsText: "{}",
  };
}

function compile(graph: Graph): Program {
  const outcome = compileHybrid(requestFor(graph));
  if (outcome.kind === "refused") throw new Error(outcome.refusals[0].failure.message);
  return outcome.program;
}

type Floats = ReadonlyMap<string, Float32Array>;

function inputsOf(graph: Graph, seed: number): Floats {
  const random = seededRandom(seed);
  return new Map(
    graph.inputs.map((name) => {
      const { shape } = graph.types.get(name)!;
      const length = shape.reduce((total, size) => total * size, 1);
      return [name, Float32Array.from({ length }, () => random.normal())];
    }),
  );
}

/** The segments' places; every output is the evaluator's in every bit, in a file that was written and read again. */
function check(graph: Graph, inputs: Floats): string {
  const program = compile(graph);
  const session = unwrap(openSession(encodeProgram(program), SOC!, engine));
  const { outputs } = unwrap(session.run(inputs));
  const stored = [...inputs].map(([name, values]) => {
    return [name, fromReal(graph.types.get(name)!, values)] as const;
  });
  for (const [name, expected] of evaluate(graph, new Map(stored))) {
    expect([name, [...outputs.get(name)!]]).toEqual([name, [...toReal(expected)]]);
  }
  return program.segments.map(({ kind }) => kind).join(" ");
}

/** Convolutions with branches, joins and moves between them; the CPU computes all but the convolutions exactly. */
function network(): Graph {
  const g = floatGraph(5);
  const x = g.input([1, 8, 12, 10]);
  const conv = (from: string, channels: number) =>
    g.node("conv", [from, g.constant([channels, 8, 3, 3])], { pads: [1, 1, 1, 1] });
  const a = g.node("relu", [conv(x, 8)]);
  const b = g.node("max_pool", [a], { kernel: [2, 2], strides: [2, 2] });
  const c = g.node("add", [a, x]);
  const d = conv(c, 8);
  const e = g.node("max_pool", [g.node("concat", [d, a], { axis: 1 })], {
    kernel: [2, 2],
    strides: [2, 2],
  });
  const f = g.node("concat", [e, b], { axis: 1 });
  const y = g.node("relu", [g.node("transpose", [f], { perm: [0, 2, 3, 1] })]);
  return g.builder.finish([y, g.node("mul", [d, c])]);
}

describe("a quantised network", () => {
  const graph = network();
  const inputs = inputsOf(graph, 3);
  const ranges = calibrate(
    graph,
    [1, 2].map((seed) => observed(graph, inputsOf(graph, seed))),
  );
  const free = graph.nodes.filter(({ op }) => op !== "conv");

  test("with no node on the CPU is one segment", () => {
    const mixed = unwrap(quantizeMixed(graph, ranges, { dtype: "i8", floats: new Set() }));
    expect(check(mixed, inputs)).toBe("htp");
  });

  test("whatever is on the CPU, the bits are the evaluator's", () => {
    const random = seededRandom(11);
    const cuts = new Set<string>();
    for (let round = 0; round < 12; round++) {
      const names = free.filter(() => random.below(3) === 0).map(({ name }) => name);
      const mixed = unwrap(quantizeMixed(graph, ranges, { dtype: "i8", floats: new Set(names) }));
      cuts.add(check(mixed, inputs));
    }
    expect(cuts.size).toBeGreaterThan(3);
  });

  test("the same graph gives the same bytes", () => {
    const floats = new Set(free.slice(0, 3).map(({ name }) => name));
    const [first, second] = [1, 2].map(() =>
      encodeProgram(compile(unwrap(quantizeMixed(graph, ranges, { dtype: "i8", floats })))),
    );
    expect(second).toEqual(first);
  });

  test("what the HTP has no lowering for is blamed by name, and so is what the CPU has none for", () => {
    const g = floatGraph(2);
    const x = g.input([1, 4, 6]);
    const y = g.node("reduce_prod", [g.node("cumsum", [x], { axis: 1 })], { axes: [2] });
    const float = g.builder.finish([y]);
    const outcome = compileHybrid(requestFor(float));
    expect(outcome).toMatchObject({
      kind: "refused",
      refusals: [{ place: "cpu", node: float.nodes[0]!.name }],
    });
  });
});

function observed(graph: Graph, inputs: Floats): Run {
  const program = unwrap(compileCpu(graph));
  return (observe) => {
    for (const port of program.inputs) observe(port.name, inputs.get(port.name)!);
    runCpu(program, inputs, ({ name }, values) => observe(name, values));
  };
}

describe("a stored graph", () => {
  const encoding: Quantization = { scales: [Math.fround(0.05)], zeroPoints: [7] };
  const other: Quantization = { scales: [Math.fround(0.03)], zeroPoints: [-5] };
  const b = graphBuilder("stored");
  const x = b.input("x", { dtype: "i8", shape: [1, 6, 5, 4], quantization: encoding });
  const random = seededRandom(4);
  const lut = (name: string, from: string, quantization: Quantization): string => {
    const entries = Int8Array.from({ length: 256 }, () => random.below(256) - 128);
    const table = b.constant(
      `${name}/t`,
      tensor({ dtype: "i8", shape: [256], quantization }, entries),
    );
    return b.node({ op: "lut", name, inputs: [from, table], quantization });
  };
  const move = (op: string, [name = "", ...inputs]: string[], attributes: object): string => {
    const { quantization } = b.typeOf(inputs[0]!);
    return b.node({
      op,
      name,
      inputs,
      attributes: attributes as never,
      quantization: quantization!,
    });
  };
  const turned = move("transpose", ["turned", x], { perm: [0, 2, 3, 1] });
  const flat = move("reshape", ["flat", turned], { shape: [1, 40, 3] });
  const parts = [lut("first", flat, other), lut("second", flat, other)];
  const joined = move("concat", ["joined", ...parts], { axis: 1 });
  const tabled = lut("tabled", joined, encoding);
  const sliced = move("slice", ["sliced", tabled], {
    starts: [0, 3, 0],
    ends: [1, 77, 2],
    steps: [1, 2, 1],
  });
  const graph = b.finish([sliced, move("reshape", ["squeezed", joined], { shape: [240] })]);
  const stored = (seed: number) => {
    const draw = seededRandom(seed);
    return new Map([
      [
        "x",
        tensor(
          b.typeOf("x"),
          Int8Array.from({ length: 120 }, () => draw.below(256) - 128),
        ),
      ],
    ]);
  };
  const resultsOf = (of: Graph, seed: number) =>
    [...evaluate(of, stored(seed))].map(([name, value]) => [name, [...toReal(value)]]);

  test("moved as reals, whichever nodes these are, it gives the same numbers", () => {
    const moves = graph.nodes.filter(({ op }) => op !== "lut");
    const draw = seededRandom(8);
    for (let round = 0; round < 16; round++) {
      const names = new Set(moves.filter(() => draw.below(2) === 0).map(({ name }) => name));
      expect(resultsOf(movedAsReals(graph, names), round)).toEqual(resultsOf(graph, round));
    }
  });

  test.each<[string, string, Readonly<Record<string, string | readonly number[]>>]>([
    ["means the stored number itself", "cast", { to: "f32" }],
    ["reads it in another encoding", "dequantize", { scales: [0.25], zero_points: [0] }],
  ])("a node that %s is refused, not misread", (_name, op, attributes) => {
    const other = graphBuilder("misread");
    const x = other.input("x", { dtype: "i8", shape: [1, 8], quantization: encoding });
    const y = other.node({ op, name: "y", inputs: [x], attributes });
    expect(compileHybrid(requestFor(other.finish([y])))).toMatchObject({
      kind: "refused",
      refusals: [{ place: "cpu", node: "y", failure: { code: "UNSUPPORTED_OP" } }],
    });
  });

  test("with its tables first it gives the same bytes, and fewer tables where some meet", () => {
    const first = tablesFirst.run(graph);
    for (let seed = 1; seed <= 4; seed++)
      expect(resultsOf(first, seed)).toEqual(resultsOf(graph, seed));
    const alone = tablesFirst.run({ ...graph, outputs: [sliced], nodes: graph.nodes.slice(0, -1) });
    expect(alone.nodes.map(({ op }) => op)).toEqual([
      "transpose",
      "reshape",
      "lut",
      "lut",
      "concat",
      "slice",
    ]);
  });

  test("with moves on the CPU its programs give the evaluator's bits", () => {
    const real = new Map([["x", toReal(stored(1).get("x")!)]]);
    for (const names of [
      ["turned", "flat", "joined"],
      ["turned", "flat", "joined", "sliced", "squeezed"],
    ]) {
      expect(check(movedAsReals(graph, new Set(names)), real)).toContain("cpu");
    }
  });
});
