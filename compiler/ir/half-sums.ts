/** Sums of fp16 values in the order in which a chip forms them: part of the result's meaning. */
import { outputPlace } from "./float-sums.ts";
import type { FloatOperands, FloatWindows } from "./float-sums.ts";

// Bound once: a lookup on the global object costs more than the operation in some hosts.
const { floor, fround, min } = Math;

/** The float32 sum of an output element: from the bias on, tap by tap and channel by channel. */
export function halfConvolution(
  g: FloatWindows,
  { x, w, bias }: FloatOperands,
): (index: number) => number {
  const perGroup = g.inChannels / g.groups;
  const taps = g.kernelHeight * g.kernelWidth;
  return (index) => {
    const { batch, channel, firstInput, y: outY, x: outX } = outputPlace(g, index);
    const [top, left] = [outY * g.strideY - g.padTop, outX * g.strideX - g.padLeft];
    const firstChannel = batch * g.inChannels + firstInput;
    let sum = bias?.[channel] ?? 0;
    for (let tap = 0; tap < taps; tap++) {
      const y = top + floor(tap / g.kernelWidth) * g.dilationY;
      const column = left + (tap % g.kernelWidth) * g.dilationX;
      if (y < 0 || y >= g.inHeight || column < 0 || column >= g.inWidth) continue;
      for (let c = 0; c < perGroup; c++) {
        const value = x[((firstChannel + c) * g.inHeight + y) * g.inWidth + column] ?? 0;
        sum = fround(sum + value * (w[(channel * perGroup + c) * taps + tap] ?? 0));
      }
    }
    return sum;
  };
}

/** As halfConvolution for the transpose; w is [in][out / groups][kernel height][kernel width]. */
export function halfTransposition(
  g: FloatWindows,
  { x, w, bias }: FloatOperands,
): (index: number) => number {
  const perGroup = g.inChannels / g.groups;
  const outPerGroup = g.outChannels / g.groups;
  const taps = g.kernelHeight * g.kernelWidth;
  return (index) => {
    const { batch, channel, firstInput, y: outY, x: outX } = outputPlace(g, index);
    let sum = bias?.[channel] ?? 0;
    for (let tap = 0; tap < taps; tap++) {
      const row = (outY + g.padTop - floor(tap / g.kernelWidth) * g.dilationY) / g.strideY;
      const at = (outX + g.padLeft - (tap % g.kernelWidth) * g.dilationX) / g.strideX;
      if (!isIndex(row, g.inHeight) || !isIndex(at, g.inWidth)) continue;
      for (let c = firstInput; c < firstInput + perGroup; c++) {
        const value = x[((batch * g.inChannels + c) * g.inHeight + row) * g.inWidth + at] ?? 0;
        const weight = w[(c * outPerGroup + (channel % outPerGroup)) * taps + tap] ?? 0;
        sum = fround(sum + value * weight);
      }
    }
    return sum;
  };
}

function isIndex(value: number, size: number): boolean {
  return Number.isInteger(value) && value >= 0 && value < size;
}

export interface Plane {
  readonly first: number;
  readonly height: number;
  readonly width: number;
}

/**
 * fp16: float32 sums over blocks of 8 rows, each in four parts by x mod 4, four columns at a time and rows
 * inside those; the parts of a block are added as (p0 + p1) + (p2 + p3), and that to the blocks above it.
 */
export function halfPlaneSum(x: ArrayLike<number>, { first, height, width }: Plane): number {
  const partSum = (top: number, part: number): number => {
    let sum = 0;
    for (let column = part; column < width; column += 4) {
      for (let y = top; y < min(top + 8, height); y++) {
        sum = fround(sum + (x[first + y * width + column] ?? 0));
      }
    }
    return sum;
  };
  let total = 0;
  for (let top = 0; top < height; top += 8) {
    const [p0 = 0, p1 = 0, p2 = 0, p3 = 0] = [0, 1, 2, 3].map((part) => partSum(top, part));
    total = fround(total + fround(fround(p0 + p1) + fround(p2 + p3)));
  }
  return total;
}
