/**
 * Floats of 16 bits and fewer as bits and as numbers. Encoding rounds half to even; what lies beyond
 * the largest finite value becomes infinity, NaN or (saturating) that value. Formats and their
 * special values: ONNX "Float stored in 8 bits" and "Float stored in 4 bits".
 */
import { present } from "../../protocol/base/assert.ts";
import type { DType } from "./graph.ts";

export type NarrowFloat =
  "f16" | "bf16" | "f8e4m3fn" | "f8e4m3fnuz" | "f8e5m2" | "f8e5m2fnuz" | "f8e8m0" | "f4e2m1";

interface Format {
  readonly bits: number;
  readonly mantissaBits: number;
  /** Exponent of the smallest normal number; subnormals share it. */
  readonly exponentMin: number;
  /** The code of the largest finite number, without sign. */
  readonly largest: number;
  readonly infinity: number | undefined;
  /** The code of NaN; a format without one keeps its largest value. */
  readonly nan: number | undefined;
  readonly negativeZero: boolean;
}

const FORMATS: Readonly<Record<Exclude<NarrowFloat, "f8e8m0">, Format>> = {
  f16: ieee({ bits: 16, mantissaBits: 10, exponentMin: -14, largest: 0x7bff }),
  bf16: ieee({ bits: 16, mantissaBits: 7, exponentMin: -126, largest: 0x7f7f }),
  f8e5m2: { ...ieee({ bits: 8, mantissaBits: 2, exponentMin: -14, largest: 0x7b }), nan: 0x7f },
  f8e4m3fn: finite({ bits: 8, mantissaBits: 3, exponentMin: -6, largest: 0x7e, nan: 0x7f }),
  f8e4m3fnuz: finite({ bits: 8, mantissaBits: 3, exponentMin: -7, largest: 0x7f, nan: 0x80 }),
  f8e5m2fnuz: finite({ bits: 8, mantissaBits: 2, exponentMin: -15, largest: 0x7f, nan: 0x80 }),
  f4e2m1: finite({ bits: 4, mantissaBits: 1, exponentMin: 0, largest: 0x7, nan: undefined }),
};

function ieee(sizes: Pick<Format, "bits" | "mantissaBits" | "exponentMin" | "largest">): Format {
  const infinity = sizes.largest + 1;
  const nan = infinity | (1 << (sizes.mantissaBits - 1));
  return { ...sizes, infinity, nan, negativeZero: true };
}

/** No infinity; where NaN takes the place of negative zero there is none. */
function finite(sizes: Omit<Format, "infinity" | "negativeZero">): Format {
  const negativeZero = sizes.nan !== 1 << (sizes.bits - 1);
  return { ...sizes, infinity: undefined, negativeZero };
}

export function isNarrowFloat(dtype: DType): dtype is NarrowFloat {
  return dtype === "f8e8m0" || Object.hasOwn(FORMATS, dtype);
}

/** The bits of the nearest number of the format. */
export function encodeNarrow(dtype: NarrowFloat, value: number, saturate = true): number {
  if (dtype === "f8e8m0") return encodeScale(value, "nearest");
  const format = FORMATS[dtype];
  // Half precision overflows to infinity whatever the caller says: only float8 and float4 saturate.
  return encode(format, value, saturate && format.bits < 16);
}

/** The numbers of all codes of a format, by code; computed once. */
export function narrowValues(dtype: NarrowFloat): Float32Array {
  let values = TABLES.get(dtype);
  if (values === undefined) {
    const rule = dtype === "f8e8m0" ? decodeScale : decoderOf(FORMATS[dtype]);
    const bits = dtype === "f8e8m0" ? 8 : FORMATS[dtype].bits;
    values = Float32Array.from({ length: 1 << bits }, (_, code) => rule(code));
    TABLES.set(dtype, values);
  }
  return values;
}

const TABLES = new Map<NarrowFloat, Float32Array>();

export function decodeNarrow(dtype: NarrowFloat, code: number): number {
  return present(narrowValues(dtype)[code], "code within the format");
}

export type ScaleRounding = "up" | "down" | "nearest";

/** f8e8m0: a power of two, 2^(code - 127); 255 is NaN. There is no sign and no zero. */
export function encodeScale(value: number, rounding: ScaleRounding): number {
  if (!(Math.abs(value) < Infinity)) return value === value ? 0xfe : 0xff;
  const magnitude = Math.abs(value);
  if (magnitude < 2 ** -127) return 0;
  const exponent = exponentOf(magnitude);
  const fraction = magnitude / 2 ** exponent;
  const roundsUp = { up: fraction > 1, down: false, nearest: fraction >= 1.5 }[rounding];
  return Math.min(exponent + 127 + Number(roundsUp), 0xfe);
}

function decodeScale(code: number): number {
  return code === 0xff ? NaN : 2 ** (code - 127);
}

function encode(format: Format, value: number, saturate: boolean): number {
  const { bits, mantissaBits, exponentMin, largest, infinity, nan } = format;
  const signBit = 1 << (bits - 1);
  if (value !== value) return nan ?? signBit;
  const isNegative = value < 0 || Object.is(value, -0);
  const sign = isNegative ? signBit : 0;
  const beyond = saturate ? sign | largest : overflow(sign, infinity ?? nan ?? largest, signBit);
  const magnitude = Math.abs(value);
  if (magnitude === Infinity) return beyond;
  const exponent = Math.max(exponentOf(magnitude), exponentMin);
  const steps = roundEven(magnitude / 2 ** (exponent - mantissaBits));
  // A mantissa that rounds up to the next power carries into the exponent, which is what is wanted.
  const code = ((exponent - exponentMin) << mantissaBits) + steps;
  if (code > largest) return beyond;
  return code === 0 && !format.negativeZero ? 0 : sign | code;
}

function overflow(sign: number, code: number, signBit: number): number {
  return code === signBit ? code : sign | code;
}

function decoderOf(format: Format): (code: number) => number {
  const { bits, mantissaBits, exponentMin, largest, infinity } = format;
  const signBit = 1 << (bits - 1);
  return (code) => {
    const sign = code & signBit ? -1 : 1;
    const magnitude = code & (signBit - 1);
    if (code === signBit && !format.negativeZero) return NaN;
    if (magnitude === infinity) return sign * Infinity;
    if (magnitude > largest) return NaN;
    const exponent = magnitude >> mantissaBits;
    const fraction = magnitude & ((1 << mantissaBits) - 1);
    const lead = exponent === 0 ? 0 : 1 << mantissaBits;
    return sign * (lead + fraction) * 2 ** (Math.max(exponent, 1) - 1 + exponentMin - mantissaBits);
  };
}

const SCRATCH = new Float64Array(1);
const WORDS = new Uint32Array(SCRATCH.buffer);

/** floor(log2(x)) of a positive normal double; less than any format's smallest for zero. */
function exponentOf(magnitude: number): number {
  SCRATCH[0] = magnitude;
  return (((WORDS[1] ?? 0) >>> 20) & 0x7ff) - 1023;
}

function roundEven(value: number): number {
  const floor = Math.floor(value);
  const rest = value - floor;
  if (rest !== 0.5) return rest > 0.5 ? floor + 1 : floor;
  return floor % 2 === 0 ? floor : floor + 1;
}
