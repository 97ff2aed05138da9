/** conv, conv_transpose and matmul: sums of products with constant weights. */
import { alignUp } from "../../../protocol/base/integers.ts";
import {
  accumulatorMultipliers,
  convGeometry,
  convTransposeGeometry,
  encodingOf,
  storedBounds,
} from "../../ir/index.ts";
import type { ConvolutionGeometry, Tensor } from "../../ir/index.ts";
import { unsupported } from "../failure.ts";
import { gridOf } from "../grid.ts";
import type { NodeContext } from "../network.ts";
import { balancedShare, depthwiseStage, isDepthwise } from "../stages/depthwise.ts";
import { matrixCycles, matrixStage } from "../stages/matrix.ts";
import type { MatrixNode, Requantization } from "../stages/matrix.ts";
import { depthToSpaceStage, isCopyFactor } from "../stages/movement.ts";

export function lowerProduct(context: NodeContext): boolean {
  switch (context.node.op) {
    case "conv":
      lowerConv(context);
      return true;
    case "conv_transpose":
      lowerConvTranspose(context);
      return true;
    case "matmul":
      lowerMatmul(context);
      return true;
    default:
      return false;
  }
}

interface Filters {
  readonly weights: Int8Array;
  readonly type: Tensor["type"];
  readonly bias: ArrayLike<number> | undefined;
}

function filtersOf(context: NodeContext): Filters {
  const { node } = context;
  const weights = context.constant(1);
  if (!(weights?.data instanceof Int8Array)) throw unsupported(node.name, "variable weights");
  if (weights.type.quantization?.zeroPoints.some((zeroPoint) => zeroPoint !== 0)) {
    throw unsupported(node.name, "asymmetric weights");
  }
  const bias = context.constant(2);
  if (bias === undefined && (node.inputs[2] ?? "") !== "") {
    throw unsupported(node.name, "a variable bias");
  }
  if (bias !== undefined && !(bias.data instanceof Int32Array)) {
    throw unsupported(node.name, `a bias of type ${bias.type.dtype}`);
  }
  return { weights: weights.data, type: weights.type, bias: bias?.data as Int32Array | undefined };
}

function requantization(context: NodeContext, filters: Filters, channels: number): Requantization {
  const { attributes, outputType } = context;
  const encoding = encodingOf(outputType);
  const scaled = accumulatorMultipliers(context.type(0), filters.type, outputType);
  const bounds = storedBounds(
    attributes.number("clamp_min"),
    attributes.number("clamp_max"),
    encoding,
  );
  return {
    zeroPointIn: encodingOf(context.type(0)).zeroPoint,
    zeroPointOut: encoding.zeroPoint,
    multipliers: scaled.length === 1 ? new Float32Array(channels).fill(scaled[0] ?? 0) : scaled,
    ...bounds,
  };
}

function lowerConv(context: NodeContext): void {
  const { node, attributes } = context;
  const filters = filtersOf(context);
  const geometry = convGeometry({ inputs: [context.type(0), filters.type], attributes });
  const input = context.value(0);
  const output = context.output();
  const from: MatrixNode = {
    node: node.name,
    input,
    output,
    inputGrid: context.grid(input),
    outputGrid: context.grid(output),
    geometry,
    weights: filters.weights,
    bias: filters.bias,
    requantization: requantization(context, filters, geometry.outChannels),
    chunkBytes: context.options.weightChunkBytes,
  };
  if (geometry.strideY > 255 || geometry.strideX > 255) throw unsupported(node.name, "the stride");
  const { soc, options, matrixCycles: cyclesOf } = context;
  if (!isDepthwise(geometry)) {
    cyclesOf.set(output, matrixCycles(from, soc));
    context.add(matrixStage(from));
    return;
  }
  const share = options.matrixDepthwise ? balancedShare(from, cyclesOf.get(input) ?? 0, soc) : 0;
  context.add(depthwiseStage(from, share));
}

/** One pixel to one pixel: what 1x1 convolutions and matrix products have in common. */
function pixelGeometry(
  image: { readonly height: number; readonly width: number },
  channels: { readonly input: number; readonly output: number },
): ConvolutionGeometry {
  return {
    batch: 1,
    inChannels: channels.input,
    inHeight: image.height,
    inWidth: image.width,
    outChannels: channels.output,
    outHeight: image.height,
    outWidth: image.width,
    ...{ kernelHeight: 1, kernelWidth: 1, strideY: 1, strideX: 1, dilationY: 1, dilationX: 1 },
    ...{ padTop: 0, padLeft: 0, padBottom: 0, padRight: 0, groups: 1 },
  };
}

function lowerMatmul(context: NodeContext): void {
  const { node } = context;
  const filters = filtersOf(context);
  const [depth = 0, columns = 0] = filters.type.shape;
  if (filters.type.shape.length !== 2) throw unsupported(node.name, "batched weights");
  const input = context.value(0);
  const output = context.output();
  const inputGrid = context.grid(input);
  if (context.type(0).shape.length === 4) throw unsupported(node.name, "a product along the width");
  const weights = new Int8Array(depth * columns);
  for (let row = 0; row < depth; row++) {
    for (let column = 0; column < columns; column++) {
      weights[column * depth + row] = filters.weights[row * columns + column] ?? 0;
    }
  }
  context.add(
    matrixStage({
      node: node.name,
      input,
      output,
      inputGrid,
      outputGrid: context.grid(output),
      geometry: pixelGeometry(inputGrid, { input: depth, output: columns }),
      weights,
      bias: filters.bias,
      requantization: requantization(context, filters, columns),
      chunkBytes: context.options.weightChunkBytes,
    }),
  );
}

/** Windows that tile the output: one 1x1 convolution a phase, then the phases are interleaved. */
function lowerConvTranspose(context: NodeContext): void {
  const { node, attributes } = context;
  const filters = filtersOf(context);
  const g = convTransposeGeometry({ inputs: [context.type(0), filters.type], attributes });
  const tiles = g.kernelHeight === g.strideY && g.kernelWidth === g.strideX && g.groups === 1;
  const whole = g.outHeight === g.inHeight * g.strideY && g.outWidth === g.inWidth * g.strideX;
  const padded = g.padTop !== 0 || g.padLeft !== 0;
  if (!tiles || !whole || padded || !isCopyFactor(g.strideY) || !isCopyFactor(g.strideX)) {
    throw unsupported(node.name, "a transposed convolution with overlapping windows");
  }
  const input = context.value(0);
  const phases = g.strideY * g.strideX;
  const phaseChannels = alignUp(g.outChannels, 32);
  const channels = phases * phaseChannels;
  const spread = gridOf(g.inHeight, g.inWidth, channels);
  const requantize = requantization(context, filters, g.outChannels);
  const phased = context.temporary(spread, requantize.zeroPointOut);
  const perPhase = <T extends Int32Array | Float32Array>(into: T, from: ArrayLike<number>): T => {
    for (let channel = 0; channel < channels; channel++) {
      into[channel] = from[channel % phaseChannels] ?? 0;
    }
    return into;
  };
  const stage = matrixStage({
    node: node.name,
    input,
    output: phased,
    inputGrid: context.grid(input),
    outputGrid: spread,
    geometry: pixelGeometry(spread, { input: g.inChannels, output: channels }),
    weights: phaseWeights(g, filters.weights, phaseChannels),
    bias: filters.bias && perPhase(new Int32Array(channels), filters.bias),
    requantization: {
      ...requantize,
      multipliers: perPhase(new Float32Array(channels), requantize.multipliers),
    },
    chunkBytes: context.options.weightChunkBytes,
  });
  context.add(stage);
  const output = context.output();
  context.add(
    depthToSpaceStage({
      node: node.name,
      input: phased,
      output,
      outputGrid: context.grid(output),
      factorY: g.strideY,
      factorX: g.strideX,
      tilesPerPhase: phaseChannels / 32,
    }),
  );
}

/** [in][out][kernel height][kernel width] as [phase][out, padded][in]. */
function phaseWeights(g: ConvolutionGeometry, weights: Int8Array, phaseChannels: number): Int8Array {
  const phases = g.strideY * g.strideX;
  const packed = new Int8Array(phases * phaseChannels * g.inChannels);
  for (let c = 0; c < g.inChannels; c++) {
    for (let o = 0; o < g.outChannels; o++) {
      for (let phase = 0; phase < phases; phase++) {
        packed[(phase * phaseChannels + o) * g.inChannels + c] =
          weights[(c * g.outChannels + o) * phases + phase] ?? 0;
      }
    }
  }
  return packed;
}
