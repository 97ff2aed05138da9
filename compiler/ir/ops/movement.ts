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
  textAttribute,
  values,
  whole,
} from "../operator.ts";
import type { EvaluationCall, InferenceCall, Operator, StoredRule } from "../operator.ts";
import { broadcastIndex, broadcastShape, sameShape, stridesOf } from "../tensor.ts";
import { tensorStored } from "../tensor.ts";
import { axesWithin, axisWithin, lanesAlong, likeInput, stridedIndex } from "../walk.ts";

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
    docs: "The same elements in row-major order under `shape`: 0 keeps a size unless keep_zero is set, -1 takes the rest. Other forms add or drop axes of size one, or flatten at an axis.",
    inputs: [1, 1],
    attributes: {
      /** shape, add_axes, drop_axes, drop_ones or flatten. */
      form: textAttribute("shape"),
      shape: numbersAttribute([]),
      keep_zero: numberAttribute(0),
      axes: numbersAttribute([]),
    },
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
  depth_to_space: {
    docs: "Channels of x [N,C,H,W] spread over blocks of space; channels outermost or innermost in the split.",
    inputs: [1, 1],
    attributes: { block: numberAttribute(), channels_first: numberAttribute(0) },
    infer: (call) => inferBlocks(call, (block) => [1 / (block * block), block]),
    evaluator: stored(depthToSpaceStored),
    quantized: "none",
  },
  space_to_depth: {
    docs: "Blocks of space of x [N,C,H,W] moved into channels, block position outermost.",
    inputs: [1, 1],
    attributes: { block: numberAttribute() },
    infer: (call) => inferBlocks(call, (block) => [block * block, 1 / block]),
    evaluator: stored(spaceToDepthStored),
    quantized: "none",
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
  const axes = call.attributes.numbers("axes");
  switch (call.attributes.text("form")) {
    case "shape":
      return spelledShape(call);
    case "add_axes": {
      const added = new Set(axesWithin(axes, shape.length + axes.length));
      const sizes = shape.values();
      const full = Array.from({ length: shape.length + axes.length }, (_, axis) =>
        added.has(axis) ? 1 : (sizes.next().value ?? 1),
      );
      return givenShape(full);
    }
    case "drop_axes": {
      const dropped = new Set(axesWithin(axes, shape.length));
      for (const axis of dropped) requireThat(shape[axis] === 1, `axis ${axis} is not of size 1`);
      return givenShape(shape.filter((_, axis) => !dropped.has(axis)));
    }
    case "drop_ones":
      return givenShape(shape.filter((size) => size !== 1));
    case "flatten": {
      const [axis = 1] = axes;
      const at = axis < 0 ? axis + shape.length : axis;
      requireThat(at >= 0 && at <= shape.length, `axis ${axis} is out of range`);
      return givenShape([product(shape.slice(0, at)), product(shape.slice(at))]);
    }
    default:
      return reject(`there is no form ${call.attributes.text("form")}`);
  }
}

function givenShape(shape: readonly number[]): Record<string, Attribute> {
  return { shape, keep_zero: Number(shape.includes(0)) };
}

function spelledShape(call: InferenceCall): Record<string, Attribute> {
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
  return givenShape(copied.map((size) => (size === -1 ? rest : size)));
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

function inferBlocks(
  call: InferenceCall,
  factors: (block: number) => readonly [channels: number, sides: number],
): readonly TensorType[] {
  const { dtype, shape } = inputType(call, 0);
  const [batch = 0, channels = 0, height = 0, width = 0] = shape;
  const block = call.attributes.number("block");
  requireThat(shape.length === 4 && block >= 1, "it takes an image and a block size");
  const [deep, wide] = factors(block);
  const sizes = [batch, channels * deep, height * wide, width * wide];
  requireThat(isShape(sizes), `[${shape}] does not divide into blocks of ${block}`);
  return [{ dtype, shape: sizes }];
}

function depthToSpaceStored(call: EvaluationCall): StoredRule {
  const { type, data } = inputTensor(call, 0);
  const block = call.attributes.number("block");
  const channelsFirst = call.attributes.number("channels_first") !== 0;
  const [, channels = 1, height = 1, width = 1] = outputType(call).shape;
  const [, inChannels = 1, inHeight = 1, inWidth = 1] = type.shape;
  return (index) => {
    const [x, y] = [index % width, floor(index / width) % height];
    const plane = floor(index / (width * height));
    const [channel, batch] = [plane % channels, floor(plane / channels)];
    const part = (y % block) * block + (x % block);
    const from = channelsFirst ? channel * block * block + part : part * channels + channel;
    const row = (batch * inChannels + from) * inHeight + floor(y / block);
    return data[row * inWidth + floor(x / block)] ?? 0;
  };
}

function spaceToDepthStored(call: EvaluationCall): StoredRule {
  const { type, data } = inputTensor(call, 0);
  const block = call.attributes.number("block");
  const [, channels = 1, height = 1, width = 1] = outputType(call).shape;
  const [, inChannels = 1, inHeight = 1, inWidth = 1] = type.shape;
  return (index) => {
    const [x, y] = [index % width, floor(index / width) % height];
    const plane = floor(index / (width * height));
    const [channel, batch] = [plane % channels, floor(plane / channels)];
    const part = floor(channel / inChannels);
    const row = (batch * inChannels + (channel % inChannels)) * inHeight;
    const line = (row + y * block + floor(part / block)) * inWidth;
    return data[line + x * block + (part % block)] ?? 0;
  };
}
