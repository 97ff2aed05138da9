/**
 * The order of a float32 convolution's sum: from the bias on, tap by tap and channel by channel, every
 * product and every sum rounded to float32. Runtimes that keep this order agree to the bit, where a
 * more exact sum would drift from them layer by layer.
 */
import type { WindowGeometry } from "./ops/window.ts";

// Bound once: a lookup on the global object costs more than the operation in some hosts.
const { floor, fround } = Math;

/** A convolution in numbers, as convGeometry gives it. */
export interface FloatWindows extends WindowGeometry {
  readonly inChannels: number;
  readonly outChannels: number;
  readonly groups: number;
}

export interface FloatOperands {
  /** [batch][in][height][width]. */
  readonly x: ArrayLike<number>;
  /** [out][in / groups][kernel height][kernel width]; transposed convolutions have [in][out / groups]. */
  readonly w: ArrayLike<number>;
  readonly bias: ArrayLike<number> | undefined;
}

/** Where an element of the output lies. */
export interface OutputPlace {
  readonly batch: number;
  readonly channel: number;
  /** The first input channel, within the batch, that its group reads. */
  readonly firstInput: number;
  readonly y: number;
  readonly x: number;
}

export function outputPlace(g: FloatWindows, index: number): OutputPlace {
  const plane = g.outHeight * g.outWidth;
  const channel = floor(index / plane) % g.outChannels;
  const group = floor((channel * g.groups) / g.outChannels);
  return {
    batch: floor(index / (plane * g.outChannels)),
    channel,
    firstInput: (group * g.inChannels) / g.groups,
    y: floor((index % plane) / g.outWidth),
    x: index % g.outWidth,
  };
}

/** Taps run along rows; those of a depthwise convolution along columns. */
function tapsOf(g: FloatWindows): readonly (readonly [ky: number, kx: number])[] {
  const { kernelHeight, kernelWidth } = g;
  const columnwise = g.groups > 1 && g.groups === g.inChannels;
  return Array.from({ length: kernelHeight * kernelWidth }, (_, index) =>
    columnwise
      ? [index % kernelHeight, floor(index / kernelHeight)]
      : [floor(index / kernelWidth), index % kernelWidth],
  );
}

export function floatConvolution(
  g: FloatWindows,
  { x, w, bias }: FloatOperands,
): (index: number) => number {
  const perGroup = g.inChannels / g.groups;
  const [kernel, plane] = [g.kernelHeight * g.kernelWidth, g.inHeight * g.inWidth];
  const taps = tapsOf(g);
  return (index) => {
    const { batch, channel, firstInput, y: outY, x: outX } = outputPlace(g, index);
    const [top, left] = [outY * g.strideY - g.padTop, outX * g.strideX - g.padLeft];
    const first = (batch * g.inChannels + firstInput) * plane;
    let sum = bias?.[channel] ?? 0;
    for (const [ky, kx] of taps) {
      const [y, column] = [top + ky * g.dilationY, left + kx * g.dilationX];
      if (y < 0 || y >= g.inHeight || column < 0 || column >= g.inWidth) continue;
      let fromX = first + y * g.inWidth + column;
      let fromW = channel * perGroup * kernel + ky * g.kernelWidth + kx;
      for (let c = 0; c < perGroup; c++, fromX += plane, fromW += kernel) {
        sum = fround(sum + fround((x[fromX] ?? 0) * (w[fromW] ?? 0)));
      }
    }
    return sum;
  };
}
