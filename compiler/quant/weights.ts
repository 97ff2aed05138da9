/** Weights to int8, symmetric per output channel, and biases to int32, with the proof that sums fit. */
import { failed, succeeded } from "../../protocol/base/result.ts";
import type { Result } from "../../protocol/base/result.ts";
import { roundHalfEven } from "../../protocol/base/math.ts";
import { lazyTensor, numeric, tensor, weightBlocks } from "../ir/index.ts";
import type { ActivationType, Encoding, NumericArray, Tensor, WeightBlocks } from "../ir/index.ts";

// Bound once: a lookup on the global object costs more than the operation in some hosts.
const { abs, floor, fround, max } = Math;

export interface AccumulatorSpec {
  readonly op: string;
  readonly name: string;
  readonly channels: number;
  readonly weights: Tensor;
  readonly bias: Tensor | undefined;
  readonly input: Encoding;
  /** Of the activations; int8 unless said otherwise. */
  readonly dtype?: ActivationType;
  readonly groups?: number;
  /** Calibrated means of the input's channels, for bias correction. */
  readonly inputMeans?: readonly number[];
}

export interface QuantizedAccumulator {
  readonly weights: Tensor;
  readonly bias: Tensor;
}

const WEIGHT_MAX = 127;
/** Added and taken away, it rounds a number of this size half to even: 1.5 * 2^52. */
const ROUNDER = 6755399441055744;
const ACCUMULATOR_MAX = 2 ** 31 - 1;
/** A bias may use half of the accumulator; channels of tiny weights get a larger scale for it. */
const BIAS_MAX = 2 ** 30;

/**
 * Scales are fround(max |w| / 127) per output channel. ACCUMULATOR_OVERFLOW when some channel's
 * |bias| + Σ|w| * max |x - zx| could leave int32: the operator is then refused, not wrapped.
 */
export function quantizeAccumulator(
  spec: AccumulatorSpec,
): Result<QuantizedAccumulator, "ACCUMULATOR_OVERFLOW"> {
  const { weights, channels, input } = spec;
  const blocks = weightBlocks(spec.op, weights.type.shape, channels);
  const real = numeric(weights);
  const realBias = spec.bias === undefined ? undefined : numeric(spec.bias);
  const scales = channelScales(real, { blocks, channels, realBias, input });
  const zeroPoints = new Array<number>(channels).fill(0);
  const quantization = { scales: Array.from(scales), zeroPoints, axis: channelAxis(spec) };
  const stored = lazyTensor({ dtype: "i8", shape: weights.type.shape, quantization }, () =>
    quantizeBlocks(real, blocks, scales),
  );
  const shift = roundingShift(spec, { real, stored, scales, blocks });
  const bias = new Int32Array(channels);
  for (let channel = 0; channel < channels; channel++) {
    const wanted = (realBias?.[channel] ?? 0) - (shift[channel] ?? 0);
    bias[channel] = roundHalfEven(wanted / (input.scale * (scales[channel] ?? 1)));
  }
  // int16 activations have int64 sums, except in windows over one channel.
  const isWide = spec.dtype === "i16" && spec.groups !== channels;
  const limit = isWide ? Number.MAX_SAFE_INTEGER : ACCUMULATOR_MAX;
  const worst = worstAccumulator(stored, { blocks, bias, input, dtype: spec.dtype, limit });
  if (worst > limit) {
    const message = `the sums of ${spec.name} may reach ${worst}, which its accumulator cannot hold`;
    return failed("ACCUMULATOR_OVERFLOW", message, { name: spec.name, worst });
  }
  return succeeded({
    weights: stored,
    bias: tensor({ dtype: "i32", shape: [channels] }, bias),
  });
}

function channelAxis({ op, weights }: AccumulatorSpec): number {
  if (op === "conv") return 0;
  return op === "conv_transpose" ? 1 : weights.type.shape.length - 1;
}

interface ScaleContext {
  readonly blocks: WeightBlocks;
  readonly channels: number;
  readonly realBias: NumericArray | undefined;
  readonly input: Encoding;
}

function channelScales(real: NumericArray, context: ScaleContext): Float32Array {
  const { blocks, channels, realBias, input } = context;
  const largest = new Float64Array(channels);
  const { taps, channelOfBlock } = blocks;
  for (let block = 0, index = 0; block < channelOfBlock.length; block++) {
    const channel = channelOfBlock[block] ?? 0;
    let peak = largest[channel] ?? 0;
    for (let tap = 0; tap < taps; tap++, index++) {
      const magnitude = abs(real[index] ?? 0);
      if (magnitude > peak) peak = magnitude;
    }
    largest[channel] = peak;
  }
  return Float32Array.from(largest, (peak, channel) => {
    const forBias = abs(realBias?.[channel] ?? 0) / (input.scale * BIAS_MAX);
    const scale = max(peak / WEIGHT_MAX, forBias);
    return scale === 0 ? 1 : scale;
  });
}

function quantizeBlocks(real: NumericArray, blocks: WeightBlocks, scales: Float32Array): Int8Array {
  const stored = new Int8Array(real.length);
  const { taps, channelOfBlock } = blocks;
  for (let block = 0, index = 0; block < channelOfBlock.length; block++) {
    const scale = scales[channelOfBlock[block] ?? 0] ?? 1;
    for (let tap = 0; tap < taps; tap++, index++) {
      const rounded = fround((real[index] ?? 0) / scale) + ROUNDER - ROUNDER;
      stored[index] =
        rounded > WEIGHT_MAX ? WEIGHT_MAX : rounded < -WEIGHT_MAX ? -WEIGHT_MAX : rounded;
    }
  }
  return stored;
}

interface RoundedWeights {
  readonly real: NumericArray;
  readonly stored: Tensor;
  readonly scales: Float32Array;
  readonly blocks: WeightBlocks;
}

/**
 * What rounding the weights adds to each output channel on average: Σ (stored * scale - real) * mean of
 * its input channel. Taken out of the bias (bias correction, Nagel et al., 2019, section 4.2).
 */
function roundingShift(spec: AccumulatorSpec, rounded: RoundedWeights): Float64Array {
  const { inputMeans, op, weights, channels, groups = 1 } = spec;
  const shift = new Float64Array(channels);
  if (inputMeans === undefined) return shift;
  const { real, scales, blocks } = rounded;
  const stored = numeric(rounded.stored);
  const [rows = 1, second = 1] = weights.type.shape;
  const isConv = op === "conv";
  // A convolution's block runs over the input channels of its group; other blocks belong to one of them.
  const inputsPerBlock = isConv ? second : 1;
  const taps = blocks.taps / inputsPerBlock;
  const blocksPerRow = blocks.channelOfBlock.length / rows;
  for (let block = 0, index = 0; block < blocks.channelOfBlock.length; block++) {
    const channel = blocks.channelOfBlock[block] ?? 0;
    const scale = scales[channel] ?? 1;
    const group = floor(channel / (channels / groups));
    const first = isConv ? group * second : floor(block / blocksPerRow);
    let total = 0;
    for (let input = first; input < first + inputsPerBlock; input++) {
      let error = 0;
      for (let tap = 0; tap < taps; tap++, index++) {
        error += (stored[index] ?? 0) * scale - (real[index] ?? 0);
      }
      total += error * (inputMeans[input] ?? 0);
    }
    shift[channel] = (shift[channel] ?? 0) + total;
  }
  return shift;
}

interface AccumulatorContext {
  readonly dtype: ActivationType | undefined;
  readonly blocks: WeightBlocks;
  readonly bias: Int32Array;
  readonly input: Encoding;
  readonly limit: number;
}

/** The largest magnitude that any partial sum of any channel can reach, or more where that is within the limit too. */
function worstAccumulator(weights: Tensor, context: AccumulatorContext): number {
  const { blocks, bias, input, dtype, limit } = context;
  const half = dtype === "i16" ? 32768 : 128;
  const reach = max(half - 1 - input.zeroPoint, input.zeroPoint + half);
  const sums = Float64Array.from(bias, (value) => abs(value));
  const { taps, channelOfBlock } = blocks;
  const perChannel = (taps * channelOfBlock.length) / bias.length;
  const most = sums.reduce((a, b) => max(a, b), 0) + perChannel * WEIGHT_MAX * reach;
  if (most <= limit) return most;
  const stored = numeric(weights);
  for (let block = 0, index = 0; block < channelOfBlock.length; block++) {
    const channel = channelOfBlock[block] ?? 0;
    let total = 0;
    for (let tap = 0; tap < taps; tap++, index++) total += abs(stored[index] ?? 0);
    sums[channel] = (sums[channel] ?? 0) + total * reach;
  }
  return sums.reduce((worst, sum) => max(worst, sum), 0);
}
