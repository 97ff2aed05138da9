import { describe, expect, test } from "@jest/globals";
import {
  compileCpu,
  cpuRunner,
  cpuSegment,
  runCpu,
} from "../../../../../compiler/codegen/cpu/index.ts";
import { elementCount, evaluateAt, outputTypesOf } from "../../../../../compiler/ir/index.ts";
import type { Graph, Tensor } from "../../../../../compiler/ir/index.ts";
import { equalBytes } from "../../../../../protocol/base/bytes.ts";
import { seededRandom } from "../../../../../protocol/base/random.ts";
import { unwrap } from "../../../../../protocol/base/result.ts";
import { ocrGraph, randomInputs } from "./models.ts";

const SEED = 7;
const SAMPLES_PER_NODE = 12;
/** Largest |a - b| / (1 + |b|): sums of thousands of products in another order. */
const TOLERANCE = 2e-4;

/** Every node is judged alone, on the inputs that the program itself computed. */
function checkSamples(graph: Graph): number {
  const program = unwrap(compileCpu(graph));
  const inputs = randomInputs(graph, SEED);
  const values = new Map<string, Tensor>(graph.constants);
  const keep = (name: string, data: Float32Array): void =>
    void values.set(name, { type: graph.types.get(name)!, data });
  for (const [name, data] of inputs) keep(name, data);
  runCpu(program, inputs, (value, data) => keep(value.name, data));
  const random = seededRandom(SEED + 1);
  let worst = 0;
  for (const node of graph.nodes) {
    const { type, data } = values.get(node.outputs[0]!)!;
    const indices = Array.from({ length: SAMPLES_PER_NODE }, () =>
      random.below(elementCount(type)),
    );
    const operands = node.inputs.map((name) => values.get(name));
    const outputTypes = outputTypesOf(graph, node);
    const expected = evaluateAt(node, { inputs: operands, outputTypes }, indices);
    expected.forEach((b, sample) => {
      const a = Number(data[indices[sample]!]);
      worst = Math.max(worst, Math.abs(a - b) / (1 + Math.abs(b)));
    });
  }
  return worst;
}

describe("whole networks agree with the evaluator node by node", () => {
  const ocr = [
    ["text-orientation classifier", "classifier", [1, 3, 48, 192]],
    ["text detector", "detector", [1, 3, 96, 64]],
    ["text recogniser", "recogniser", [1, 3, 48, 96]],
  ] as const;
  test.each(ocr)("%s", (_title, name, shape) => {
    expect(checkSamples(ocrGraph(name, shape))).toBeLessThan(TOLERANCE);
  });
});

describe("a program", () => {
  const graph = ocrGraph("classifier", [1, 3, 48, 192]);

  test("has the same bytes each time, and the same outputs in each run", () => {
    const [first, second] = [unwrap(compileCpu(graph)), unwrap(compileCpu(graph))];
    expect(equalBytes(first.module, second.module)).toBe(true);
    expect(equalBytes(cpuSegment(first, 1).weights, cpuSegment(second, 1).weights)).toBe(true);
    expect({ ...first, image: [], module: [] }).toEqual({ ...second, image: [], module: [] });
    const inputs = randomInputs(graph, SEED);
    const runner = cpuRunner(first);
    expect(runner.run(inputs)).toEqual(runner.run(inputs));
    expect(runner.run(inputs)).toEqual(runCpu(second, inputs));
  });

  test("runs from its segment of the program file", () => {
    const program = unwrap(compileCpu(graph));
    const { segment, weights } = cpuSegment(program, 1);
    const image = segment.image.map(({ regionOffset, bytes, memoryOffset }) => ({
      memoryOffset,
      bytes: weights.slice(regionOffset, regionOffset + bytes),
    }));
    const inputs = randomInputs(graph, SEED);
    expect(runCpu({ ...program, image }, inputs)).toEqual(runCpu(program, inputs));
    expect(segment.ports.map((port) => port.name)).toEqual([...graph.inputs, ...graph.outputs]);
  });
});
