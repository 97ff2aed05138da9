/** Development tool: classic networks as ONNX files with seeded weights, in their published shapes. */
import { assert } from "../../protocol/base/assert.ts";
import { encodeModel } from "../frontend/onnx/index.ts";
import type { ModelProto } from "../frontend/onnx/index.ts";
import { convnextTiny } from "./convnext-tiny.ts";
import { densenet121 } from "./densenet121.ts";
import { efficientnetB0 } from "./efficientnet-b0.ts";
import { googlenet } from "./googlenet.ts";
import { inceptionV3 } from "./inception-v3.ts";
import { mnasnet05 } from "./mnasnet05.ts";
import { mobilenetV2 } from "./mobilenet-v2.ts";
import { LARGE, mobilenetV3, SMALL } from "./mobilenet-v3.ts";
import { network } from "./network.ts";
import type { Feature, Network } from "./network.ts";
import { regnet, REGNET_X_3_2GF, REGNET_Y_800MF } from "./regnet.ts";
import * as residual from "./resnet.ts";
import { shufflenetV2 } from "./shufflenet-v2.ts";
import { squeezenet11 } from "./squeezenet11.ts";
import { vitB16 } from "./vit-b16.ts";
import { blankWeights, seededWeights } from "./weights.ts";
import type { Weights } from "./weights.ts";

interface Definition {
  readonly define: (net: Network, input: Feature) => Feature;
  /** Learned parameters, as torchvision counts them. */
  readonly parameters: number;
  /** Multiply-accumulates of convolutions, linear maps and attention. */
  readonly multiplyAccumulates: number;
}

const { resnet } = residual;
const entry = (
  define: Definition["define"],
  parameters: number,
  multiplyAccumulates: number,
): Definition => ({ define, parameters, multiplyAccumulates });

/** By the names under which measurements are published. */
export const MODELS = {
  mobilenet_v2: entry(mobilenetV2, 3_504_872, 300_774_272),
  resnet50: entry(resnet(residual.RESNET50), 25_557_032, 4_089_184_256),
  googlenet: entry(googlenet, 6_624_904, 1_498_376_192),
  densenet121: entry(densenet121, 7_978_856, 2_834_161_664),
  vit: entry(vitB16, 86_567_656, 17_563_828_224),
  squeezenet1_1: entry(squeezenet11, 1_235_496, 349_151_936),
  wideresnet50: entry(resnet(residual.WIDE_RESNET50), 68_883_240, 11_398_021_120),
  efficientnet_b0: entry(efficientnetB0, 5_288_548, 385_814_752),
  mobilenet_v3_small: entry(mobilenetV3(SMALL), 2_542_856, 56_510_400),
  mobilenet_v3_large: entry(mobilenetV3(LARGE), 5_483_032, 216_589_760),
  resnet18: entry(resnet(residual.RESNET18), 11_689_512, 1_814_073_344),
  resnet101: entry(resnet(residual.RESNET101), 44_549_160, 7_801_405_440),
  resnext50: entry(resnet(residual.RESNEXT50), 25_028_904, 4_230_479_872),
  resnext101: entry(resnet(residual.RESNEXT101), 88_791_336, 16_414_015_488),
  inception_v3: entry(inceptionV3, 23_834_568, 2_837_921_120),
  shufflenet_v2: entry(shufflenetV2, 1_366_792, 40_476_448),
  regnet: entry(regnet(REGNET_X_3_2GF), 15_296_552, 3_176_621_952),
  regnet_y_800mf: entry(regnet(REGNET_Y_800MF), 6_432_512, 833_856_256),
  mnasnet05: entry(mnasnet05, 2_218_512, 104_455_968),
  convnext_tiny: entry(convnextTiny, 28_589_128, 4_455_531_264),
  fcn_resnet50: entry(residual.fcnResnet50, 32_957_013, 26_484_498_432),
} as const satisfies Record<string, Definition>;

export type ModelName = keyof typeof MODELS;

/**
 * An ONNX file: input "input" f32[1,3,224,224], output "output" f32[1,1000] (fcn_resnet50:
 * f32[1,21,224,224]). The same name and seed give the same bytes everywhere.
 */
export function buildModel(name: ModelName, seed: number): Uint8Array {
  return encodeModel(build(name, seededWeights(seed)));
}

/** The same network with weights that mean nothing and take no room, for questions that do not depend on them. */
export function blankModel(name: ModelName): ModelProto {
  return build(name, blankWeights());
}

function build(name: ModelName, weights: Weights): ModelProto {
  const { define, parameters, multiplyAccumulates } = MODELS[name];
  const { net, input } = network(name, weights);
  const built = net.finish(define(net, input));
  assert(built.parameters === parameters, `${name} has ${built.parameters} parameters`);
  const counted = built.multiplyAccumulates;
  assert(counted === multiplyAccumulates, `${name} has ${counted} multiply-accumulates`);
  return built.model;
}
