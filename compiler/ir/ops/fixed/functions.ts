/**
 * Functions of one stored number, as the runtime that quantised the model computes them. They are
 * small enough to be tabulated, so they come to the graph as `lut` nodes.
 */
import { roundHalfEven, sigmoid } from "../../../../protocol/base/math.ts";
import {
  clampStored,
  doublingHighMultiply,
  exponentOf,
  fixedMultiplier,
  roundHalfAway,
  roundingShift,
  scaleFixed,
} from "../../fixed-point.ts";
import type { FixedMultiplier, StoredFormat } from "../../fixed-point.ts";

// Bound once: a lookup on the global object costs more than the operation in some hosts.
const { abs, floor, fround, max, min, trunc } = Math;

/** From the stored input to the stored output. */
export type StoredFunction = (stored: number) => number;
export type RealFunction = (real: number) => number;

export interface Formats {
  readonly from: StoredFormat;
  readonly to: StoredFormat;
}

/** Float32 of the real function, scaled, the zero point added, half to even. */
export function nearestEven(rule: RealFunction, { from, to }: Formats): StoredFunction {
  const inverse = fround(1 / to.scale);
  return (stored) => {
    const real = fround((stored - from.zeroPoint) * from.scale);
    const scaled = fround(fround(rule(real)) * inverse);
    return clampStored(roundHalfEven(fround(scaled + to.zeroPoint)), to);
  };
}

/** Float32 of the real function, scaled, ties away from zero, the zero point added. */
export function nearestAway(rule: RealFunction, { from, to }: Formats): StoredFunction {
  const inverse = fround(1 / to.scale);
  return (stored) => {
    const real = fround((stored - from.zeroPoint) * from.scale);
    const scaled = roundHalfAway(fround(fround(rule(real)) * inverse));
    return clampStored(scaled + to.zeroPoint, to);
  };
}

const STEPS = 512;

/** Where a table of 16 bits begins and ends, in real numbers, and stored output steps per real one. */
export interface TableRange {
  readonly first: number;
  readonly last: number;
  readonly perUnit: number;
  /** To float32, or nothing where the table is made in float64. */
  readonly round: (value: number) => number;
}

/** 512 steps and an end; each sample is biased by half the error that interpolation makes at its middle. */
export function interpolationTable(rule: RealFunction, range: TableRange): readonly number[] {
  const { first, last, perUnit, round } = range;
  const step = round((last - first) / STEPS);
  const scaled = (real: number): number => round(round(rule(real)) * perUnit);
  const stored = (value: number): number => trunc(min(max(value, -32768), 32767));
  return Array.from({ length: STEPS + 1 }, (_, index) => {
    if (index === STEPS) return stored(roundHalfAway(scaled(last)));
    const start = round(first + round(index * step));
    const sample = roundHalfAway(scaled(start));
    const next = scaled(round(first + round((index + 1) * step)));
    const interpolation = roundHalfAway(round(round(next + sample) / 2));
    const middle = roundHalfAway(scaled(round(start + round(step / 2))));
    return stored(sample - roundHalfAway((interpolation - middle) / 2));
  });
}

/** The upper nine bits pick the step, the lower seven lie between it and the next one. */
export function interpolate(table: readonly number[], stored: number): number {
  const index = 256 + (stored >> 7);
  const base = table[index] ?? 0;
  return base + ((((table[index + 1] ?? 0) - base) * (stored & 127) + 64) >> 7);
}

/** 16 bits: a table of 512 steps with linear interpolation. */
export function interpolated(rule: RealFunction, { from, to }: Formats): StoredFunction {
  const real = (stored: number, format: StoredFormat): number =>
    fround((stored - format.zeroPoint) * format.scale);
  const table = interpolationTable(rule, {
    first: real(-32768, from),
    last: real(32767, from),
    perUnit: fround(65536 / fround(real(32767, to) - real(-32768, to))),
    round: fround,
  });
  return (stored) => interpolate(table, stored);
}

/** The same real number in another encoding, by a 31-bit multiplier. */
export function rescaled({ from, to }: Formats): StoredFunction {
  const scale = fixedMultiplier(from.scale / to.scale);
  return (stored) => clampStored(scaleFixed(stored - from.zeroPoint, scale) + to.zeroPoint, to);
}

/** The same by one float32 factor and one float32 offset, ties away from zero. */
export function rescaledFloat({ from, to }: Formats): StoredFunction {
  const scale = fround(from.scale * fround(1 / to.scale));
  const offset = fround(-from.zeroPoint * scale);
  return (stored) =>
    clampStored(roundHalfAway(fround(fround(stored * scale) + offset)) + to.zeroPoint, to);
}

/** The same in eight fractional bits, rounded once, ties upwards. */
export function rescaledShort(formats: Formats): StoredFunction {
  return leakyShort(1, formats);
}

/** x where not negative, slope * x elsewhere, with multipliers of eight fractional bits. */
export function leakyShort(slope: number, { from, to }: Formats): StoredFunction {
  const ratio = fround(from.scale / to.scale);
  const positive = roundHalfEven(fround(256 * ratio));
  const negative = roundHalfEven(fround(256 * fround(ratio * fround(slope))));
  return (stored) => {
    const value = stored - from.zeroPoint;
    const scaled = value * (value >= 0 ? positive : negative) + to.zeroPoint * 256 + 128;
    return clampStored(floor(scaled / 256), to);
  };
}

/** The same by two 31-bit multipliers of float32 ratios. */
export function leakyFixed(slope: number, { from, to }: Formats): StoredFunction {
  const positive = fixedMultiplier(fround(from.scale / to.scale));
  const negative = fixedMultiplier(fround(fround(from.scale * abs(slope)) / to.scale));
  return (stored) => {
    const value = stored - from.zeroPoint;
    const below = scaleFixed(value, negative) * (slope < 0 ? -1 : 1);
    return clampStored((value >= 0 ? scaleFixed(value, positive) : below) + to.zeroPoint, to);
  };
}

/** Rescaled and limited to a real range. */
export function limited(low: number, high: number, formats: Formats): StoredFunction {
  const { from, to } = formats;
  const scale = fixedMultiplier(fround(from.scale / to.scale));
  const scaled: StoredFunction = (value) =>
    scaleFixed(value - from.zeroPoint, scale) + to.zeroPoint;
  const stored = (real: number): number => to.zeroPoint + roundHalfAway(fround(real / to.scale));
  const [least, most] = [
    low === -Infinity ? to.low : max(to.low, stored(low)),
    high === Infinity ? to.high : min(to.high, stored(high)),
  ];
  return (value) => min(max(scaled(value), least), most);
}

export function absolute({ from, to }: Formats): StoredFunction {
  const scale = fixedMultiplier(fround(from.scale / to.scale));
  return (stored) => {
    const value = abs(stored - from.zeroPoint);
    const output = from.scale === to.scale ? value : scaleFixed(value, scale);
    return clampStored(output + to.zeroPoint, to);
  };
}

/** 1 / sqrt(x) by five steps of Newton's method in fixed point. */
export function inverseRoot({ from, to }: Formats): StoredFunction {
  const scale = fixedMultiplier(1 / (fround(Math.sqrt(from.scale)) * to.scale));
  return (stored) => {
    const value = stored - from.zeroPoint;
    if (value <= 0) return to.high;
    const { mantissa, shift } = inverseRootMultiplier(value);
    const raised = scaleFixed(1, { mantissa, shift: shift + 20 });
    const output = scaleFixed(raised, { ...scale, shift: scale.shift - 20 });
    return clampStored(output + to.zeroPoint, to);
  };
}

/** 1 / sqrt(value) of a whole number as a fixed multiplier. */
function inverseRootMultiplier(value: number): FixedMultiplier {
  if (value <= 1) return { mantissa: 2 ** 31 - 1, shift: 0 };
  let [input, shift] = [value, 11];
  for (; input >= 2 ** 29; shift++) input = trunc(input / 4);
  const pairs = floor((Math.clz32(input) - 1) / 2) - 1;
  shift -= pairs;
  input *= 4 ** pairs;
  // Three integer bits: one is 2^28.
  const half = roundingShift(input >> 1, 1);
  const threeHalves = 2 ** 28 + 2 ** 27;
  let x = 2 ** 28;
  for (let step = 0; step < 5; step++) {
    const cube = raised(doublingHighMultiply(doublingHighMultiply(x, x), x), 6);
    const next = doublingHighMultiply(threeHalves, x) - doublingHighMultiply(half, cube);
    x = raised(next, 3);
  }
  let mantissa = doublingHighMultiply(x, 1518500250);
  if (shift < 0) [mantissa, shift] = [mantissa * 2 ** -shift, 0];
  return { mantissa, shift: -shift };
}

/** Saturating left shift of an int32. */
function raised(value: number, bits: number): number {
  return min(max(value * 2 ** bits, -(2 ** 31)), 2 ** 31 - 1);
}

function int16(value: number): number {
  return min(max(value, -32768), 32767);
}

/** The upper 16 bits of a 31-bit multiplier. */
function short(real: number): FixedMultiplier {
  const { mantissa, shift } = fixedMultiplier(real);
  const rounded = mantissa >= 2 ** 31 - 2 ** 15 ? 32767 : (mantissa + 32768) >> 16;
  return { mantissa: rounded, shift };
}

function shortHighMultiply(a: number, b: number): number {
  const product = a * b;
  return trunc((product + (product >= 0 ? 2 ** 14 : 1 - 2 ** 14)) / 2 ** 15);
}

/** x * clamp(x + 3, 0, 6) / 6 in 16-bit fixed point. */
export function hardSwish({ from, to }: Formats): StoredFunction {
  const raisedScale = fround(from.scale / 128);
  const output = short(fround(raisedScale / to.scale));
  const relu = short(fround(raisedScale / fround(3 / 32768)));
  return (stored) => {
    const value = (stored - from.zeroPoint) * 128;
    const preshift = shortHighMultiply(value, output.mantissa);
    let gate = relu.shift > 0 ? int16(value * 2 ** (relu.shift - 1)) : value;
    gate = shortHighMultiply(gate, relu.mantissa);
    if (relu.shift > 0) gate = int16(gate * 2);
    if (relu.shift < 0) gate = roundingShift(gate, -relu.shift);
    gate = (gate + 32768) >> 1;
    const product = trunc((gate * preshift) / 2 ** 15);
    return clampStored(roundingShift(product, -output.shift) + to.zeroPoint, to);
  };
}

/**
 * sigmoid(i / 24) in 16 fractional bits, raised by half of what the chord to the next one lies below
 * the curve in the middle; the last one is the largest number.
 */
const SIGMOIDS = Array.from({ length: 256 }, (_, index) => {
  if (index === 255) return 65535;
  const [here, middle, next] = [0, 0.5, 1].map((more) => 65536 * sigmoid((index + more) / 24));
  const below = (middle ?? 0) - ((here ?? 0) + (next ?? 0)) / 2;
  return floor((here ?? 0) + below / 2 + 0.5);
});

/** 16 bits: the input on a scale of 1 / (3 * 4096), the factor and shift that bring it there. */
function sigmoidInput({ scale }: StoredFormat, powers: readonly number[]): StoredFunction {
  const exponent = exponentOf(scale);
  const isPower = 2 ** exponent === scale && powers.includes(12 + exponent);
  if (isPower) return (stored) => stored * 3 * 2 ** (12 + exponent);
  let [factor, shift] = [scale * 4096 * 3, 0];
  for (; factor <= 32767 / 2 && shift <= 30; shift++) factor *= 2;
  const half = shift > 0 ? 2 ** (shift - 1) : 0;
  return (stored) => floor((stored * trunc(factor) + half) / 2 ** shift);
}

/** 16 bits: a table of 256 sigmoids, interpolated. */
export function wideSigmoid({ from }: Formats): StoredFunction {
  const input = sigmoidInput(from, [0]);
  return (stored) => {
    const value = input(stored);
    const [high, low] = [abs(value) >> 9, abs(value) & 511];
    const a = SIGMOIDS[high] ?? 0;
    const sum = high >= 255 ? 0x7fff * 1024 : a * 512 + low * ((SIGMOIDS[high + 1] ?? 0) - a);
    return (value >= 0 ? sum + 512 : 2 ** 25 - sum + 511) >> 10;
  };
}

export function wideTanh({ from }: Formats): StoredFunction {
  const input = sigmoidInput(from, [0, 1]);
  return (stored) => {
    const value = input(stored);
    const [high, low] = [abs(value) >> 8, abs(value) & 255];
    const a = SIGMOIDS[high] ?? 0;
    const sum = high >= 255 ? 0xffff * 256 : a * 256 + low * ((SIGMOIDS[high + 1] ?? 0) - a);
    return (value >= 0 ? sum - 2 ** 23 + 128 : -sum + 2 ** 23 + 127) >> 8;
  };
}

/** sqrt(x) in float32, cut off. */
export function root({ from, to }: Formats): StoredFunction {
  return (stored) => {
    const real = fround((stored - from.zeroPoint) * from.scale);
    const scaled = fround(fround(Math.sqrt(max(real, 0))) / to.scale);
    return clampStored(trunc(scaled) + to.zeroPoint, to);
  };
}
