/** Picking elements by index, and writing elements to indexed places. */
import { product } from "../../../protocol/base/integers.ts";
import type { Tensor, TensorType } from "../graph.ts";
import {
  inputTensor,
  inputType,
  numberAttribute,
  outputType,
  reject,
  requireThat,
  stored,
  textAttribute,
  whole,
} from "../operator.ts";
import type { EvaluationCall, InferenceCall, Operator, StoredRule } from "../operator.ts";
import { elementCount, numeric, sameShape, storedFrom, stridesOf, tensorFrom } from "../tensor.ts";
import { tensorStored } from "../tensor.ts";
import type { Stored } from "../tensor.ts";
import { axisWithin, coordinatesOf, lanesAlong } from "../walk.ts";

// Bound once: a lookup on the global object costs more than the operation in some hosts.
const { floor } = Math;

const REDUCTION = { reduction: textAttribute("none") };

export const SELECTION_OPS = {
  gather: {
    docs: "Slices of x along the axis, picked by the indices (second input).",
    inputs: [2, 2],
    attributes: { axis: numberAttribute(0) },
    infer: inferGather,
    evaluator: stored(gatherStored),
    quantized: "movement",
  },
  gather_elements: {
    docs: "For every index its element of x, at the index's own place but for the axis.",
    inputs: [2, 2],
    attributes: { axis: numberAttribute(0) },
    infer: inferGatherElements,
    evaluator: stored(gatherElementsStored),
    quantized: "none",
  },
  gather_nd: {
    docs: "Slices of x at the positions that the last axis of the indices spells, after `batch_dims` shared axes.",
    inputs: [2, 2],
    attributes: { batch_dims: numberAttribute(0) },
    infer: inferGatherNd,
    evaluator: stored(gatherNdStored),
    quantized: "movement",
  },
  scatter_elements: {
    docs: "x with the updates written where gather_elements would read; `reduction` combines them with what is there.",
    inputs: [3, 3],
    attributes: { axis: numberAttribute(0), ...REDUCTION },
    infer: inferScatterElements,
    evaluator: whole(evaluateScatterElements),
    quantized: "none",
  },
  scatter_nd: {
    docs: "x with slices of the updates written where gather_nd would read; `reduction` combines them with what is there.",
    inputs: [3, 3],
    attributes: REDUCTION,
    infer: inferScatterNd,
    evaluator: whole(evaluateScatterNd),
    quantized: "none",
  },
  tensor_scatter: {
    docs: "A cache with the updates written along the axis from each batch's write index on; circular ones wrap.",
    inputs: [2, 3],
    attributes: { axis: numberAttribute(-2), mode: textAttribute("linear") },
    infer: (call) => [{ dtype: inputType(call, 0).dtype, shape: inputType(call, 0).shape }],
    evaluator: whole(evaluateTensorScatter),
    quantized: "none",
  },
  onehot: {
    docs: "A new axis of `depth` (second input): values[1] at the index, values[0] elsewhere.",
    inputs: [2, 2],
    attributes: { depth: numberAttribute(), axis: numberAttribute(-1) },
    infer: inferOnehot,
    evaluator: stored(onehotStored),
    quantized: "none",
  },
} as const satisfies Record<string, Operator>;

function requireIndices(type: TensorType): void {
  const whole = type.dtype === "i64" || type.dtype === "i32";
  requireThat(whole, `indices must be i32 or i64, not ${type.dtype}`);
}

/** An index that may count from the end; one outside is refused, as no element answers it. */
function within(index: number, size: number): number {
  const counted = index < 0 ? index + size : index;
  if (counted >= 0 && counted < size) return counted;
  return reject(`index ${index} is outside ${size} elements`);
}

function inferGather(call: InferenceCall): readonly TensorType[] {
  const [x, indices] = [inputType(call, 0), inputType(call, 1)];
  const axis = axisWithin(call.attributes.number("axis"), x.shape.length);
  requireIndices(indices);
  const shape = [...x.shape.slice(0, axis), ...indices.shape, ...x.shape.slice(axis + 1)];
  return [{ dtype: x.dtype, shape }];
}

function gatherStored(call: EvaluationCall): StoredRule {
  const { shape } = inputTensor(call, 0).type;
  const [x, indices] = [inputTensor(call, 0).data, numeric(inputTensor(call, 1))];
  const lanes = lanesAlong(shape, axisWithin(call.attributes.number("axis"), shape.length));
  const block = lanes.inner * indices.length;
  return (index) => {
    const at = within(indices[floor((index % block) / lanes.inner)] ?? 0, lanes.size);
    return x[(floor(index / block) * lanes.size + at) * lanes.inner + (index % lanes.inner)] ?? 0;
  };
}

function inferGatherElements(call: InferenceCall): readonly TensorType[] {
  const [x, indices] = [inputType(call, 0), inputType(call, 1)];
  axisWithin(call.attributes.number("axis"), x.shape.length);
  requireIndices(indices);
  requireThat(x.shape.length === indices.shape.length, "x and indices differ in rank");
  return [{ dtype: x.dtype, shape: indices.shape }];
}

/** The row-major place in x of index number `at` of the indices. */
function elementPlaces(x: Tensor, indices: Tensor, givenAxis: number): (at: number) => number {
  const axis = axisWithin(givenAxis, x.type.shape.length);
  const strides = stridesOf(x.type.shape);
  const picked = numeric(indices);
  const size = x.type.shape[axis] ?? 0;
  const coordinates: number[] = [];
  return (at) => {
    coordinatesOf(indices.type.shape, at, coordinates);
    coordinates[axis] = within(picked[at] ?? 0, size);
    let place = 0;
    for (let each = 0; each < strides.length; each++) {
      place += (coordinates[each] ?? 0) * (strides[each] ?? 0);
    }
    return place;
  };
}

function gatherElementsStored(call: EvaluationCall): StoredRule {
  const x = inputTensor(call, 0).data;
  const axis = call.attributes.number("axis");
  const placeOf = elementPlaces(inputTensor(call, 0), inputTensor(call, 1), axis);
  return (index) => x[placeOf(index)] ?? 0;
}

function inferGatherNd(call: InferenceCall): readonly TensorType[] {
  const [x, indices] = [inputType(call, 0), inputType(call, 1)];
  requireIndices(indices);
  const shared = call.attributes.number("batch_dims");
  const depth = indices.shape.at(-1) ?? 0;
  requireThat(shared + depth <= x.shape.length, "the indices have more parts than x has axes");
  const shape = [...indices.shape.slice(0, -1), ...x.shape.slice(shared + depth)];
  return [{ dtype: x.dtype, shape }];
}

interface Slices {
  /** Elements of one slice. */
  readonly size: number;
  /** The first element in x of the slice that index tuple number `tuple` names. */
  readonly start: (tuple: number) => number;
}

function slicesOf(x: Tensor, indices: Tensor, shared: number): Slices {
  const depth = indices.type.shape.at(-1) ?? 0;
  const strides = stridesOf(x.type.shape);
  const picked = numeric(indices);
  const tuplesPerBatch = product(indices.type.shape.slice(shared, -1));
  const batchSize = product(x.type.shape.slice(shared));
  const start = (tuple: number): number => {
    let place = floor(tuple / tuplesPerBatch) * batchSize;
    for (let part = 0; part < depth; part++) {
      const axis = shared + part;
      const at = within(picked[tuple * depth + part] ?? 0, x.type.shape[axis] ?? 0);
      place += at * (strides[axis] ?? 0);
    }
    return place;
  };
  return { size: product(x.type.shape.slice(shared + depth)), start };
}

function gatherNdStored(call: EvaluationCall): StoredRule {
  const x = inputTensor(call, 0).data;
  const shared = call.attributes.number("batch_dims");
  const slices = slicesOf(inputTensor(call, 0), inputTensor(call, 1), shared);
  return (index) => x[slices.start(floor(index / slices.size)) + (index % slices.size)] ?? 0;
}

function inferScatterElements(call: InferenceCall): readonly TensorType[] {
  const [x, indices, updates] = [inputType(call, 0), inputType(call, 1), inputType(call, 2)];
  axisWithin(call.attributes.number("axis"), x.shape.length);
  requireIndices(indices);
  requireThat(sameShape(indices.shape, updates.shape), "one update per index");
  requireThat(x.dtype === updates.dtype, `x is ${x.dtype}, the updates are ${updates.dtype}`);
  return [{ dtype: x.dtype, shape: x.shape }];
}

function evaluateScatterElements(call: EvaluationCall): readonly Tensor[] {
  const [x, updates] = [inputTensor(call, 0), inputTensor(call, 2)];
  const axis = call.attributes.number("axis");
  const placeOf = elementPlaces(x, inputTensor(call, 1), axis);
  return [scattered(call, { count: elementCount(updates.type), placeOf })];
}

function inferScatterNd(call: InferenceCall): readonly TensorType[] {
  const [x, indices, updates] = [inputType(call, 0), inputType(call, 1), inputType(call, 2)];
  requireIndices(indices);
  const depth = indices.shape.at(-1) ?? 0;
  requireThat(depth <= x.shape.length, "the indices have more parts than x has axes");
  const shape = [...indices.shape.slice(0, -1), ...x.shape.slice(depth)];
  requireThat(sameShape(shape, updates.shape), `the updates must be [${shape}]`);
  return [{ dtype: x.dtype, shape: x.shape }];
}

function evaluateScatterNd(call: EvaluationCall): readonly Tensor[] {
  const [x, indices, updates] = [inputTensor(call, 0), inputTensor(call, 1), inputTensor(call, 2)];
  const slices = slicesOf(x, indices, 0);
  const placeOf = (at: number) => slices.start(floor(at / slices.size)) + (at % slices.size);
  return [scattered(call, { count: elementCount(updates.type), placeOf })];
}

/** A copy of the first input into which the third is written, element by element in its order. */
function scattered(
  call: EvaluationCall,
  writes: { readonly count: number; readonly placeOf: (at: number) => number },
): Tensor {
  const type = outputType(call);
  const combine = combination(call.attributes.text("reduction"));
  if (combine === undefined) {
    const result = Array.from<Stored>(inputTensor(call, 0).data);
    const updates = inputTensor(call, 2).data;
    for (let at = 0; at < writes.count; at++) result[writes.placeOf(at)] = updates[at] ?? 0;
    return tensorStored(type, (index) => result[index] ?? 0);
  }
  const result = Float64Array.from(numeric(inputTensor(call, 0)));
  const updates = numeric(inputTensor(call, 2));
  for (let at = 0; at < writes.count; at++) {
    const place = writes.placeOf(at);
    result[place] = combine(result[place] ?? 0, updates[at] ?? 0);
  }
  return tensorFrom(type, (index) => result[index] ?? 0);
}

function combination(name: string): ((held: number, update: number) => number) | undefined {
  switch (name) {
    case "none":
      return undefined;
    case "add":
      return (held, update) => held + update;
    case "mul":
      return (held, update) => held * update;
    case "max":
      return Math.max;
    case "min":
      return Math.min;
    default:
      return reject(`there is no reduction ${name}`);
  }
}

function evaluateTensorScatter(call: EvaluationCall): readonly Tensor[] {
  const [cache, updates] = [inputTensor(call, 0), inputTensor(call, 1)];
  const { shape } = cache.type;
  const axis = axisWithin(call.attributes.number("axis"), shape.length);
  const from = call.inputs[2] === undefined ? undefined : numeric(call.inputs[2]);
  const [lanes, size] = [lanesAlong(updates.type.shape, axis), shape[axis] ?? 1];
  const circular = call.attributes.text("mode") === "circular";
  const perBatch = product(updates.type.shape.slice(1));
  const result = Array.from<Stored>(cache.data);
  const fresh = updates.data;
  for (let at = 0; at < fresh.length; at++) {
    const along = floor(at / lanes.inner) % lanes.size;
    const wanted = (from?.[floor(at / perBatch)] ?? 0) + along;
    const place = circular ? wanted % size : within(wanted, size);
    const outer = floor(at / (lanes.inner * lanes.size));
    result[(outer * size + place) * lanes.inner + (at % lanes.inner)] = fresh[at] ?? 0;
  }
  return [tensorStored(outputType(call), (index) => result[index] ?? 0)];
}

function inferOnehot(call: InferenceCall): readonly TensorType[] {
  const [indices, values] = [inputType(call, 0), inputType(call, 1)];
  const depth = call.attributes.number("depth");
  requireThat(Number.isInteger(depth) && depth >= 0, "depth must be a whole number");
  const axis = axisWithin(call.attributes.number("axis"), indices.shape.length + 1);
  const shape = [...indices.shape.slice(0, axis), depth, ...indices.shape.slice(axis)];
  return [{ dtype: values.dtype, shape }];
}

function onehotStored(call: EvaluationCall): StoredRule {
  const type = outputType(call);
  const axis = axisWithin(call.attributes.number("axis"), type.shape.length);
  const lanes = lanesAlong(type.shape, axis);
  const indices = numeric(inputTensor(call, 0));
  const values = inputTensor(call, 1).data;
  const zero = storedFrom(type.dtype)(0);
  const [off, on] = [values[0] ?? zero, values[1] ?? zero];
  return (index) => {
    const lane = floor(index / (lanes.inner * lanes.size)) * lanes.inner + (index % lanes.inner);
    const wanted = indices[lane] ?? 0;
    const counted = wanted < 0 ? wanted + lanes.size : wanted;
    return counted === floor(index / lanes.inner) % lanes.size ? on : off;
  };
}
