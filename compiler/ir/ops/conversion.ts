/** Conversion between element types. */
import type { DType, Tensor, TensorType } from "../graph.ts";
import { encodeNarrow, encodeScale, isNarrowFloat } from "../narrow-floats.ts";
import type { ScaleRounding } from "../narrow-floats.ts";
import {
  inputTensor,
  inputType,
  numberAttribute,
  openType,
  outputType,
  requireThat,
  stored,
  textAttribute,
} from "../operator.ts";
import type { EvaluationCall, InferenceCall, Operator, StoredRule } from "../operator.ts";
import { allocate, DTYPE_BYTES, isFloat, numeric, storedFrom } from "../tensor.ts";
import type { Stored } from "../tensor.ts";

// Bound once: a lookup on the global object costs more than the operation in some hosts.
const { fround, trunc } = Math;

const ROUNDING = {
  /** 1: what lies beyond a float8 or float4 becomes its largest value, not infinity or NaN. */
  saturate: numberAttribute(1),
  /** nearest, up or down: only for powers of two (f8e8m0). */
  rounding: textAttribute("up"),
};

export const CONVERSION_OPS = {
  cast: {
    docs: "x converted to the type `to`; fractions are cut off, whole numbers wrap.",
    inputs: [1, 1],
    attributes: { to: textAttribute(), ...ROUNDING },
    infer: inferCast,
    evaluator: stored(castStored),
    quantized: "none",
  },
  cast_like: {
    docs: "x converted to the element type of the second input.",
    inputs: [2, 2],
    attributes: ROUNDING,
    infer: (call) => [{ dtype: inputType(call, 1).dtype, shape: inputType(call, 0).shape }],
    inferOpen: (call) => {
      const [x, like] = [openType(call, 0), openType(call, 1)];
      const dims = x.kind === "tensor" ? x.dims : undefined;
      return [{ kind: "tensor", dtype: like.kind === "tensor" ? like.dtype : undefined, dims }];
    },
    evaluator: stored(castStored),
    quantized: "none",
  },
} as const satisfies Record<string, Operator>;

function inferCast(call: InferenceCall): readonly TensorType[] {
  const to = call.attributes.text("to");
  requireThat(Object.hasOwn(DTYPE_BYTES, to), `unknown type ${to}`);
  return [{ dtype: to as DType, shape: inputType(call, 0).shape }];
}

function castStored(call: EvaluationCall): StoredRule {
  const x = inputTensor(call, 0);
  const { dtype } = outputType(call);
  if (x.type.dtype === dtype) return (index) => x.data[index] ?? 0;
  if (dtype === "string") return textRule(x);
  const convert = conversion(dtype, call);
  if (x.type.dtype === "string") return (index) => convert(numberIn(String(x.data[index] ?? "")));
  if (allocate(dtype, 0) instanceof BigInt64Array || dtype === "u64") {
    const exact = isFloat(x.type.dtype) ? numeric(x) : x.data;
    return (index) => convert(exact[index] ?? 0);
  }
  if (x.data instanceof BigInt64Array || x.data instanceof BigUint64Array) {
    // 32 bits are what narrower types keep; floats take the whole number.
    const narrow = !isFloat(dtype) && dtype !== "bool";
    const { data } = x;
    return (index) => {
      const value = data[index] ?? 0n;
      return convert(Number(narrow ? BigInt.asIntN(32, value) : value));
    };
  }
  const values = numeric(x);
  return (index) => convert(values[index] ?? 0);
}

/** A number as an element of the type. */
function conversion(dtype: DType, call: EvaluationCall): (value: Stored) => Stored {
  if (dtype === "f8e8m0") {
    const rounding = call.attributes.text("rounding") as ScaleRounding;
    return (value) => encodeScale(Number(value), rounding);
  }
  if (isNarrowFloat(dtype)) {
    const saturate = call.attributes.number("saturate") !== 0;
    return (value) => encodeNarrow(dtype, Number(value), saturate);
  }
  const store = storedFrom(dtype);
  if (dtype === "bool" || isFloat(dtype)) return (value) => store(Number(value));
  return (value) => (typeof value === "bigint" ? value : store(trunc(Number(value))));
}

function numberIn(text: string): number {
  const plain = text.trim().toLowerCase();
  const infinite = /^([+-]?)inf(inity)?$/.exec(plain);
  if (infinite !== null) return infinite[1] === "-" ? -Infinity : Infinity;
  return Number(plain);
}

/** Floats in the fewest digits that name them. */
function textRule(x: Tensor): StoredRule {
  if (!isFloat(x.type.dtype)) return (index) => String(x.data[index] ?? 0);
  const values = numeric(x);
  const narrow = x.type.dtype === "f64" ? (value: number) => value : fround;
  return (index) => {
    const value = values[index] ?? 0;
    if (!Number.isFinite(value)) return value !== value ? "NaN" : value > 0 ? "INF" : "-INF";
    for (let digits = 1; digits < 17; digits++) {
      const short = Number(value.toPrecision(digits));
      if (narrow(short) === value) return String(short);
    }
    return String(value);
  };
}
