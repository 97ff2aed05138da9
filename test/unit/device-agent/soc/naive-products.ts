/** The matrix engine as its documentation reads. */
import type { Address, Instruction } from "../../../../protocol/isa/index.ts";
import { halfBits, halfValue } from "./naive-half.ts";
import {
  byteAt,
  clamp,
  pixel,
  pixel16,
  readHalf,
  readLong,
  readWord,
  setByte,
  toInt32,
  writeHalf,
} from "./naive-memory.ts";
import type { Pixel, Regions } from "./naive-memory.ts";
import { asFloat, LANE_OPS } from "./naive-lanes.ts";

type Hmx = Extract<Instruction, { readonly op: `hmx.${string}` }>;
type Mac = Extract<Hmx, { readonly op: `hmx.mac${string}` }>;
type Store = Extract<Hmx, { readonly op: `hmx.store${string}` }>;

/** By position, then output channel; int64 sets hold bigint. */
export type NaiveSet = (number | bigint)[];

export const naiveSet = (): NaiveSet => new Array<number | bigint>(64 * 32).fill(0);

export function hmx(regions: Regions, set: NaiveSet, instruction: Hmx): void {
  switch (instruction.op) {
    case "hmx.clear":
      set.fill(0);
      return;
    case "hmx.load":
      return fillFrom(set, (o) => readWord(regions, instruction.bias, o));
    case "hmx.load_f16":
      return fillFrom(set, (o) => asFloat(readWord(regions, instruction.bias, o)) + 0);
    case "hmx.load_i64":
      return fillFrom(set, (o) => readLong(regions, instruction.bias, o));
    case "hmx.mac":
    case "hmx.mac_zero":
    case "hmx.mac_f16":
    case "hmx.mac_i16":
      return mac(regions, set, instruction);
    default:
      return store(regions, set, instruction);
  }
}

function fillFrom(set: NaiveSet, value: (output: number) => number | bigint): void {
  for (let position = 0; position < 64; position++) {
    for (let o = 0; o < 32; o++) set[position * 32 + o] = value(o);
  }
}

const columnsOf = (op: Hmx["op"]): number => (/f16|i16|i64/.test(op) ? 4 : 8);

function mac(regions: Regions, set: NaiveSet, m: Mac): void {
  const columns = columnsOf(m.op);
  for (let tap = m.tapBegin; tap < m.tapBegin + m.tapCount; tap++) {
    for (let tile = m.tileBegin; tile < m.tileBegin + m.tileCount; tile++) {
      const weights =
        (tap - m.tapBegin) * m.weightTapPitch + (tile - m.tileBegin) * m.weightTilePitch;
      for (let position = 0; position < columns * 8; position++) {
        macPosition(regions, set, { m, tap, tile, weights, position });
      }
    }
  }
}

interface MacStep {
  readonly m: Mac;
  readonly tap: number;
  readonly tile: number;
  /** Offset of the weight tile. */
  readonly weights: number;
  readonly position: number;
}

function macPosition(regions: Regions, set: NaiveSet, step: MacStep): void {
  const { m, tap, tile, position } = step;
  const columns = columnsOf(m.op);
  const [row, column] = [Math.floor(position / columns), position % columns];
  if (row >= m.rows || column >= m.columns) return;
  const window = m.activations;
  const dy = Math.floor(tap / m.tapColumns) * m.dilationY;
  const dx = (tap % m.tapColumns) * m.dilationX;
  const y = window.originY + row * window.strideY + dy;
  const x = window.originX + column * window.strideX + dx;
  const tileAt: Address = { ...m.weights, offset: m.weights.offset + step.weights };
  const product = productOf(regions, m, tileAt);
  for (let channel = 0; channel < 32; channel++) {
    const at = { y, x, tile, channel };
    for (let o = 0; o < 32; o++) {
      set[position * 32 + o] = product(set[position * 32 + o]!, at, o);
    }
  }
}

type Product = (sum: number | bigint, at: Pixel, output: number) => number | bigint;

/** What one activation and one weight add to a sum. */
function productOf(regions: Regions, m: Mac, tile: Address): Product {
  const element = (c: number, o: number): number => Math.floor(c / 2) * 64 + o * 2 + (c % 2);
  const signed = (bits: number): number => (bits << 16) >> 16;
  switch (m.op) {
    case "hmx.mac":
    case "hmx.mac_zero": {
      const zero = m.op === "hmx.mac" ? 0 : m.weightZero;
      return (sum, at, o) => {
        const weight = byteAt(regions, tile, element(at.channel, o)) - zero;
        return (Number(sum) + pixel(regions, m.activations, at) * weight) | 0;
      };
    }
    case "hmx.mac_f16":
      return (sum, at, o) => {
        const weight = halfValue(readHalf(regions, tile, element(at.channel, o)));
        return Math.fround(Number(sum) + halfValue(pixel16(regions, m.activations, at)) * weight);
      };
    case "hmx.mac_i16":
      return (sum, at, o) => {
        const index = element(at.channel, o);
        const isByte = m.weightBytes === 1;
        const weight = isByte
          ? byteAt(regions, tile, index)
          : signed(readHalf(regions, tile, index));
        const a = signed(pixel16(regions, m.activations, at));
        return BigInt.asIntN(64, BigInt(sum) + BigInt(a) * BigInt(weight));
      };
  }
}

function store(regions: Regions, set: NaiveSet, s: Store): void {
  const columns = columnsOf(s.op);
  for (let position = 0; position < columns * 8; position++) {
    const [row, column] = [Math.floor(position / columns), position % columns];
    const isInside = row < s.rows && column < s.columns;
    for (let o = 0; o < 32; o++) {
      if (columns === 8) {
        const value = isInside
          ? stored(regions, { s, o, sum: set[position * 32 + o]! })
          : outside(s);
        setByte(regions, s.destination, { offset: position * 32 + o, value });
      } else {
        const value = isInside
          ? stored(regions, { s, o, sum: set[position * 32 + o]! })
          : outside(s);
        const index = (row * 2 + Math.floor(column / 2)) * 64 + o * 2 + (column % 2);
        writeHalf(regions, s.destination, { index, value });
      }
    }
  }
}

function outside(s: Store): number {
  if (s.op === "hmx.store_f16") return 0;
  return s.op === "hmx.store_i16" ? clamp(s.zeroPoint, -32768, 32767) : s.zeroPoint;
}

interface Stored {
  readonly s: Store;
  readonly o: number;
  readonly sum: number | bigint;
}

function stored(regions: Regions, { s, o, sum }: Stored): number {
  if (s.op === "hmx.store_f16") return clampHalf(halfBits(Number(sum)), s.low, s.high);
  const whole = requantized(regions, { s, o, sum });
  return clamp(clamp(whole + s.zeroPoint, -(2 ** 31), 2 ** 31 - 1), s.low, s.high);
}

/** Bits in, bits out: min(max(value, low), high), where -0 is below +0. */
function clampHalf(bits: number, low: number, high: number): number {
  const raised = Math.max(halfValue(bits), halfValue(low));
  return halfBits(Math.min(raised, halfValue(high)));
}

function requantized(regions: Regions, { s, o, sum }: Stored): number {
  if (s.op === "hmx.store_f16") throw new Error("fp16 is not requantised");
  const isFixed = s.op === "hmx.store_fixed" || (s.op === "hmx.store_i16" && s.mode !== 0);
  const multiplier = readWord(regions, s.multipliers, o);
  if (!isFixed) {
    // The nearest float32, at once: Number(bigint) is exact below 2^53 and rounds to nearest above.
    const real = typeof sum === "bigint" ? nearestFloat(sum) : Math.fround(sum);
    return toInt32(Math.fround(real * asFloat(multiplier)));
  }
  const shift = readWord(regions, s.multipliers, 32 + o);
  if (s.op === "hmx.store_fixed" || s.mode === 2) {
    const shifted = Number(BigInt.asIntN(32, BigInt(sum))) << Math.max(shift, 0);
    const high = LANE_OPS.multiply_high_i32!(shifted, multiplier, 0);
    return LANE_OPS.divide_power_i32!(high, Math.max(-shift, 0), 0);
  }
  const reduced = multiplier < 0x7fff0000 ? (multiplier + 32768) >> 16 : 0x7fff;
  const right = BigInt(15 - shift);
  const product = BigInt(sum) * BigInt(reduced) + (1n << (right - 1n));
  return Number(BigInt.asIntN(32, BigInt.asIntN(64, product) >> right));
}

/** float32 nearest to a whole number: the two candidates around the float64 are compared exactly. */
function nearestFloat(whole: bigint): number {
  const guess = Math.fround(Number(whole));
  let best = guess;
  for (const candidate of [nextFloat(guess, -1), nextFloat(guess, 1)]) {
    const [old, next] = [distance(whole, best), distance(whole, candidate)];
    if (next < old || (next === old && isEvenFloat(candidate))) best = candidate;
  }
  return best;
}

const FLOAT = new Float32Array(1);
const FLOAT_BITS = new Int32Array(FLOAT.buffer);

function nextFloat(value: number, step: number): number {
  FLOAT[0] = value;
  FLOAT_BITS[0]! += value < 0 ? -step : step;
  return Number.isFinite(FLOAT[0]!) ? FLOAT[0]! : value;
}

function isEvenFloat(value: number): boolean {
  FLOAT[0] = value;
  return FLOAT_BITS[0]! % 2 === 0;
}

function distance(whole: bigint, float: number): bigint {
  // Beyond 2^24 floats are whole; below, the guess is exact already.
  const difference = whole - BigInt(Math.round(float));
  return difference < 0n ? -difference : difference;
}
