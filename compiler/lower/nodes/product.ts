/** conv, conv_transpose and matmul: sums of products with constant weights. */
import { alignUp } from "../../../protocol/base/integers.ts";
import { convGeometry, convTransposeGeometry } from "../../ir/index.ts";
import type { ConvolutionGeometry } from "../../ir/index.ts";
import { countsAllChannels } from "../arrangement.ts";
import { unsupported } from "../failure.ts";
import { gatheredGeometry, gatheredWeights } from "../gathered.ts";
import { isDense, tokenGrid, withChannels } from "../grid.ts";
import type { Grid } from "../grid.ts";
import { addInBands, isTooWide } from "./bands.ts";
import type { NodeContext } from "./context.ts";
import { filledOutside } from "./filled.ts";
import { filtersOf, requantization } from "./filters.ts";
import type { Filters } from "./filters.ts";
import { lowerPairProduct } from "./pair-product.ts";
import type { Phased } from "../phased.ts";
import { streamed } from "./streaming.ts";
import { balancedShare, depthwiseStage, isDepthwise } from "../stages/depthwise.ts";
import { matrixCycles, matrixStage } from "../stages/matrix.ts";
import { depthToSpaceStage, isCopyFactor } from "../stages/copies.ts";
import { pixelMoveStage } from "../stages/moves.ts";
import type { Source } from "../stages/moves.ts";
import { pixelwise } from "../stages/window.ts";
import { readsOutside } from "../stages/window.ts";
import { wholeImagePlaces } from "./whole-image.ts";

export function lowerConv(context: NodeContext): void {
  const { node, attributes } = context;
  const filters = filtersOf(context);
  const gathered = context.gathered(0);
  const geometry =
    gathered === undefined
      ? convGeometry({ inputs: [context.type(0), filters.type], attributes })
      : gatheredGeometry(gathered);
  const input = gathered?.value ?? context.image(0);
  const output = context.output();
  checkFields(node.name, geometry);
  const from = streamed(context, {
    node: node.name,
    input,
    output,
    inputGrid: context.grid(input),
    outputGrid: context.grid(output),
    geometry,
    weights: gathered ? gatheredWeights(gathered, filters.weights) : filters.weights,
    weightZero: filters.weightZero,
    bias: filters.bias,
    requantization: requantization(context, filters, geometry.outChannels),
  });
  const { soc, options, matrixCycles: cyclesOf } = context;
  const isMatrix = from.requantization.fixed !== undefined || from.weights instanceof Int16Array;
  if (!isDepthwise(geometry) || isMatrix) {
    cyclesOf.set(output, matrixCycles(from, soc));
    if (isTooWide(from, soc)) addInBands(context, from);
    else context.add(matrixStage(from));
    return;
  }
  const neighbours = {
    producerCycles: cyclesOf.get(input) ?? 0,
    isLookedUp: context.readers.some(({ op }) => op === "lut"),
  };
  const share =
    options.matrixDepthwise && context.outputType.dtype === "i8" && from.weightZero === 0
      ? balancedShare(from, neighbours, soc)
      : 0;
  const { zeroPointIn } = from.requantization;
  const fills = options.fillDepthwise && readsOutside(geometry, from.inputGrid.format);
  context.add(depthwiseStage(fills ? filledOutside(context, from, zeroPointIn) : from, share));
}

/** What the instructions' fields hold. */
function checkFields(node: string, g: ConvolutionGeometry): void {
  const bytes = [g.strideY, g.strideX, g.dilationY, g.dilationX, g.kernelWidth];
  if (bytes.some((value) => value > 255) || g.kernelHeight > 255) {
    throw unsupported(node, "a stride, dilation or window above 255");
  }
}

/** One pixel to one pixel: what 1x1 convolutions and matrix products have in common. */
function pixelGeometry(
  image: Pick<Grid, "height" | "width">,
  channels: { readonly input: number; readonly output: number },
): ConvolutionGeometry {
  return {
    ...{ batch: 1, groups: 1, inChannels: channels.input, outChannels: channels.output },
    ...pixelwise(image),
    ...{ padBottom: 0, padRight: 0 },
  };
}

/** The same image as one window. */
function windowOfAll(g: ConvolutionGeometry, inChannels: number): ConvolutionGeometry {
  const kernel = { kernelHeight: g.inHeight, kernelWidth: g.inWidth };
  return { ...g, ...kernel, inChannels, outHeight: 1, outWidth: 1 };
}

export function lowerMatmul(context: NodeContext): void {
  const { node } = context;
  if (context.constant(1) === undefined) return lowerPairProduct(context);
  const filters = filtersOf(context);
  const [depth = 0, columns = 0] = filters.type.shape;
  if (filters.type.shape.length !== 2) throw unsupported(node.name, "batched weights");
  const { value: input, grid: inputGrid, arrangement } = context.placement(0);
  const last = arrangement.length - 1;
  const isPixelwise = countsAllChannels(arrangement, last, inputGrid) && isDense(inputGrid);
  const places = isPixelwise ? undefined : wholeImagePlaces({ grid: inputGrid, arrangement });
  if (!isPixelwise && places === undefined) {
    throw unsupported(node.name, "a product along anything but the channels");
  }
  const { format } = inputGrid;
  const grid =
    places === undefined ? withChannels(inputGrid, columns) : tokenGrid(1, columns, format);
  const factors = columns === 1 ? [] : [{ size: columns, counts: "channel" as const, step: 1 }];
  const output = context.output({ grid, arrangement: arrangement.with(last, factors) });
  const pixelwise = pixelGeometry(inputGrid, { input: depth, output: columns });
  context.add(
    matrixStage(
      streamed(context, {
        node: node.name,
        input,
        output,
        inputGrid,
        outputGrid: context.grid(output),
        geometry: places === undefined ? pixelwise : windowOfAll(pixelwise, inputGrid.channels),
        weights: places === undefined ? filters.weights : rowsAt(filters, places, inputGrid),
        outputsLast: true,
        weightZero: filters.weightZero,
        bias: filters.bias,
        requantization: requantization(context, filters, columns),
      }),
    ),
  );
}

/** The matrix with each row at its place; rows that are left over count as zero. */
function rowsAt(
  { weights, weightZero }: Filters,
  places: readonly number[],
  { height, width, channels }: Grid,
): Filters["weights"] {
  const columns = weights.length / places.length;
  const Kind = weights.constructor as Int8ArrayConstructor;
  const moved = new Kind(height * width * channels * columns).fill(weightZero);
  places.forEach((place, row) => {
    moved.set(weights.subarray(row * columns, (row + 1) * columns), place * columns);
  });
  return moved;
}

/**
 * Windows that tile the output: a 1x1 convolution makes all pixels of a window as phases, which are then
 * interleaved, or stay phased where everything behind works on single pixels.
 */
export function lowerConvTranspose(context: NodeContext): void {
  const { node, staysPhased } = context;
  const filters = filtersOf(context);
  const g = tilingGeometry(context, filters);
  const before = context.phased(0);
  const source = before ?? imageAsPhase(context, g.inChannels);
  const small = context.grid(source.value);
  const phased = {
    factorY: source.factorY * g.strideY,
    factorX: source.factorX * g.strideX,
    channels: g.outChannels,
    channelPitch: staysPhased ? g.outChannels : alignUp(g.outChannels, 32),
  };
  const channels = phased.factorY * phased.factorX * phased.channelPitch;
  const grid = withChannels(small, channels);
  const requantize = requantization(context, filters, g.outChannels);
  if (requantize.fixed !== undefined) throw unsupported(node.name, "a rule of fixed point");
  const value = context.temporary(grid, requantize.zeroPointOut);
  const perPhase = <T extends Float64Array | Float32Array>(into: T, from: ArrayLike<number>): T => {
    for (let channel = 0; channel < channels; channel++) {
      into[channel] = from[channel % phased.channelPitch] ?? 0;
    }
    return into;
  };
  const inChannels = source.factorY * source.factorX * source.channelPitch;
  context.add(
    matrixStage(
      streamed(context, {
        node: node.name,
        input: source.value,
        output: value,
        inputGrid: small,
        outputGrid: grid,
        geometry: pixelGeometry(grid, { input: inChannels, output: channels }),
        weights: phaseWeights({ g, filters, source, target: phased }),
        weightZero: filters.weightZero,
        bias: filters.bias && perPhase(new Float64Array(channels), filters.bias),
        requantization: {
          ...requantize,
          multipliers: perPhase(new Float32Array(channels), requantize.multipliers),
        },
      }),
    ),
  );
  if (staysPhased) context.setPhased({ ...phased, value });
  else interleave(context, { ...phased, value });
}

function tilingGeometry(context: NodeContext, filters: Filters): ConvolutionGeometry {
  const { node, attributes } = context;
  const g = convTransposeGeometry({ inputs: [context.type(0), filters.type], attributes });
  const tiles = g.kernelHeight === g.strideY && g.kernelWidth === g.strideX && g.groups === 1;
  const whole = g.outHeight === g.inHeight * g.strideY && g.outWidth === g.inWidth * g.strideX;
  const padded = g.padTop !== 0 || g.padLeft !== 0;
  if (!tiles || !whole || padded || !isCopyFactor(g.strideY) || !isCopyFactor(g.strideX)) {
    throw unsupported(node.name, "a transposed convolution with overlapping windows");
  }
  return g;
}

function imageAsPhase(context: NodeContext, channels: number): Phased {
  return { value: context.image(0), factorY: 1, factorX: 1, channels, channelPitch: channels };
}

function interleave(context: NodeContext, phased: Phased): void {
  const output = context.output();
  const outputGrid = context.grid(output);
  if (outputGrid.format.bytes === 2) {
    const sources = phaseSources(phased, outputGrid);
    const grids = [context.grid(phased.value)];
    const { name: node } = context.node;
    const inputs = [phased.value];
    context.add(
      pixelMoveStage({ node, inputs, grids, output, outputGrid, sources, fill: 0, outside: 0 }),
    );
    return;
  }
  context.add(
    depthToSpaceStage({
      node: context.node.name,
      input: phased.value,
      output,
      outputGrid: context.grid(output),
      factorY: phased.factorY,
      factorX: phased.factorX,
      tilesPerPhase: phased.channelPitch / 32,
    }),
  );
}

/** Where each pixel of the enlarged image lies among the phases. */
function phaseSources(phased: Phased, { height, width }: Grid): Source[] {
  const { factorY, factorX, channelPitch } = phased;
  return Array.from({ length: height * width }, (_, pixel) => {
    const [y, x] = [Math.floor(pixel / width), pixel % width];
    const at = Math.floor(y / factorY) * (width / factorX) + Math.floor(x / factorX);
    const phase = (y % factorY) * factorX + (x % factorX);
    return { input: 0, at, tileOffset: (phase * channelPitch) / 32 };
  });
}

interface PhaseWeights {
  readonly g: ConvolutionGeometry;
  /** [in][out][kernel height][kernel width]. */
  readonly filters: Filters;
  readonly source: Omit<Phased, "value">;
  readonly target: Omit<Phased, "value">;
}

/** [phase of the output][out, padded][phase of the input][in, padded]: every input phase makes its own pixels. */
function phaseWeights({ g, filters, source, target }: PhaseWeights): Filters["weights"] {
  const { weights, weightZero } = filters;
  const sourcePhases = source.factorY * source.factorX;
  const inputs = sourcePhases * source.channelPitch;
  const outputs = target.factorY * target.factorX * target.channelPitch;
  const size = outputs * inputs;
  const packed = new (weights.constructor as Int8ArrayConstructor)(size).fill(weightZero);
  const window = g.strideY * g.strideX;
  for (let phase = 0; phase < sourcePhases * window; phase++) {
    const [from, tap] = [Math.floor(phase / window), phase % window];
    const y = Math.floor(from / source.factorX) * g.strideY + Math.floor(tap / g.strideX);
    const x = (from % source.factorX) * g.strideX + (tap % g.strideX);
    const firstOutput = (y * target.factorX + x) * target.channelPitch;
    for (let c = 0; c < g.inChannels; c++) {
      for (let o = 0; o < g.outChannels; o++) {
        packed[(firstOutput + o) * inputs + from * source.channelPitch + c] =
          weights[(c * g.outChannels + o) * window + tap] ?? 0;
      }
    }
  }
  return packed;
}
