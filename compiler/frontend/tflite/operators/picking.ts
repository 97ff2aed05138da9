/** Operators that pick, place, repeat and order elements. */
import { product } from "../../../../protocol/base/integers.ts";
import { tensorFrom, tensorOf } from "../../../ir/index.ts";
import { outputAt, requiredInput } from "../operator.ts";
import type { Operator } from "../operator.ts";
import { knownNumbers } from "../scope.ts";
import type { Scope } from "../scope.ts";
import { elementType } from "../tensors.ts";
import type { Value } from "../value.ts";
import { axisIn } from "./handler.ts";
import type { Attributes, Handler } from "./handler.ts";

export const PICKING: Readonly<Record<string, Handler>> = {
  ARG_MAX: (op, scope) => [importArg(op, scope, "argmax")],
  ARG_MIN: (op, scope) => [importArg(op, scope, "argmin")],
  TOPK_V2: importTopK,
  ONE_HOT: (op, scope) => [importOneHot(op, scope)],
  GATHER_ND: (op, scope) => [simple(op, scope, { row: "gather_nd", count: 2 })],
  SCATTER_ND: (op, scope) => [importScatterNd(op, scope)],
  EMBEDDING_LOOKUP: (op, scope) => {
    const inputs = [requiredInput(op, 1), requiredInput(op, 0)];
    return [scope.emit(op, { op: "gather", inputs, attributes: { axis: 0 } })];
  },
  TILE: (op, scope) => {
    const repeats = knownNumbers(op, requiredInput(op, 1));
    return [simple(op, scope, { row: "tile", count: 1, attributes: { repeats } })];
  },
  REVERSE_V2: (op, scope) => [importReverse(op, scope)],
  REVERSE_SEQUENCE: (op, scope) => {
    const { axis, batchAxis } = op.options("ReverseSequence");
    const attributes = { time_axis: axis, batch_axis: batchAxis };
    return [simple(op, scope, { row: "reverse_sequence", count: 2, attributes })];
  },
  CUMSUM: (op, scope) => {
    const { exclusive, reverse } = op.options("Cumsum");
    const [axis = 0] = knownNumbers(op, requiredInput(op, 1));
    const attributes = { axis, exclusive: Number(exclusive), reverse: Number(reverse) };
    return [simple(op, scope, { row: "cumsum", count: 1, attributes })];
  },
  FILL: (op, scope) => {
    const shape = knownNumbers(op, requiredInput(op, 0));
    return [
      scope.emit(op, { op: "expand", inputs: [requiredInput(op, 1)], attributes: { shape } }),
    ];
  },
  ZEROS_LIKE: (op, scope) => {
    const { dtype, shape } = requiredInput(op, 0).type;
    const zero = scope.constant(`${op.name}/zero`, tensorOf({ dtype, shape: [] }, [0]));
    return [scope.emit(op, { op: "expand", inputs: [zero], attributes: { shape } })];
  },
  RANGE: (op, scope) => [simple(op, scope, { row: "range", count: 3 })],
  SPACE_TO_DEPTH: (op, scope) => [spaceToDepth(op, scope)],
  DEPTH_TO_SPACE: (op, scope) => [depthToSpace(op, scope)],
  SPACE_TO_BATCH_ND: (op, scope) => [spaceToBatch(op, scope)],
  BATCH_TO_SPACE_ND: (op, scope) => [batchToSpace(op, scope)],
  BROADCAST_ARGS: (op, scope) => [broadcastArgs(op, scope)],
  DYNAMIC_UPDATE_SLICE: (op, scope) => [updateSlice(op, scope)],
  MATRIX_DIAG: (op, scope) => [matrixDiagonal(op, scope)],
  BITCAST: (op, scope) => {
    const output = outputAt(op, 0);
    const attributes = { to: elementType(output.typeCode, output.name) };
    return [simple(op, scope, { row: "bitcast", count: 1, attributes })];
  },
};

interface Simple {
  readonly row: string;
  readonly count: number;
  readonly attributes?: Attributes;
}

function simple(op: Operator, scope: Scope, { row, count, attributes = {} }: Simple): Value {
  const inputs = Array.from({ length: count }, (_, position) => requiredInput(op, position));
  return scope.emit(op, { op: row, inputs, attributes });
}

/** The row counts in i64; the operator may ask for less. */
function importArg(op: Operator, scope: Scope, row: string): Value {
  const [axis = 0] = knownNumbers(op, requiredInput(op, 1));
  const output = outputAt(op, 0);
  const to = elementType(output.typeCode, output.name);
  const attributes = { axis, keepdims: 0 };
  const arg = { op: row, inputs: [requiredInput(op, 0)], attributes };
  if (to === "i64") return scope.emit(op, arg);
  const wide = scope.emit(op, { ...arg, inner: "index" });
  return scope.emit(op, { op: "cast", inputs: [wide], attributes: { to } });
}

function importTopK(op: Operator, scope: Scope): readonly Value[] {
  const [k = 1] = knownNumbers(op, requiredInput(op, 1));
  const attributes = { k, axis: -1 };
  const [values, wide] = scope.emitAll(op, {
    op: "topk",
    inputs: [requiredInput(op, 0)],
    attributes,
    outputs: 2,
    inner: "top",
  });
  if (values === undefined || wide === undefined) return op.refuse("BAD_MODEL", "has no outputs");
  const { quantization } = outputAt(op, 0);
  const encoded = quantization === undefined ? values.type : { ...values.type, quantization };
  const indices = scope.emit(op, {
    op: "cast",
    inputs: [wide],
    attributes: { to: "i32" },
    output: 1,
  });
  return [{ ...values, type: encoded }, indices];
}

/** Inputs: indices, depth, the value at the index, the value elsewhere. */
function importOneHot(op: Operator, scope: Scope): Value {
  const [on, off] = [requiredInput(op, 2), requiredInput(op, 3)];
  const pair = [off, on].map((value, index) =>
    scope.emit(op, {
      op: "reshape",
      inputs: [value],
      attributes: { shape: [1] },
      inner: `value.${index}`,
    }),
  );
  const concat = { op: "concat", inputs: pair, attributes: { axis: 0 }, inner: "values" };
  const [depth = 0] = knownNumbers(op, requiredInput(op, 1));
  const size = scope.numbers(op, "i64", [depth]);
  const inputs = [requiredInput(op, 0), size, scope.emit(op, concat)];
  return scope.emit(op, { op: "onehot", inputs, attributes: { axis: op.options("OneHot").axis } });
}

/** Updates at the same place add up. */
function importScatterNd(op: Operator, scope: Scope): Value {
  const [indices, updates] = [requiredInput(op, 0), requiredInput(op, 1)];
  const shape = knownNumbers(op, requiredInput(op, 2));
  const { dtype } = updates.type;
  const zero = scope.constant(`${op.name}/zero`, tensorOf({ dtype, shape: [] }, [0]));
  const zeros = scope.emit(op, {
    op: "expand",
    inputs: [zero],
    attributes: { shape },
    inner: "zeros",
  });
  const attributes = { reduction: "add" };
  const places = widened(op, scope, indices);
  return scope.emit(op, { op: "scatter_nd", inputs: [zeros, places, updates], attributes });
}

function widened(op: Operator, scope: Scope, indices: Value): Value {
  if (indices.type.dtype === "i64") return indices;
  const attributes = { to: "i64" };
  return scope.emit(op, { op: "cast", inputs: [indices], attributes, inner: "places" });
}

function importReverse(op: Operator, scope: Scope): Value {
  const x = requiredInput(op, 0);
  const { shape } = x.type;
  const rank = shape.length;
  const reversed = knownNumbers(op, requiredInput(op, 1)).map((axis) =>
    axisIn(op, axis, { rank, layout: "rows" }),
  );
  const axes = [...new Set(reversed)];
  const starts = axes.map((axis) => (shape[axis] ?? 0) - 1);
  const ends = axes.map((axis) => -(shape[axis] ?? 0) - 1);
  const attributes = { starts, ends, steps: axes.map(() => -1), axes };
  return scope.emit(op, { op: "slice", inputs: [x], attributes });
}

interface Rearranged {
  readonly x: Value;
  readonly split: readonly number[];
  readonly perm: readonly number[];
  readonly merged: readonly number[];
}

/** Axes are split, reordered, and merged. */
function rearranged(op: Operator, scope: Scope, { x, split, perm, merged }: Rearranged): Value {
  const encoding = x.type.quantization === undefined ? {} : { quantization: x.type.quantization };
  const first = { op: "reshape", inputs: [x], attributes: { shape: split }, inner: "split" };
  const parts = scope.emit(op, { ...first, ...encoding });
  const second = { op: "transpose", inputs: [parts], attributes: { perm }, inner: "turned" };
  const turned = scope.emit(op, { ...second, ...encoding });
  return scope.emit(op, { op: "reshape", inputs: [turned], attributes: { shape: merged } });
}

function imageSizes(op: Operator, x: Value): readonly [number, number, number, number] {
  const [batch = 0, height = 0, width = 0, channels = 0, more] = x.type.shape;
  if (x.type.shape.length !== 4 || more !== undefined) op.refuse("BAD_MODEL", "takes images");
  return [batch, height, width, channels];
}

function blockSize(op: Operator): number {
  const { size } = op.options("Block");
  return size >= 1 ? size : op.refuse("BAD_MODEL", "its block has no size");
}

function spaceToDepth(op: Operator, scope: Scope): Value {
  const x = requiredInput(op, 0);
  const [batch, height, width, channels] = imageSizes(op, x);
  const block = blockSize(op);
  const [rows, columns] = [height / block, width / block];
  return rearranged(op, scope, {
    x,
    split: [batch, rows, block, columns, block, channels],
    perm: [0, 1, 3, 2, 4, 5],
    merged: [batch, rows, columns, block * block * channels],
  });
}

function depthToSpace(op: Operator, scope: Scope): Value {
  const x = requiredInput(op, 0);
  const [batch, height, width, channels] = imageSizes(op, x);
  const block = blockSize(op);
  const depth = channels / (block * block);
  return rearranged(op, scope, {
    x,
    split: [batch, height, width, block, block, depth],
    perm: [0, 1, 3, 2, 4, 5],
    merged: [batch, height * block, width * block, depth],
  });
}

/** Blocks of the spatial axes become batches; the paddings come in pairs. */
function spaceToBatch(op: Operator, scope: Scope): Value {
  const x = requiredInput(op, 0);
  const blocks = knownNumbers(op, requiredInput(op, 1));
  const counts = knownNumbers(op, requiredInput(op, 2));
  const { shape } = x.type;
  const spatial = blocks.length;
  const before = shape.map((_, axis) => counts[(axis - 1) * 2] ?? 0);
  const after = shape.map((_, axis) => counts[(axis - 1) * 2 + 1] ?? 0);
  const zero = x.type.quantization?.zeroPoints[0] ?? 0;
  const value = x.type.quantization === undefined ? zero : 0;
  const encoding = x.type.quantization === undefined ? {} : { quantization: x.type.quantization };
  const pad = { op: "pad", inputs: [x], attributes: { before, after, value }, inner: "padded" };
  const padded = scope.emit(op, { ...pad, ...encoding });
  const sizes = padded.type.shape;
  const [batch = 1, ...others] = sizes;
  const rest = others.slice(spatial);
  const inner = blocks.map((block, axis) => (others[axis] ?? 0) / block);
  const split = [batch, ...blocks.flatMap((block, axis) => [inner[axis] ?? 0, block]), ...rest];
  const offsets = blocks.map((_, axis) => 2 + axis * 2);
  const places = blocks.map((_, axis) => 1 + axis * 2);
  const tail = rest.map((_, axis) => 1 + spatial * 2 + axis);
  return rearranged(op, scope, {
    x: padded,
    split,
    perm: [...offsets, 0, ...places, ...tail],
    merged: [batch * product(blocks), ...inner, ...rest],
  });
}

function batchToSpace(op: Operator, scope: Scope): Value {
  const x = requiredInput(op, 0);
  const blocks = knownNumbers(op, requiredInput(op, 1));
  const crops = knownNumbers(op, requiredInput(op, 2));
  const [batch = 1, ...others] = x.type.shape;
  const spatial = blocks.length;
  const images = batch / product(blocks);
  const rest = others.slice(spatial);
  const places = blocks.map((_, axis) => spatial + 1 + axis);
  const merged = [images, ...blocks.map((block, axis) => block * (others[axis] ?? 0)), ...rest];
  const joined = {
    x,
    split: [...blocks, images, ...others],
    perm: [
      spatial,
      ...places.flatMap((place, axis) => [place, axis]),
      ...rest.map((_, axis) => 2 * spatial + 1 + axis),
    ],
    merged,
  };
  const starts = merged.map((_, axis) => crops[(axis - 1) * 2] ?? 0);
  const ends = merged.map((size, axis) => size - (crops[(axis - 1) * 2 + 1] ?? 0));
  const whole = rearranged({ ...op, name: op.name }, scope, joined);
  const attributes = { starts, ends, steps: merged.map(() => 1) };
  return scope.emit(op, { op: "slice", inputs: [whole], attributes });
}

/** The shape that two shapes broadcast to. */
function broadcastArgs(op: Operator, scope: Scope): Value {
  const [a, b] = [knownNumbers(op, requiredInput(op, 0)), knownNumbers(op, requiredInput(op, 1))];
  const rank = Math.max(a.length, b.length);
  const sizes = Array.from({ length: rank }, (_, axis) => {
    const [one, other] = [a[axis - rank + a.length] ?? 1, b[axis - rank + b.length] ?? 1];
    return one === 1 ? other : one;
  });
  const { dtype } = requiredInput(op, 0).type;
  return scope.constant(outputAt(op, 0).name, tensorOf({ dtype, shape: [rank] }, sizes));
}

/** x with the update laid over it at a known place; the place is drawn in so that it fits. */
function updateSlice(op: Operator, scope: Scope): Value {
  const [x, update] = [requiredInput(op, 0), requiredInput(op, 1)];
  const starts = knownNumbers(op, requiredInput(op, 2)).map((start, axis) =>
    Math.min(Math.max(start, 0), (x.type.shape[axis] ?? 0) - (update.type.shape[axis] ?? 0)),
  );
  const { shape } = update.type;
  const rank = shape.length;
  const type = { dtype: "i64", shape: [...shape, rank] } as const;
  scope.charge(op, product(type.shape));
  const places = tensorFrom(type, (index) => {
    const axis = index % rank;
    const inner = product(shape.slice(axis + 1));
    return (starts[axis] ?? 0) + (Math.floor(index / rank / inner) % (shape[axis] ?? 1));
  });
  const indices = scope.constant(`${op.name}/places`, places);
  return scope.emit(op, { op: "scatter_nd", inputs: [x, indices, update] });
}

/** The last axis on the diagonal of a matrix of zeros. */
function matrixDiagonal(op: Operator, scope: Scope): Value {
  const x = requiredInput(op, 0);
  const { dtype, shape } = x.type;
  const size = shape.at(-1) ?? 1;
  scope.charge(op, size * size);
  const mask = tensorFrom({ dtype: "bool", shape: [size, size] }, (index) =>
    Number(Math.floor(index / size) === index % size),
  );
  const condition = scope.constant(`${op.name}/diagonal`, mask);
  const zero = scope.constant(`${op.name}/zero`, tensorOf({ dtype, shape: [] }, [0]));
  const attributes = { shape: [...shape, 1] };
  const column = scope.emit(op, { op: "reshape", inputs: [x], attributes, inner: "column" });
  return scope.emit(op, { op: "where", inputs: [condition, column, zero] });
}
