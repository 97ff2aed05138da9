/** Equalisation and bias correction: the same function in floats, less error in int8. */
import { describe, expect, test } from "@jest/globals";
import {
  dequantizeValue,
  encodingOf,
  evaluate,
  graphBuilder,
  numberList,
  quantizeValue,
  tensorFrom,
  tensorOf,
  verify,
} from "../../../../compiler/ir/index.ts";
import type { Graph, Tensor, TensorType } from "../../../../compiler/ir/index.ts";
import {
  calibrate,
  equalize,
  quantize,
  quantizeAccumulator,
  signalToNoiseDb,
} from "../../../../compiler/quant/index.ts";
import type { Encodings } from "../../../../compiler/quant/index.ts";
import { seededRandom } from "../../../../protocol/base/random.ts";

const IMAGE: TensorType = { dtype: "f32", shape: [1, 3, 6, 6] };

/** conv, ReLU, depthwise conv, conv; the first one's channels differ by a factor of 200. */
function unequal(): Graph {
  const random = seededRandom(5);
  const builder = graphBuilder("unequal");
  const weights = (name: string, shape: readonly number[], spread = 0): string => {
    const size = shape.slice(1).reduce((total, each) => total * each, 1);
    const gain = (index: number): number => 200 ** ((spread * Math.floor(index / size)) / 7);
    const data = tensorFrom({ dtype: "f32", shape }, (index) => random.normal() * gain(index));
    return builder.constant(name, data);
  };
  const bias = tensorFrom({ dtype: "f32", shape: [8] }, (index) => 0.1 * 200 ** (index / 7));
  builder.input("x", IMAGE);
  const first = ["x", weights("w1", [8, 3, 1, 1], 1), builder.constant("b1", bias)];
  builder.node({ op: "conv", name: "a", inputs: first, attributes: { clamp_min: 0 } });
  const window = { group: 8, pads: [1, 1, 1, 1] };
  builder.node({
    op: "conv",
    name: "b",
    inputs: ["a", weights("w2", [8, 1, 3, 3], -1)],
    attributes: window,
  });
  builder.node({ op: "conv", name: "y", inputs: ["b", weights("w3", [4, 8, 1, 1])] });
  return builder.finish(["y"]);
}

function image(seed: number): Tensor {
  const random = seededRandom(seed);
  return tensorFrom(IMAGE, () => random.normal());
}

function calibrated(graph: Graph): Encodings {
  const runs = [1, 2, 3].map((seed) => (report: (name: string, values: Float32Array) => void) => {
    evaluate(graph, new Map([["x", image(seed)]]), {
      observe: (name, value) => report(name, value.data as Float32Array),
    });
  });
  return calibrate(graph, runs);
}

function int8Error(graph: Graph, encodings: Encodings): number {
  const quantized = quantize(graph, encodings);
  if (!quantized.ok) throw new Error(quantized.message);
  const type = quantized.value.types.get("x") ?? IMAGE;
  const reference = evaluate(graph, new Map([["x", image(9)]])).get("y");
  const input = numberList(image(9));
  const stored = tensorFrom(type, (index) => quantizeValue(input[index] ?? 0, encodingOf(type)));
  const result = evaluate(quantized.value, new Map([["x", stored]])).get("y");
  if (reference === undefined || result === undefined) throw new Error("no output");
  const real = numberList(result).map((value) => dequantizeValue(value, encodingOf(result.type)));
  return signalToNoiseDb(numberList(reference), real);
}

describe("equalisation", () => {
  const graph = unequal();
  const encodings = calibrated(graph);

  test("leaves what the network computes, and renames what it does not", () => {
    const { graph: equal, encodings: ranges } = equalize(graph, encodings);
    expect(verify(equal)).toMatchObject({ ok: true });
    const inputs = new Map([["x", image(9)]]);
    const [before, after] = [evaluate(graph, inputs), evaluate(equal, inputs)];
    const [old, now] = [before.get("y"), after.get("y")];
    if (old === undefined || now === undefined) throw new Error("no output");
    expect(signalToNoiseDb(numberList(old), numberList(now))).toBeGreaterThan(110);
    expect(equal.nodes.map((node) => node.outputs[0])).toEqual(["a/equalized", "b/equalized", "y"]);
    const { maxima = [] } = ranges.get("a/equalized")?.channels ?? {};
    const { maxima: unequalMaxima = [] } = ranges.get("a")?.channels ?? {};
    const ratio = (values: readonly number[]): number => Math.max(...values) / Math.min(...values);
    expect(ratio(maxima)).toBeLessThan(ratio(unequalMaxima) / 10);
  });

  test("gains several decibels where channels differ", () => {
    const blind: Encodings = new Map(
      [...encodings].map(([name, { min, max }]) => [name, { min, max }]),
    );
    const [without, together] = [int8Error(graph, blind), int8Error(graph, encodings)];
    expect(together).toBeGreaterThan(without + 3);
    expect(together).toBeGreaterThan(28);
  });

  test("keeps its hands off values that others read, and off clamps that do not scale", () => {
    const builder = graphBuilder("fixed");
    builder.input("x", { dtype: "f32", shape: [1, 1, 2, 2] });
    builder.constant("w", tensorOf({ dtype: "f32", shape: [1, 1, 1, 1] }, [2]));
    const relu6 = { clamp_min: 0, clamp_max: 6 };
    builder.node({ op: "conv", name: "a", inputs: ["x", "w"], attributes: relu6 });
    builder.node({ op: "conv", name: "b", inputs: ["a", "w"] });
    builder.node({ op: "conv", name: "c", inputs: ["b", "w"] });
    const fixed = builder.finish(["c", "b"]);
    const channels = { minima: [0], maxima: [1], means: [0.5] };
    const ranges = new Map(
      ["x", "a", "b", "c"].map((name) => [name, { min: 0, max: 1, channels }]),
    );
    expect(equalize(fixed, ranges).graph.nodes).toEqual(fixed.nodes);
  });
});

describe("bias correction", () => {
  test("takes out what rounded weights add on average, in groups too", () => {
    const spec = {
      op: "conv",
      name: "c",
      channels: 2,
      groups: 2,
      weights: tensorOf({ dtype: "f32", shape: [2, 2, 1, 1] }, [1, 0.3, 1, 0.7]),
      bias: undefined,
      input: { scale: 1 / 128, zeroPoint: 0 },
    };
    const means = [5, 10, 0, -20];
    const result = quantizeAccumulator({ ...spec, inputMeans: means });
    if (!result.ok) throw new Error(result.message);
    const { weights, bias } = result.value;
    const scale = Math.fround(1 / 127);
    const stored = numberList(weights);
    expect(stored).toEqual([127, 38, 127, 89]);
    const errors = [(38 * scale - 0.3) * 10, (89 * scale - 0.7) * -20];
    for (const [channel, error] of errors.entries()) {
      const corrected = (numberList(bias)[channel] ?? 0) * scale * spec.input.scale;
      expect(corrected).toBeCloseTo(-error, 4);
    }
  });
});
