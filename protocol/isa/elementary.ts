/** What the elementary micro-ops compute before they round to fp16, and the order in which channels are summed. */
import { cos, erf, exp, log, sigmoid, sin, tanh } from "../base/math.ts";
import { decodeHalf, encodeHalf } from "../base/half.ts";

/** By micro-op. The argument is an fp16 value. */
export const ELEMENTARY = {
  exp_f16: exp,
  reciprocal_f16: (x) => 1 / x,
  sqrt_f16: Math.sqrt,
  rsqrt_f16: (x) => 1 / Math.sqrt(x),
  sigmoid_f16: sigmoid,
  // x * (1 / (1 + e^-x)); minus infinity times zero would be no number.
  silu_f16: (x) => (x === -Infinity ? 0 : x * sigmoid(x)),
  gelu_f16: (x) => (x === -Infinity ? 0 : (x / 2) * (1 + erf(x / Math.SQRT2))),
  log_f16: log,
  tanh_f16: tanh,
  erf_f16: erf,
  sin_f16: sin,
  cos_f16: cos,
} as const satisfies Readonly<Record<string, (x: number) => number>>;

export type ElementaryName = keyof typeof ELEMENTARY;

const tables = new Map<ElementaryName, Uint16Array>();

/** fp16 bits of the function's value by fp16 bits of its argument. */
export function elementaryTable(name: ElementaryName): Uint16Array {
  const known = tables.get(name);
  if (known !== undefined) return known;
  const of = ELEMENTARY[name];
  const table = Uint16Array.from({ length: 65_536 }, (_, bits) => encodeHalf(of(decodeHalf(bits))));
  tables.set(name, table);
  return table;
}

/** sum_channels_f32 of the 32 float32 that begin at `first`. */
export function sumChannels(values: ArrayLike<number>, first = 0): number {
  const sums = [0, 1, 2, 3].map((lane) => {
    let sum = values[first + lane]!;
    for (let channel = lane + 4; channel < 32; channel += 4) {
      sum = Math.fround(sum + values[first + channel]!);
    }
    return sum;
  });
  const [a, b, c, d] = sums as [number, number, number, number];
  return Math.fround(Math.fround(a + c) + Math.fround(b + d));
}
