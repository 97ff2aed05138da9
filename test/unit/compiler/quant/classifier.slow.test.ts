/** int8 against fp32 on the OCR classifier, calibrated on 16 images and measured on 20 others. */
import { expect, test } from "@jest/globals";
import { importOnnx } from "../../../../compiler/frontend/onnx/index.ts";
import {
  dequantizeValue,
  encodingOf,
  evaluate,
  numberList,
  quantizeValue,
  tensorFrom,
} from "../../../../compiler/ir/index.ts";
import type { Tensor } from "../../../../compiler/ir/index.ts";
import { optimize } from "../../../../compiler/passes/index.ts";
import { calibrate, quantize, signalToNoiseDb } from "../../../../compiler/quant/index.ts";
import { seededRandom } from "../../../../protocol/base/random.ts";
import { OCR_MODELS, ocrModel } from "../frontend/zoo.ts";

const SHAPE = OCR_MODELS.classifier.shape;
const SNR_DB_MIN = 20;

/** A crop with a background that changes slowly, dark strokes across it, and sensor noise; in [-1, 1]. */
function textLine(seed: number): Tensor {
  const random = seededRandom(seed);
  const [, , height, width] = SHAPE;
  const background = Array.from({ length: 3 }, () => 0.3 + 0.63 * random.uniform());
  const contrast = 0.8 + 0.6 * random.uniform();
  const [slopeX, slopeY] = [random.normal() * 0.3, random.normal() * 0.3];
  const ink = new Set<number>();
  for (let strokes = 6 + random.below(30); strokes > 0; strokes--) {
    const [x, y, length] = [random.below(width), random.below(height), 4 + random.below(24)];
    const [thickness, isFlat] = [1 + random.below(4), random.below(2) === 1];
    for (let index = 0; index < length * thickness; index++) {
      const [along, across] = [index % length, Math.floor(index / length)];
      const [column, row] = isFlat ? [x + along, y + across] : [x + across, y + along];
      if (column < width && row < height) ink.add(row * width + column);
    }
  }
  return tensorFrom({ dtype: "f32", shape: SHAPE }, (index) => {
    const pixel = index % (height * width);
    const level = background[Math.floor(index / (height * width))] ?? 0;
    const light = (slopeX * (pixel % width)) / width + (slopeY * pixel) / (height * width);
    const value = level - (ink.has(pixel) ? contrast : 0) + light + random.normal() * 0.05;
    return Math.min(Math.max(value, -1), 1);
  });
}

test(`the classifier keeps ${SNR_DB_MIN} dB over 20 images`, () => {
  const imported = importOnnx(ocrModel("classifier"), { inputShapes: new Map([["x", SHAPE]]) });
  if (!imported.ok) throw new Error(imported.message);
  const graph = optimize(imported.value);
  const runs = Array.from(
    { length: 16 },
    (_, index) => (report: (name: string, values: Float32Array) => void) => {
      evaluate(graph, new Map([["x", textLine(100 + index)]]), {
        observe: (name, value) => report(name, value.data as Float32Array),
      });
    },
  );
  const quantized = quantize(graph, calibrate(graph, runs));
  if (!quantized.ok) throw new Error(quantized.message);
  const inputType = quantized.value.types.get("x") ?? { dtype: "i8", shape: SHAPE };
  const [reference, candidate]: [number[], number[]] = [[], []];
  for (let seed = 500; seed < 520; seed++) {
    const image = textLine(seed);
    const real = numberList(image);
    const stored = tensorFrom(inputType, (index) =>
      quantizeValue(real[index] ?? 0, encodingOf(inputType)),
    );
    for (const value of evaluate(graph, new Map([["x", image]])).values())
      reference.push(...numberList(value));
    for (const value of evaluate(quantized.value, new Map([["x", stored]])).values()) {
      candidate.push(
        ...numberList(value).map((each) => dequantizeValue(each, encodingOf(value.type))),
      );
    }
  }
  expect(signalToNoiseDb(reference, candidate)).toBeGreaterThan(SNR_DB_MIN);
});
