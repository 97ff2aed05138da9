/** Operators that copy elements: every output element is one input element, or a fill value. */
import { product } from "../../../protocol/base/integers.ts";
import type { DType, TensorType } from "../graph.ts";
import { DTYPE_BYTES, isFloat, normalizeAxis, numeric, sameShape, stridesOf } from "../tensor.ts";
import { broadcastIndex, broadcastShape, storedFrom, tensorStored } from "../tensor.ts";
import { encodingOf, quantizeValue } from "../int8.ts";
import {
  element,
  inputTensor,
  inputType,
  numberAttribute,
  numbersAttribute,
  outputType,
  reject,
  requireThat,
  stored,
  textAttribute,
  whole,
} from "../operator.ts";
import type {
  ElementRule,
  EvaluationCall,
  InferenceCall,
  Operator,
  StoredRule,
} from "../operator.ts";
import type { Tensor } from "../graph.ts";

// Bound once: a lookup on the global object costs more than the operation in some hosts.
const { floor } = Math;

/** Many inputs or outputs: the number of parts is limited only by the node. */
const MANY = 4096;

export const MOVEMENT_OPS = {
  identity: {
    docs: "x itself.",
    inputs: [1, 1],
    attributes: {},
    infer: (call) => [plain(inputType(call, 0))],
    evaluator: stored(copyElement),
    quantized: "movement",
  },
  reshape: {
    docs: "The same elements in row-major order under the static `shape`.",
    inputs: [1, 1],
    attributes: { shape: numbersAttribute() },
    infer: inferReshape,
    evaluator: stored(copyElement),
    quantized: "movement",
  },
  transpose: {
    docs: "Axis i of the result is axis perm[i] of x.",
    inputs: [1, 1],
    attributes: { perm: numbersAttribute() },
    infer: inferTranspose,
    evaluator: stored(transposeElement),
    quantized: "movement",
  },
  concat: {
    docs: "The inputs one after the other along the axis.",
    inputs: [1, MANY],
    attributes: { axis: numberAttribute() },
    infer: inferConcat,
    evaluator: stored(concatElement),
    quantized: "movement",
  },
  split: {
    docs: "x cut along the axis into one output per size; the inverse of concat.",
    inputs: [1, 1],
    attributes: { axis: numberAttribute(0), sizes: numbersAttribute() },
    infer: inferSplit,
    evaluator: whole(evaluateSplit),
    quantized: "movement",
  },
  slice: {
    docs: "Elements starts, starts + steps, … before ends, one triple per axis of x.",
    inputs: [1, 1],
    attributes: { starts: numbersAttribute(), ends: numbersAttribute(), steps: numbersAttribute() },
    infer: inferSlice,
    evaluator: stored(sliceElement),
    quantized: "movement",
  },
  pad: {
    docs: "x with `before` and `after` more elements per axis: value, the edge, or a reflection.",
    inputs: [1, 1],
    attributes: {
      before: numbersAttribute(),
      after: numbersAttribute(),
      mode: textAttribute("constant"),
      value: numberAttribute(0),
    },
    infer: inferPad,
    evaluator: stored(padElement),
    quantized: "movement",
  },
  gather: {
    docs: "Slices of x along the axis, picked by the indices (second input).",
    inputs: [2, 2],
    attributes: { axis: numberAttribute(0) },
    infer: inferGather,
    evaluator: stored(gatherElement),
    quantized: "movement",
  },
  expand: {
    docs: "x broadcast to the static `shape`.",
    inputs: [1, 1],
    attributes: { shape: numbersAttribute() },
    infer: inferExpand,
    evaluator: stored(expandElement),
    quantized: "movement",
  },
  cast: {
    docs: "x converted to the type `to`; fractions are cut off.",
    inputs: [1, 1],
    attributes: { to: textAttribute() },
    infer: inferCast,
    evaluator: element(castElement),
    quantized: "none",
  },
} as const satisfies Record<string, Operator>;

function plain(type: TensorType): TensorType {
  return { dtype: type.dtype, shape: type.shape };
}

function axisOf(call: InferenceCall, rank: number): number {
  const axis = call.attributes.number("axis");
  return normalizeAxis(axis, rank) ?? reject(`axis ${axis} is out of range`);
}

function isShape(sizes: readonly number[]): boolean {
  return sizes.every((size) => Number.isInteger(size) && size >= 0);
}

function copyElement(call: EvaluationCall): StoredRule {
  const x = inputTensor(call, 0).data;
  return (index) => x[index] ?? 0;
}

function inferReshape(call: InferenceCall): readonly TensorType[] {
  const { dtype, shape } = inputType(call, 0);
  const wanted = call.attributes.numbers("shape");
  requireThat(isShape(wanted), "shape must be whole numbers");
  requireThat(product(wanted) === product(shape), `[${shape}] does not fit [${wanted}]`);
  return [{ dtype, shape: wanted }];
}

function inferTranspose(call: InferenceCall): readonly TensorType[] {
  const { dtype, shape } = inputType(call, 0);
  const perm = call.attributes.numbers("perm");
  const sorted = [...perm].sort((a, b) => a - b);
  requireThat(sameShape(sorted, [...shape.keys()]), `perm [${perm}] does not permute the axes`);
  return [{ dtype, shape: perm.map((axis) => shape[axis] ?? 0) }];
}

function transposeElement(call: EvaluationCall): StoredRule {
  const { shape } = inputTensor(call, 0).type;
  const x = inputTensor(call, 0).data;
  const strides = stridesOf(shape);
  const steps = call.attributes.numbers("perm").map((axis) => strides[axis] ?? 0);
  const out = outputType(call).shape;
  return (index) => {
    let [rest, offset] = [index, 0];
    for (let axis = out.length - 1; axis >= 0; axis--) {
      const size = out[axis] ?? 1;
      offset += (rest % size) * (steps[axis] ?? 0);
      rest = floor(rest / size);
    }
    return x[offset] ?? 0;
  };
}

function inferConcat(call: InferenceCall): readonly TensorType[] {
  const first = inputType(call, 0);
  const axis = axisOf(call, first.shape.length);
  let total = 0;
  for (let position = 0; position < call.inputs.length; position++) {
    const part = inputType(call, position);
    const others = (shape: readonly number[]) => shape.filter((_, other) => other !== axis);
    const fits = sameShape(others(part.shape), others(first.shape));
    requireThat(fits && part.dtype === first.dtype, `input ${position} does not fit the first`);
    total += part.shape[axis] ?? 0;
  }
  const shape = first.shape.map((size, other) => (other === axis ? total : size));
  return [{ dtype: first.dtype, shape }];
}

function concatElement(call: EvaluationCall): StoredRule {
  const { shape } = outputType(call);
  const axis = normalizeAxis(call.attributes.number("axis"), shape.length) ?? 0;
  const inner = product(shape.slice(axis + 1));
  const total = shape[axis] ?? 0;
  const parts = call.inputs.map((_, position) => {
    const part = inputTensor(call, position);
    return { values: part.data, size: part.type.shape[axis] ?? 0 };
  });
  return (index) => {
    const outer = floor(index / (inner * total));
    let at = floor(index / inner) % total;
    for (const part of parts) {
      if (at < part.size)
        return part.values[(outer * part.size + at) * inner + (index % inner)] ?? 0;
      at -= part.size;
    }
    return 0;
  };
}

function inferSplit(call: InferenceCall): readonly TensorType[] {
  const { dtype, shape } = inputType(call, 0);
  const axis = axisOf(call, shape.length);
  const sizes = call.attributes.numbers("sizes");
  requireThat(isShape(sizes) && sizes.length <= MANY, "sizes must be whole numbers");
  const sum = sizes.reduce((total, size) => total + size, 0);
  requireThat(sum === shape[axis], `sizes add up to ${sum}, not ${shape[axis]}`);
  return sizes.map((part) => ({
    dtype,
    shape: shape.map((size, other) => (other === axis ? part : size)),
  }));
}

function evaluateSplit(call: EvaluationCall): readonly Tensor[] {
  const { shape } = inputTensor(call, 0).type;
  const x = inputTensor(call, 0).data;
  const axis = normalizeAxis(call.attributes.number("axis"), shape.length) ?? 0;
  const inner = product(shape.slice(axis + 1));
  let start = 0;
  return call.outputTypes.map((type) => {
    const size = type.shape[axis] ?? 0;
    const first = start;
    start += size;
    return tensorStored(type, (index) => {
      const outer = floor(index / (inner * size));
      const at = first + (floor(index / inner) % size);
      return x[(outer * (shape[axis] ?? 0) + at) * inner + (index % inner)] ?? 0;
    });
  });
}

function inferSlice(call: InferenceCall): readonly TensorType[] {
  const { dtype, shape } = inputType(call, 0);
  const [starts, ends, steps] = [
    call.attributes.numbers("starts"),
    call.attributes.numbers("ends"),
    call.attributes.numbers("steps"),
  ];
  const counts = [starts.length, ends.length, steps.length];
  requireThat(
    counts.every((count) => count === shape.length),
    "one triple per axis",
  );
  const sizes = shape.map((size, axis) => {
    const [start = 0, end = 0, step = 1] = [starts[axis], ends[axis], steps[axis]];
    requireThat(step !== 0, "steps must not be zero");
    const last = step > 0 ? end <= size : start < size || start === end;
    requireThat(
      start >= 0 && end >= -1 && last,
      `axis ${axis} is cut outside its ${size} elements`,
    );
    return Math.max(0, Math.ceil((end - start) / step));
  });
  return [{ dtype, shape: sizes }];
}

function sliceElement(call: EvaluationCall): StoredRule {
  const x = inputTensor(call, 0).data;
  const strides = stridesOf(inputTensor(call, 0).type.shape);
  const [starts, steps] = [call.attributes.numbers("starts"), call.attributes.numbers("steps")];
  const out = outputType(call).shape;
  return (index) => {
    let [rest, offset] = [index, 0];
    for (let axis = out.length - 1; axis >= 0; axis--) {
      const size = out[axis] ?? 1;
      const at = (starts[axis] ?? 0) + (rest % size) * (steps[axis] ?? 1);
      offset += at * (strides[axis] ?? 0);
      rest = floor(rest / size);
    }
    return x[offset] ?? 0;
  };
}

function inferPad(call: InferenceCall): readonly TensorType[] {
  const { dtype, shape } = inputType(call, 0);
  const [before, after] = [call.attributes.numbers("before"), call.attributes.numbers("after")];
  requireThat(before.length === shape.length && after.length === shape.length, "a pair per axis");
  const mode = call.attributes.text("mode");
  requireThat(["constant", "edge", "reflect"].includes(mode), `unknown mode ${mode}`);
  const sizes = shape.map((size, axis) => size + (before[axis] ?? 0) + (after[axis] ?? 0));
  requireThat(isShape(sizes), "padding removes more than there is");
  return [{ dtype, shape: sizes }];
}

function padElement(call: EvaluationCall): StoredRule {
  const { type, data: x } = inputTensor(call, 0);
  const strides = stridesOf(type.shape);
  const before = call.attributes.numbers("before");
  const mode = call.attributes.text("mode");
  const value = call.attributes.number("value");
  const isEncoded = type.quantization !== undefined;
  const fill = storedFrom(type.dtype)(isEncoded ? quantizeValue(value, encodingOf(type)) : value);
  const out = outputType(call).shape;
  return (index) => {
    let [rest, offset] = [index, 0];
    for (let axis = out.length - 1; axis >= 0; axis--) {
      const size = type.shape[axis] ?? 1;
      const at = sourceOf((rest % (out[axis] ?? 1)) - (before[axis] ?? 0), size, mode);
      if (at < 0) return fill;
      offset += at * (strides[axis] ?? 0);
      rest = floor(rest / (out[axis] ?? 1));
    }
    return x[offset] ?? 0;
  };
}

/** The position inside that a padded one takes its element from, or -1 for the fill value. */
function sourceOf(at: number, size: number, mode: string): number {
  if (at >= 0 && at < size) return at;
  if (mode === "constant") return -1;
  if (mode === "edge") return at < 0 ? 0 : size - 1;
  const period = Math.max(1, 2 * (size - 1));
  const folded = ((at % period) + period) % period;
  return folded < size ? folded : period - folded;
}

function inferGather(call: InferenceCall): readonly TensorType[] {
  const [x, indices] = [inputType(call, 0), inputType(call, 1)];
  const axis = axisOf(call, x.shape.length);
  requireThat(indices.dtype === "i64" || indices.dtype === "i32", "indices must be whole numbers");
  const shape = [...x.shape.slice(0, axis), ...indices.shape, ...x.shape.slice(axis + 1)];
  return [{ dtype: x.dtype, shape }];
}

function gatherElement(call: EvaluationCall): StoredRule {
  const { shape } = inputTensor(call, 0).type;
  const x = inputTensor(call, 0).data;
  const indices = numeric(inputTensor(call, 1));
  const axis = normalizeAxis(call.attributes.number("axis"), shape.length) ?? 0;
  const inner = product(shape.slice(axis + 1));
  const size = shape[axis] ?? 0;
  return (index) => {
    const outer = floor(index / (inner * indices.length));
    const at = indices[floor(index / inner) % indices.length] ?? 0;
    return x[(outer * size + (at < 0 ? at + size : at)) * inner + (index % inner)] ?? 0;
  };
}

function inferExpand(call: InferenceCall): readonly TensorType[] {
  const { dtype, shape } = inputType(call, 0);
  const wanted = call.attributes.numbers("shape");
  const fits = broadcastShape(shape, wanted);
  requireThat(
    fits !== undefined && sameShape(fits, wanted),
    `[${shape}] does not fill [${wanted}]`,
  );
  return [{ dtype, shape: wanted }];
}

function expandElement(call: EvaluationCall): StoredRule {
  const { type } = inputTensor(call, 0);
  const x = inputTensor(call, 0).data;
  const indexOf = broadcastIndex(type.shape, outputType(call).shape);
  return (index) => x[indexOf(index)] ?? 0;
}

function inferCast(call: InferenceCall): readonly TensorType[] {
  const to = call.attributes.text("to");
  requireThat(Object.hasOwn(DTYPE_BYTES, to), `unknown type ${to}`);
  return [{ dtype: to as DType, shape: inputType(call, 0).shape }];
}

function castElement(call: EvaluationCall): ElementRule {
  const x = numeric(inputTensor(call, 0));
  const { dtype } = outputType(call);
  const exact = isFloat(dtype) || dtype === "bool";
  return exact ? (index) => x[index] ?? 0 : (index) => Math.trunc(x[index] ?? 0);
}
