/** Shapes as values: what is known as soon as the type is. */
import { product } from "../../../protocol/base/integers.ts";
import { inputTensor, inputType, numberAttribute, whole } from "../operator.ts";
import type { InferenceCall, Operator } from "../operator.ts";
import { tensorOf } from "../tensor.ts";

export const SHAPE_OPS = {
  shape: {
    docs: "The sizes of x from axis `start` to before `end`; both count from the end when negative.",
    inputs: [1, 1],
    attributes: { start: numberAttribute(0), end: numberAttribute(Infinity) },
    normal: (call) => {
      const { length } = inputType(call, 0).shape;
      const [start, end] = [clipped(call, "start", length), clipped(call, "end", length)];
      return { start, end: Math.max(start, end) };
    },
    infer: (call) => {
      const { number } = call.attributes;
      return [{ dtype: "i64", shape: [number("end") - number("start")] }];
    },
    inferOpen: () => [{ kind: "tensor", dtype: "i64", dims: [undefined] }],
    readsTypesOnly: true,
    evaluator: whole((call) => {
      const { shape } = inputTensor(call, 0).type;
      const part = shape.slice(call.attributes.number("start"), call.attributes.number("end"));
      return [tensorOf({ dtype: "i64", shape: [part.length] }, part)];
    }),
    quantized: "none",
  },
  size: {
    docs: "How many elements x has.",
    inputs: [1, 1],
    attributes: {},
    infer: () => [{ dtype: "i64", shape: [] }],
    inferOpen: () => [{ dtype: "i64", shape: [] }],
    readsTypesOnly: true,
    evaluator: whole((call) => {
      const count = product(inputTensor(call, 0).type.shape);
      return [tensorOf({ dtype: "i64", shape: [] }, [count])];
    }),
    quantized: "none",
  },
} as const satisfies Record<string, Operator>;

function clipped(call: InferenceCall, name: "start" | "end", rank: number): number {
  const given = call.attributes.number(name);
  return Math.min(Math.max(given < 0 ? given + rank : given, 0), rank);
}
