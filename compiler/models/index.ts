/** Development tool: classic networks as ONNX files with seeded weights, in their published shapes. */
import { assert } from "../../protocol/base/assert.ts";
import { buildMobilenetV2 } from "./mobilenet-v2.ts";
import type { BuiltNetwork } from "./network.ts";
import { buildResnet50 } from "./resnet50.ts";
import { buildSqueezenet11 } from "./squeezenet11.ts";

interface Definition {
  readonly build: (seed: number) => BuiltNetwork;
  /** Published counts: torchvision's table of parameters and of multiply-accumulates. */
  readonly parameters: number;
  readonly multiplyAccumulates: number;
}

export const MODELS = {
  mobilenetV2: {
    build: buildMobilenetV2,
    parameters: 3_504_872,
    multiplyAccumulates: 300_774_272,
  },
  resnet50: {
    build: buildResnet50,
    parameters: 25_557_032,
    multiplyAccumulates: 4_089_184_256,
  },
  squeezenet11: {
    build: buildSqueezenet11,
    parameters: 1_235_496,
    multiplyAccumulates: 349_151_936,
  },
} as const satisfies Record<string, Definition>;

export type ModelName = keyof typeof MODELS;

/**
 * An ONNX file (opset 13): input "input" f32[1,3,224,224], output "output" f32[1,1000]. The same
 * name and seed give the same bytes everywhere.
 */
export function buildModel(name: ModelName, seed: number): Uint8Array {
  const { build, parameters, multiplyAccumulates } = MODELS[name];
  const built = build(seed);
  assert(built.parameters === parameters, `${name} has ${built.parameters} parameters`);
  const counted = built.multiplyAccumulates;
  assert(counted === multiplyAccumulates, `${name} has ${counted} multiply-accumulates`);
  return built.bytes;
}
