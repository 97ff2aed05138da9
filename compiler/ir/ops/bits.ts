/** Operators on the bits of whole numbers. */
import type { DType, TensorType } from "../graph.ts";
import {
  inputTensor,
  inputType,
  outputType,
  reject,
  requireThat,
  stored,
  textAttribute,
} from "../operator.ts";
import type { EvaluationCall, InferenceCall, Operator, StoredRule } from "../operator.ts";
import {
  allocate,
  broadcastIndex,
  broadcastShape,
  DTYPE_BYTES,
  elementBytes,
  isInteger,
  viewElements,
} from "../tensor.ts";
import type { Stored } from "../tensor.ts";
import { likeInput, storedElements } from "../walk.ts";

/** The rule on 64-bit numbers; narrower ones go through it too, as their sign is extended. */
type BitRule = (a: bigint, b: bigint, bits: number) => bigint;

export const BIT_OPS = {
  bitwise_and: pair("Bits set in both a and b.", (a, b) => a & b),
  bitwise_or: pair("Bits set in a or b.", (a, b) => a | b),
  bitwise_xor: pair("Bits set in exactly one of a and b.", (a, b) => a ^ b),
  shift_left: pair("a with its bits moved up by b; what leaves the type is lost.", (a, b, bits) =>
    b >= bits ? 0n : a << b,
  ),
  shift_right: pair("a with its bits moved down by b.", (a, b, bits) => (b >= bits ? 0n : a >> b)),
  bitwise_not: {
    docs: "Every bit of x turned over.",
    inputs: [1, 1],
    attributes: {},
    infer: (call) => {
      requireWhole(inputType(call, 0));
      return likeInput()(call);
    },
    evaluator: stored((call) => {
      const x = inputTensor(call, 0).data;
      const narrow = narrowing(outputType(call).dtype);
      return (index) => narrow(~BigInt(x[index] ?? 0));
    }),
    quantized: "none",
  },
  bitcast: {
    docs: "The bytes of x read as elements of the type `to` of the same width.",
    inputs: [1, 1],
    attributes: { to: textAttribute() },
    infer: inferBitcast,
    evaluator: stored((call) => {
      const to = outputType(call).dtype;
      const view = storedElements({
        type: outputType(call),
        data: viewElements(to, elementBytes(inputTensor(call, 0))),
      });
      return (index) => view[index] ?? 0;
    }),
    quantized: "none",
  },
} as const satisfies Record<string, Operator>;

function requireWhole(type: TensorType): void {
  requireThat(isInteger(type.dtype), `bits of ${type.dtype} are not computed with`);
}

function pair(docs: string, rule: BitRule): Operator {
  const evaluator = stored((call) => pairStored(call, rule));
  return { docs, inputs: [2, 2], attributes: {}, infer: inferPair, evaluator, quantized: "none" };
}

function inferPair(call: InferenceCall): readonly TensorType[] {
  const [a, b] = [inputType(call, 0), inputType(call, 1)];
  requireWhole(a);
  requireThat(a.dtype === b.dtype, `the operands are ${a.dtype} and ${b.dtype}`);
  const shape = broadcastShape(a.shape, b.shape);
  if (shape === undefined) return reject(`[${a.shape}] and [${b.shape}] do not broadcast`);
  return [{ dtype: a.dtype, shape }];
}

function pairStored(call: EvaluationCall, rule: BitRule): StoredRule {
  const [a, b, type] = [inputTensor(call, 0), inputTensor(call, 1), outputType(call)];
  const [left, right] = [a.data, b.data];
  const indexOfA = broadcastIndex(a.type.shape, type.shape);
  const indexOfB = broadcastIndex(b.type.shape, type.shape);
  const narrow = narrowing(type.dtype);
  const bits = 8 * DTYPE_BYTES[type.dtype];
  return (index) => {
    const [one, other] = [left[indexOfA(index)] ?? 0, right[indexOfB(index)] ?? 0];
    return narrow(rule(BigInt(one), BigInt(other), bits));
  };
}

/** The low bits of a number as an element of the type. */
function narrowing(dtype: DType): (value: bigint) => Stored {
  const bits = 8 * DTYPE_BYTES[dtype];
  const signed = dtype.startsWith("i");
  const held = (value: bigint) =>
    signed ? BigInt.asIntN(bits, value) : BigInt.asUintN(bits, value);
  return allocate(dtype, 0) instanceof BigInt64Array || dtype === "u64"
    ? held
    : (value) => Number(held(value));
}

function inferBitcast(call: InferenceCall): readonly TensorType[] {
  const { dtype, shape } = inputType(call, 0);
  const to = call.attributes.text("to");
  requireThat(Object.hasOwn(DTYPE_BYTES, to), `unknown type ${to}`);
  const same = DTYPE_BYTES[dtype] === DTYPE_BYTES[to as DType] && DTYPE_BYTES[dtype] > 0;
  requireThat(same, `${dtype} and ${to} differ in width`);
  return [{ dtype: to as DType, shape }];
}
