/** Operators that copy elements: every output element is one input element, or a fill value. */
import { product } from "../../../protocol/base/integers.ts";
import type { Attribute, Tensor, TensorType } from "../graph.ts";
import {
  inputTensor,
  inputType,
  numberAttribute,
  numbersAttribute,
  openType,
  outputType,
  reject,
  requireThat,
  stored,
  values,
  whole,
} from "../operator.ts";
import type { EvaluationCall, InferenceCall, Operator, StoredRule } from "../operator.ts";
import { broadcastIndex, broadcastShape, sameShape, stridesOf } from "../tensor.ts";
import { tensorStored } from "../tensor.ts";
import { axisWithin, lanesAlong, likeInput, stridedIndex } from "../walk.ts";

// Bound once: a lookup on the global object costs more than the operation in some hosts.
const { floor } = Math;

/** Many inputs or outputs: the number of parts is limited only by the node. */
const MANY = 4096;

export const MOVEMENT_OPS = {
  identity: {
    docs: "x itself.",
    inputs: [1, 1],
    attributes: {},
    infer: likeInput(),
    inferOpen: (call) => [openType(call, 0)],
    evaluator: values((call) => [call.inputs[0] ?? reject("input 0 is missing")]),
    quantized: "movement",
  },
  reshape: {
    docs: "The same elements in row-major order under `shape`: 0 keeps a size unless keep_zero is set, -1 takes the rest.",
    inputs: [1, 1],
    attributes: { shape: numbersAttribute(), keep_zero: numberAttribute(0) },
    normal: normalReshape,
    infer: inferReshape,
    evaluator: stored(copyStored),
    quantized: "movement",
  },
  transpose: {
    docs: "Axis i of the result is axis perm[i] of x; all axes reversed when perm is empty.",
    inputs: [1, 1],
    attributes: { perm: numbersAttribute([]) },
    normal: normalTranspose,
    infer: inferTranspose,
    evaluator: stored(transposeStored),
    quantized: "movement",
  },
  concat: {
    docs: "The inputs one after the other along the axis.",
    inputs: [1, MANY],
    attributes: { axis: numberAttribute() },
    normal: (call) => ({ axis: axisOf(call) }),
    infer: inferConcat,
    evaluator: stored(concatStored),
    quantized: "movement",
  },
  split: {
    docs: "x cut along the axis into one output per size, equally where sizes is empty; the inverse of concat.",
    inputs: [1, 1],
    attributes: { axis: numberAttribute(0), sizes: numbersAttribute([]) },
    normal: normalSplit,
    infer: inferSplit,
    evaluator: whole(evaluateSplit),
    quantized: "movement",
  },
  expand: {
    docs: "x broadcast with `shape`.",
    inputs: [1, 1],
    attributes: { shape: numbersAttribute() },
    normal: (call) => {
      const { shape } = inputType(call, 0);
      const wanted = call.attributes.numbers("shape");
      return { shape: broadcastShape(shape, wanted) ?? wanted };
    },
    infer: inferExpand,
    evaluator: stored(expandStored),
    quantized: "movement",
  },
  tile: {
    docs: "x repeated `repeats` times along every axis.",
    inputs: [1, 1],
    attributes: { repeats: numbersAttribute() },
    infer: inferTile,
    evaluator: stored(tileStored),
    quantized: "movement",
  },
} as const satisfies Record<string, Operator>;

function axisOf(call: InferenceCall): number {
  return axisWithin(call.attributes.number("axis"), inputType(call, 0).shape.length);
}

function isShape(sizes: readonly number[]): boolean {
  return sizes.every((size) => Number.isInteger(size) && size >= 0);
}

function copyStored(call: EvaluationCall): StoredRule {
  const x = inputTensor(call, 0).data;
  return (index) => x[index] ?? 0;
}

function normalReshape(call: InferenceCall): Record<string, Attribute> {
  const { shape } = inputType(call, 0);
  const wanted = call.attributes.numbers("shape");
  const keepZero = call.attributes.number("keep_zero") !== 0;
  const copied = wanted.map((size, axis) => (size === 0 && !keepZero ? (shape[axis] ?? 0) : size));
  const open = copied.filter((size) => size === -1).length;
  requireThat(open <= 1, "more than one size is -1");
  const known = product(copied.filter((size) => size !== -1));
  const rest = product(shape) / known;
  const fits = open === 0 || (known > 0 && Number.isInteger(rest));
  requireThat(fits, `[${shape}] does not fit [${wanted}]`);
  const sizes = copied.map((size) => (size === -1 ? rest : size));
  return { shape: sizes, keep_zero: Number(sizes.includes(0)) };
}

function inferReshape(call: InferenceCall): readonly TensorType[] {
  const { dtype, shape } = inputType(call, 0);
  const wanted = call.attributes.numbers("shape");
  requireThat(isShape(wanted), "shape must be whole numbers");
  requireThat(product(wanted) === product(shape), `[${shape}] does not fit [${wanted}]`);
  return [{ dtype, shape: wanted }];
}

function normalTranspose(call: InferenceCall): Record<string, Attribute> {
  const perm = call.attributes.numbers("perm");
  const rank = inputType(call, 0).shape.length;
  const reversed = Array.from({ length: rank }, (_, axis) => rank - 1 - axis);
  return { perm: perm.length === 0 ? reversed : perm };
}

function inferTranspose(call: InferenceCall): readonly TensorType[] {
  const { dtype, shape } = inputType(call, 0);
  const perm = call.attributes.numbers("perm");
  const sorted = [...perm].sort((a, b) => a - b);
  requireThat(sameShape(sorted, [...shape.keys()]), `perm [${perm}] does not permute the axes`);
  return [{ dtype, shape: perm.map((axis) => shape[axis] ?? 0) }];
}

function transposeStored(call: EvaluationCall): StoredRule {
  const x = inputTensor(call, 0).data;
  const strides = stridesOf(inputTensor(call, 0).type.shape);
  const steps = call.attributes.numbers("perm").map((axis) => strides[axis] ?? 0);
  const indexOf = stridedIndex(outputType(call).shape, steps);
  return (index) => x[indexOf(index)] ?? 0;
}

function inferConcat(call: InferenceCall): readonly TensorType[] {
  const first = inputType(call, 0);
  const axis = axisOf(call);
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

function concatStored(call: EvaluationCall): StoredRule {
  const { shape } = outputType(call);
  const lanes = lanesAlong(shape, axisWithin(call.attributes.number("axis"), shape.length));
  const axis = axisWithin(call.attributes.number("axis"), shape.length);
  const parts = call.inputs.map((_, position) => {
    const part = inputTensor(call, position);
    return { values: part.data, size: part.type.shape[axis] ?? 0 };
  });
  return (index) => {
    const outer = floor(index / (lanes.inner * lanes.size));
    let at = floor(index / lanes.inner) % lanes.size;
    for (const { values, size } of parts) {
      if (at < size) return values[(outer * size + at) * lanes.inner + (index % lanes.inner)] ?? 0;
      at -= size;
    }
    return 0;
  };
}

/** Equal parts are rounded up; the last one takes what is left. */
function normalSplit(call: InferenceCall): Record<string, Attribute> {
  const axis = axisOf(call);
  const size = inputType(call, 0).shape[axis] ?? 0;
  const given = call.attributes.numbers("sizes");
  if (given.length > 0) return { axis, sizes: given };
  const count = call.outputCount;
  const even = Math.ceil(size / count);
  const sizes = Array.from({ length: count }, (_, part) =>
    Math.max(0, Math.min(even, size - part * even)),
  );
  return { axis, sizes };
}

function inferSplit(call: InferenceCall): readonly TensorType[] {
  const { dtype, shape } = inputType(call, 0);
  const axis = axisOf(call);
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
  const axis = axisWithin(call.attributes.number("axis"), shape.length);
  const lanes = lanesAlong(shape, axis);
  let start = 0;
  return call.outputTypes.map((type) => {
    const size = type.shape[axis] ?? 0;
    const first = start;
    start += size;
    return tensorStored(type, (index) => {
      const outer = floor(index / (lanes.inner * size));
      const at = first + (floor(index / lanes.inner) % size);
      return x[(outer * lanes.size + at) * lanes.inner + (index % lanes.inner)] ?? 0;
    });
  });
}

function inferExpand(call: InferenceCall): readonly TensorType[] {
  const { dtype, shape } = inputType(call, 0);
  const wanted = call.attributes.numbers("shape");
  const fits = broadcastShape(shape, wanted);
  const fills = fits !== undefined && sameShape(fits, wanted);
  requireThat(fills, `[${shape}] does not fill [${wanted}]`);
  return [{ dtype, shape: wanted }];
}

function expandStored(call: EvaluationCall): StoredRule {
  const { type } = inputTensor(call, 0);
  const x = inputTensor(call, 0).data;
  const indexOf = broadcastIndex(type.shape, outputType(call).shape);
  return (index) => x[indexOf(index)] ?? 0;
}

function inferTile(call: InferenceCall): readonly TensorType[] {
  const { dtype, shape } = inputType(call, 0);
  const repeats = call.attributes.numbers("repeats");
  requireThat(isShape(repeats) && repeats.length === shape.length, "one repetition per axis");
  return [{ dtype, shape: shape.map((size, axis) => size * (repeats[axis] ?? 1)) }];
}

function tileStored(call: EvaluationCall): StoredRule {
  const { shape } = inputTensor(call, 0).type;
  const x = inputTensor(call, 0).data;
  const out = outputType(call).shape;
  return (index) => {
    let [rest, offset, stride] = [index, 0, 1];
    for (let axis = out.length - 1; axis >= 0; axis--) {
      const size = shape[axis] ?? 1;
      offset += ((rest % (out[axis] ?? 1)) % size) * stride;
      stride *= size;
      rest = floor(rest / (out[axis] ?? 1));
    }
    return x[offset] ?? 0;
  };
}
