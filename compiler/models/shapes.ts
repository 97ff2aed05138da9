/** Layers without parameters: activations, pooling, and everything that only moves or joins values. */
import { assert } from "../../protocol/base/assert.ts";
import { product } from "../../protocol/base/integers.ts";
import { addConstant, addIntegers, addNode, floatAttribute } from "./draft.ts";
import { intAttribute, intsAttribute } from "./draft.ts";
import type { Draft, Feature } from "./draft.ts";

/** How exporters write each: one node, or the nodes that an exporter expands it to. */
const ACTIVATIONS = {
  relu: (state: Draft, from: Feature, name: string) => unary(state, from, { op: "Relu", name }),
  sigmoid: (state: Draft, from: Feature, name: string) =>
    unary(state, from, { op: "Sigmoid", name }),
  relu6: addRelu6,
  hardSigmoid: addHardSigmoid,
  hardSwish: addHardSwish,
  silu: addSilu,
  gelu: addGelu,
} as const;

export type Activation = keyof typeof ACTIVATIONS;

const HARD_SWISH_OPSET = 14;

export function addActivation(
  state: Draft,
  from: Feature,
  spec: { readonly kind: Activation; readonly name: string },
): Feature {
  return ACTIVATIONS[spec.kind](state, from, spec.name);
}

function unary(
  state: Draft,
  from: Feature,
  spec: { readonly op: string; readonly name: string },
): Feature {
  const output = { name: spec.name, shape: from.shape };
  return addNode(state, { op: spec.op, inputs: [from.name] }, output);
}

function addRelu6(state: Draft, from: Feature, name: string): Feature {
  const inputs = [
    from.name,
    addScalar(state, `${name}.min`, 0),
    addScalar(state, `${name}.max`, 6),
  ];
  return addNode(state, { op: "Clip", inputs }, { name, shape: from.shape });
}

function addHardSigmoid(state: Draft, from: Feature, name: string): Feature {
  const attributes = [floatAttribute("alpha", 1 / 6), floatAttribute("beta", 0.5)];
  const spec = { op: "HardSigmoid", inputs: [from.name], attributes };
  return addNode(state, spec, { name, shape: from.shape });
}

function addHardSwish(state: Draft, from: Feature, name: string): Feature {
  state.opset = Math.max(state.opset, HARD_SWISH_OPSET);
  return unary(state, from, { op: "HardSwish", name });
}

function addSilu(state: Draft, from: Feature, name: string): Feature {
  const gate = unary(state, from, { op: "Sigmoid", name: `${name}.sigmoid` });
  return addBinary(state, [from, gate], { op: "Mul", name });
}

/** x / √2 → erf → + 1 → * x → * ½: the exact form as exporters of operator sets below 20 write it. */
function addGelu(state: Draft, from: Feature, name: string): Feature {
  const { shape } = from;
  const constant = (part: string, value: number): Feature => {
    return { name: addScalar(state, `${name}.${part}`, value), shape: [] };
  };
  const scaled = addBinary(state, [from, constant("root", Math.SQRT2)], {
    op: "Div",
    name: `${name}.div`,
  });
  const erf = addNode(state, { op: "Erf", inputs: [scaled.name] }, { name: `${name}.erf`, shape });
  const one = constant("one", 1);
  const shifted = addBinary(state, [erf, one], { op: "Add", name: `${name}.add` });
  const product = addBinary(state, [from, shifted], { op: "Mul", name: `${name}.mul` });
  return addBinary(state, [product, constant("half", 0.5)], { op: "Mul", name });
}

export function addScalar(state: Draft, name: string, value: number): string {
  return addConstant(state, name, { dims: [], data: Float32Array.of(value) });
}

/** An elementwise operator of two values; the shape is that of the larger one. */
export function addBinary(
  state: Draft,
  [a, b]: readonly [Feature, Feature],
  spec: { readonly op: "Add" | "Mul" | "Div"; readonly name: string },
): Feature {
  const shape = product(a.shape) >= product(b.shape) ? a.shape : b.shape;
  return addNode(state, { op: spec.op, inputs: [a.name, b.name] }, { name: spec.name, shape });
}

export function addConcat(
  state: Draft,
  parts: readonly Feature[],
  spec: { readonly name: string; readonly axis: number },
): Feature {
  const { name, axis } = spec;
  const total = parts.reduce((sum, part) => sum + (part.shape[axis] ?? 1), 0);
  const shape = (parts[0]?.shape ?? []).map((size, at) => (at === axis ? total : size));
  const inputs = parts.map((part) => part.name);
  const attributes = [intAttribute("axis", axis)];
  return addNode(state, { op: "Concat", inputs, attributes }, { name, shape });
}

/** Equal parts along an axis, named `${name}.0`, `${name}.1`, … */
export function addSplit(
  state: Draft,
  from: Feature,
  spec: { readonly name: string; readonly axis: number; readonly parts: number },
): Feature[] {
  const { name, axis, parts } = spec;
  const size = (from.shape[axis] ?? 1) / parts;
  assert(Number.isInteger(size), `${name} splits into equal parts`);
  const shape = from.shape.map((each, at) => (at === axis ? size : each));
  const outputs = Array.from({ length: parts }, (_, part) => ({ name: `${name}.${part}`, shape }));
  const sizes = addIntegers(state, `${name}.sizes`, new Array<number>(parts).fill(size));
  state.nodes.push({
    opType: "Split",
    name,
    input: [from.name, sizes],
    output: outputs.map((output) => output.name),
    attribute: [intAttribute("axis", axis)],
  });
  return outputs;
}

export interface PoolSpec {
  readonly name: string;
  readonly kernel: number;
  readonly stride: number;
  readonly padding?: number;
  readonly ceil?: boolean;
}

/** An average counts the zeros of the padding, as frameworks do by default. */
export function addPool(
  state: Draft,
  from: Feature,
  spec: PoolSpec & { readonly op: "MaxPool" | "AveragePool" },
): Feature {
  const { op, name, kernel, stride, padding = 0, ceil = false } = spec;
  const round = ceil ? Math.ceil : Math.floor;
  const [batch = 1, channels = 1, ...plane] = from.shape;
  const sizes = plane.map((size) => round((size + 2 * padding - kernel) / stride) + 1);
  const attributes = [
    intAttribute("ceil_mode", ceil ? 1 : 0),
    ...(op === "AveragePool" ? [intAttribute("count_include_pad", 1)] : []),
    intsAttribute("kernel_shape", [kernel, kernel]),
    intsAttribute("pads", [padding, padding, padding, padding]),
    intsAttribute("strides", [stride, stride]),
  ];
  const output = { name, shape: [batch, channels, ...sizes] };
  return addNode(state, { op, inputs: [from.name], attributes }, output);
}

export function addGlobalAveragePool(state: Draft, from: Feature, name: string): Feature {
  const [batch = 1, channels = 1] = from.shape;
  const output = { name, shape: [batch, channels, 1, 1] };
  return addNode(state, { op: "GlobalAveragePool", inputs: [from.name] }, output);
}

export function addFlatten(state: Draft, from: Feature, name: string): Feature {
  const output = { name, shape: [from.shape[0] ?? 1, product(from.shape.slice(1))] };
  const attributes = [intAttribute("axis", 1)];
  return addNode(state, { op: "Flatten", inputs: [from.name], attributes }, output);
}

export function addReshape(
  state: Draft,
  from: Feature,
  spec: { readonly name: string; readonly shape: readonly number[] },
): Feature {
  const { name, shape } = spec;
  const sizes = addIntegers(state, `${name}.shape`, shape);
  return addNode(state, { op: "Reshape", inputs: [from.name, sizes] }, { name, shape });
}

export function addTranspose(
  state: Draft,
  from: Feature,
  spec: { readonly name: string; readonly order: readonly number[] },
): Feature {
  const { name, order } = spec;
  const shape = order.map((axis) => from.shape[axis] ?? 1);
  const attributes = [intsAttribute("perm", [...order])];
  return addNode(state, { op: "Transpose", inputs: [from.name], attributes }, { name, shape });
}

/** Batched product over the last two axes. */
export function addMatmul(
  state: Draft,
  [a, b]: readonly [Feature, Feature],
  name: string,
): Feature {
  const shape = [...a.shape.slice(0, -1), b.shape.at(-1) ?? 1];
  state.multiplyAccumulates += product(shape) * (a.shape.at(-1) ?? 1);
  return addNode(state, { op: "MatMul", inputs: [a.name, b.name] }, { name, shape });
}

/** Over the last axis. */
export function addSoftmax(state: Draft, from: Feature, name: string): Feature {
  const attributes = [intAttribute("axis", -1)];
  const output = { name, shape: from.shape };
  return addNode(state, { op: "Softmax", inputs: [from.name], attributes }, output);
}

/** The slice at one index of an axis, without that axis. */
export function addTake(
  state: Draft,
  from: Feature,
  spec: { readonly name: string; readonly axis: number; readonly index: number },
): Feature {
  const { name, axis, index } = spec;
  const position = `${name}.index`;
  const rawData = new Uint8Array(BigInt64Array.of(BigInt(index)).buffer);
  state.initializers.push({ name: position, dims: [], dataType: 7, rawData });
  const shape = from.shape.filter((_, at) => at !== axis);
  const attributes = [intAttribute("axis", axis)];
  return addNode(
    state,
    { op: "Gather", inputs: [from.name, position], attributes },
    { name, shape },
  );
}

/** Bilinear, with the centres of pixels aligned. */
export function addResize(
  state: Draft,
  from: Feature,
  spec: { readonly name: string; readonly height: number; readonly width: number },
): Feature {
  const { name, height, width } = spec;
  const shape = [...from.shape.slice(0, 2), height, width];
  const sizes = addIntegers(state, `${name}.sizes`, shape);
  const text = (key: string, value: string) => {
    return { name: key, s: new TextEncoder().encode(value), type: 3 };
  };
  const attributes = [text("coordinate_transformation_mode", "half_pixel"), text("mode", "linear")];
  const inputs = [from.name, "", "", sizes];
  return addNode(state, { op: "Resize", inputs, attributes }, { name, shape });
}
