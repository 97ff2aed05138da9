/** Operators that move elements, and those that compute with shapes. */
import { product } from "../../../../protocol/base/integers.ts";
import { fixedFunctions, storedFormat, tensorOf } from "../../../ir/index.ts";
import type { DType } from "../../../ir/index.ts";
import { outputAt, requiredInput } from "../operator.ts";
import type { Operator } from "../operator.ts";
import { knownNumbers } from "../scope.ts";
import type { Scope } from "../scope.ts";
import { elementType } from "../tensors.ts";
import { planeOrder } from "../value.ts";
import type { Value } from "../value.ts";
import { axisIn, direct, emitActivated, isStored, layoutOf } from "./handler.ts";
import type { Handler } from "./handler.ts";
import { emitTable } from "./stored-functions.ts";

export const SHAPES: Readonly<Record<string, Handler>> = {
  RESHAPE: (op, scope) => [importReshape(op, scope)],
  SQUEEZE: (op, scope) => [importSqueeze(op, scope)],
  EXPAND_DIMS: (op, scope) => [importExpandDims(op, scope)],
  TRANSPOSE: (op, scope) => {
    const perm = knownNumbers(op, requiredInput(op, 1));
    return [
      scope.emit(op, { op: "transpose", inputs: [requiredInput(op, 0)], attributes: { perm } }),
    ];
  },
  CONCATENATION: (op, scope) => [importConcat(op, scope)],
  PACK: (op, scope) => [importPack(op, scope)],
  UNPACK: importUnpack,
  SPLIT: importSplit,
  SPLIT_V: importSplitV,
  PAD: (op, scope) => [importPad(op, scope)],
  PADV2: (op, scope) => [importPad(op, scope)],
  MIRROR_PAD: (op, scope) => [importMirrorPad(op, scope)],
  GATHER: (op, scope) => [importGather(op, scope)],
  SHAPE: (op, scope) => {
    const { shape } = requiredInput(op, 0).type;
    return [known(op, scope, { dtype: outputDtype(op), shape: [shape.length], values: shape })];
  },
  RANK: (op, scope) => {
    const values = [requiredInput(op, 0).type.shape.length];
    return [known(op, scope, { dtype: "i32", shape: [], values })];
  },
  CAST: (op, scope) => {
    const attributes = { to: outputDtype(op) };
    return [scope.emit(op, { op: "cast", inputs: [requiredInput(op, 0)], attributes })];
  },
  BROADCAST_TO: (op, scope) => {
    const shape = knownNumbers(op, requiredInput(op, 1));
    return [
      scope.emit(op, { op: "expand", inputs: [requiredInput(op, 0)], attributes: { shape } }),
    ];
  },
  SELECT: direct("where", {}, 3),
  SELECT_V2: direct("where", {}, 3),
};

function outputDtype(op: Operator): DType {
  const output = outputAt(op, 0);
  return elementType(output.typeCode, output.name);
}

interface Known {
  readonly dtype: DType;
  readonly shape: readonly number[];
  readonly values: readonly number[];
}

function known(op: Operator, scope: Scope, { dtype, shape, values }: Known): Value {
  return scope.constant(outputAt(op, 0).name, tensorOf({ dtype, shape }, values));
}

/** The same elements under another shape. */
export function reshapedTo(
  op: Operator,
  scope: Scope,
  { x, shape }: { readonly x: Value; readonly shape: readonly number[] },
): Value {
  return scope.emit(op, { op: "reshape", inputs: [x], attributes: { shape } });
}

function importReshape(op: Operator, scope: Scope): Value {
  const x = requiredInput(op, 0);
  const sizes = op.inputs[1];
  const asked =
    sizes?.constant === undefined ? op.options("Reshape").shape : knownNumbers(op, sizes);
  // Old files write [0] for a scalar; files with a computed shape declare the result.
  const wanted =
    sizes !== undefined && sizes.constant === undefined && asked.length === 0
      ? outputAt(op, 0).shape
      : asked.length === 1 && asked[0] === 0
        ? []
        : asked;
  const rest = product(wanted.filter((size) => size !== -1));
  const filled = wanted.map((size) => (size === -1 ? product(x.type.shape) / rest : size));
  return reshapedTo(op, scope, { x, shape: filled });
}

function importSqueeze(op: Operator, scope: Scope): Value {
  const x = requiredInput(op, 0);
  const { shape } = x.type;
  const rank = shape.length;
  const axes = op.options("Squeeze").axes.map((axis) => axisIn(op, axis, { rank, layout: "rows" }));
  const drops = (size: number, axis: number) =>
    axes.length === 0 ? size === 1 : axes.includes(axis);
  return reshapedTo(op, scope, { x, shape: shape.filter((size, axis) => !drops(size, axis)) });
}

function importExpandDims(op: Operator, scope: Scope): Value {
  const x = requiredInput(op, 0);
  const [given = 0] = knownNumbers(op, requiredInput(op, 1));
  const rank = x.type.shape.length + 1;
  const axis = axisIn(op, given, { rank, layout: "rows" });
  const { shape } = x.type;
  return reshapedTo(op, scope, { x, shape: [...shape.slice(0, axis), 1, ...shape.slice(axis)] });
}

function importConcat(op: Operator, scope: Scope): Value {
  const { axis, activation } = op.options("Concatenation");
  const inputs = op.inputs.map((_, position) => alike(op, scope, position));
  const layout = layoutOf(inputs);
  const rank = requiredInput(op, 0).type.shape.length;
  const attributes = { axis: axisIn(op, axis, { rank, layout }) };
  const emission = { op: "concat", inputs, attributes, layout, activation };
  return emitActivated(op, scope, { ...emission, clamps: false });
}

/** An input in the encoding of the output. */
function alike(op: Operator, scope: Scope, position: number): Value {
  const x = requiredInput(op, position);
  const { quantization } = outputAt(op, 0);
  if (!isStored(x) || quantization === undefined) return x;
  const [from, to] = [storedFormat(x.type), storedFormat({ ...x.type, quantization })];
  if (from.scale === to.scale && from.zeroPoint === to.zeroPoint) return x;
  const rule = fixedFunctions.rescaledFloat({ from, to });
  return emitTable(op, scope, { x, rule, dtype: x.type.dtype, inner: `part.${position}` });
}

function importPack(op: Operator, scope: Scope): Value {
  const first = requiredInput(op, 0);
  const rank = first.type.shape.length + 1;
  const axis = axisIn(op, op.options("Pack").axis, { rank, layout: "rows" });
  const { shape } = first.type;
  const lifted = [...shape.slice(0, axis), 1, ...shape.slice(axis)];
  const inputs = op.inputs.map((_, position) => {
    const attributes = { shape: lifted };
    const value = requiredInput(op, position);
    return scope.emit(op, {
      op: "reshape",
      inputs: [value],
      attributes,
      ...innerOf(value, `part.${position}`),
    });
  });
  return scope.emit(op, { op: "concat", inputs, attributes: { axis } });
}

/** An inner value with the encoding of what it is made from. */
export function innerOf(value: Value, inner: string) {
  const { quantization } = value.type;
  return quantization === undefined ? { inner } : { inner, quantization };
}

function importUnpack(op: Operator, scope: Scope): readonly Value[] {
  const x = requiredInput(op, 0);
  const { shape } = x.type;
  const rank = shape.length;
  const axis = axisIn(op, op.options("Pack").axis, { rank, layout: "rows" });
  if (shape[axis] !== op.outputs.length) op.refuse("BAD_MODEL", `has ${op.outputs.length} outputs`);
  return op.outputs.map((_, index) => unpacked(op, scope, { x, axis, index }));
}

function unpacked(
  op: Operator,
  scope: Scope,
  part: { x: Value; axis: number; index: number },
): Value {
  const { x, axis, index } = part;
  const { shape } = x.type;
  const starts = shape.map((_, at) => (at === axis ? index : 0));
  const ends = shape.map((size, at) => (at === axis ? index + 1 : size));
  const steps = shape.map(() => 1);
  const slice = { op: "slice", inputs: [x], attributes: { starts, ends, steps } };
  const piece = scope.emit(op, { ...slice, ...innerOf(x, `part.${index}`) });
  const attributes = { shape: shape.filter((_, at) => at !== axis) };
  return scope.emit(op, { op: "reshape", inputs: [piece], attributes, output: index });
}

function importSplit(op: Operator, scope: Scope): readonly Value[] {
  const [axisValue, x] = [requiredInput(op, 0), requiredInput(op, 1)];
  const count = op.outputs.length;
  const [axis = 0] = knownNumbers(op, axisValue);
  const layout = layoutOf([x]);
  const rank = x.type.shape.length;
  const size = x.type.shape[axis < 0 ? axis + rank : axis] ?? 0;
  const attributes = {
    axis: axisIn(op, axis, { rank, layout }),
    sizes: new Array<number>(count).fill(size / count),
  };
  return scope.emitAll(op, { op: "split", inputs: [x], attributes, layout, outputs: count });
}

function importSplitV(op: Operator, scope: Scope): readonly Value[] {
  const x = requiredInput(op, 0);
  const given = knownNumbers(op, requiredInput(op, 1));
  const [axis = 0] = knownNumbers(op, requiredInput(op, 2));
  const layout = layoutOf([x]);
  const rank = x.type.shape.length;
  const size = x.type.shape[axis < 0 ? axis + rank : axis] ?? 0;
  const rest = size - given.reduce((sum, part) => sum + Math.max(part, 0), 0);
  const sizes = given.map((part) => (part === -1 ? rest : part));
  const attributes = { axis: axisIn(op, axis, { rank, layout }), sizes };
  return scope.emitAll(op, { op: "split", inputs: [x], attributes, layout, outputs: sizes.length });
}

/** Pairs of counts, before and after every axis. */
function paddings(op: Operator, x: Value): readonly [readonly number[], readonly number[]] {
  const counts = knownNumbers(op, requiredInput(op, 1));
  if (counts.length !== x.type.shape.length * 2) op.refuse("BAD_MODEL", "needs two counts an axis");
  const before = x.type.shape.map((_, axis) => counts[axis * 2] ?? 0);
  return [before, x.type.shape.map((_, axis) => counts[axis * 2 + 1] ?? 0)];
}

function importPad(op: Operator, scope: Scope): Value {
  const x = requiredInput(op, 0);
  const [before, after] = paddings(op, x);
  const [value = 0] = op.inputs[2] === undefined ? [] : knownNumbers(op, op.inputs[2]);
  return emitPad(op, scope, { x, before, after, value, mode: "constant" });
}

interface Padding {
  readonly x: Value;
  readonly before: readonly number[];
  readonly after: readonly number[];
  readonly value: number;
  readonly mode: string;
}

function emitPad(op: Operator, scope: Scope, { x, before, after, value, mode }: Padding): Value {
  const layout = layoutOf([x]);
  const order = (list: readonly number[]) => (layout === "planes" ? planeOrder(list) : list);
  const attributes = { before: order(before), after: order(after), value, mode };
  return scope.emit(op, { op: "pad", inputs: [x], attributes, layout });
}

function importMirrorPad(op: Operator, scope: Scope): Value {
  const x = requiredInput(op, 0);
  const [before, after] = paddings(op, x);
  const symmetric = op.options("MirrorPad").mode === 1;
  if (symmetric) return padSymmetric(op, scope, { x, before, after });
  const mode = "reflect";
  return emitPad(op, scope, { x, before, after, value: 0, mode });
}

function importGather(op: Operator, scope: Scope): Value {
  const [x, indices] = [requiredInput(op, 0), requiredInput(op, 1)];
  const { axis, batchDims } = op.options("Gather");
  const rank = x.type.shape.length;
  const batches = batchDims < 0 ? batchDims + indices.type.shape.length : batchDims;
  const counted = axisIn(op, axis, { rank, layout: "rows" });
  if (batches > 0) return gatherByBatch(op, scope, { x, indices, axis: counted, batches });
  const attributes = { axis: counted };
  return scope.emit(op, { op: "gather", inputs: [x, indices], attributes });
}

interface Gathered {
  readonly x: Value;
  readonly indices: Value;
  readonly axis: number;
  readonly batches: number;
}

/** Every batch has indices of its own: gather_nd, with the axis moved behind the batches. */
function gatherByBatch(op: Operator, scope: Scope, gather: Gathered): Value {
  const { x, indices, axis, batches } = gather;
  const rank = x.type.shape.length;
  const places = scope.emit(op, {
    op: "reshape",
    inputs: [indices],
    attributes: { shape: [...indices.type.shape, 1] },
    inner: "places",
  });
  const attributes = { batch_dims: batches };
  if (axis === batches) return scope.emit(op, { op: "gather_nd", inputs: [x, places], attributes });
  const others = [...Array(rank).keys()].filter((each) => each >= batches && each !== axis);
  const perm = [...Array(batches).keys(), axis, ...others];
  const moved = scope.emit(op, {
    op: "transpose",
    inputs: [x],
    attributes: { perm },
    inner: "moved",
  });
  const picked = scope.emit(op, {
    op: "gather_nd",
    inputs: [moved, places],
    attributes,
    inner: "picked",
  });
  // Axes between the batches and the gathered one come back before the indices' own.
  const [own, between] = [indices.type.shape.length - batches, axis - batches];
  const back = [
    ...Array(batches).keys(),
    ...Array.from({ length: between }, (_, at) => batches + own + at),
    ...Array.from({ length: own }, (_, at) => batches + at),
    ...Array.from({ length: rank - axis - 1 }, (_, at) => batches + own + between + at),
  ];
  return scope.emit(op, { op: "transpose", inputs: [picked], attributes: { perm: back } });
}

interface Symmetric {
  readonly x: Value;
  readonly before: readonly number[];
  readonly after: readonly number[];
}

/** The edge itself is mirrored too: every axis gathered by the indices that spell it. */
function padSymmetric(op: Operator, scope: Scope, { x, before, after }: Symmetric): Value {
  const axes = x.type.shape.map((_, axis) => axis);
  const padded = axes.filter((axis) => (before[axis] ?? 0) + (after[axis] ?? 0) > 0);
  if (padded.length === 0) return scope.emit(op, { op: "identity", inputs: [x] });
  return padded.reduce((value, axis, at) => {
    const [size, first] = [x.type.shape[axis] ?? 0, before[axis] ?? 0];
    const count = size + first + (after[axis] ?? 0);
    scope.charge(op, count);
    const indices = Array.from({ length: count }, (_, place) => {
      const folded = (((place - first) % (2 * size)) + 2 * size) % (2 * size);
      return folded < size ? folded : 2 * size - 1 - folded;
    });
    const inputs = [value, scope.numbers(op, "i32", indices)];
    const inner = at === padded.length - 1 ? {} : innerOf(x, `axis.${axis}`);
    return scope.emit(op, { op: "gather", inputs, attributes: { axis }, ...inner });
  }, x);
}
