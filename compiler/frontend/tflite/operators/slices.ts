/** SLICE and STRIDED_SLICE: begins, ends and steps, with the masks of NumPy's indexing. */
import { requiredInput } from "../operator.ts";
import type { Operator } from "../operator.ts";
import { knownNumbers } from "../scope.ts";
import type { Scope } from "../scope.ts";
import { planeOrder } from "../value.ts";
import type { Value } from "../value.ts";
import { layoutOf } from "./handler.ts";
import type { Handler } from "./handler.ts";
import { innerOf, reshapedTo } from "./shapes.ts";

export const SLICES: Readonly<Record<string, Handler>> = {
  SLICE: (op, scope) => [importSlice(op, scope)],
  STRIDED_SLICE: (op, scope) => [importStridedSlice(op, scope)],
};

function importSlice(op: Operator, scope: Scope): Value {
  const x = requiredInput(op, 0);
  const starts = knownNumbers(op, requiredInput(op, 1));
  const sizes = knownNumbers(op, requiredInput(op, 2));
  const ends = x.type.shape.map((size, axis) => {
    const count = sizes[axis] ?? -1;
    return count === -1 ? size : (starts[axis] ?? 0) + count;
  });
  return emitSlice(op, scope, { x, starts, ends, steps: ends.map(() => 1) });
}

interface Cut {
  readonly x: Value;
  readonly starts: readonly number[];
  readonly ends: readonly number[];
  readonly steps: readonly number[];
  readonly inner?: string;
}

function emitSlice(op: Operator, scope: Scope, cut: Cut): Value {
  const { x, inner } = cut;
  const layout = layoutOf([x]);
  const order = (list: readonly number[]) => (layout === "planes" ? planeOrder(list) : list);
  const attributes = { starts: order(cut.starts), ends: order(cut.ends), steps: order(cut.steps) };
  const place = inner === undefined ? {} : innerOf(x, inner);
  return scope.emit(op, { op: "slice", inputs: [x], attributes, layout, ...place });
}

type Masks = ReturnType<typeof masksOf>;

function masksOf(op: Operator) {
  return op.options("StridedSlice");
}

/** What happens to one axis of the input, or that one is added; `size` is absent where it is dropped. */
interface AxisCut {
  readonly triple: readonly [start: number, end: number, step: number] | undefined;
  readonly size: number | undefined;
}

function bit(mask: number, at: number): boolean {
  return ((mask >> at) & 1) === 1;
}

function importStridedSlice(op: Operator, scope: Scope): Value {
  const x = requiredInput(op, 0);
  const cuts = axisCuts(op, x.type.shape);
  const triples = cuts.flatMap(({ triple }) => (triple === undefined ? [] : [triple]));
  const [starts, ends, steps] = [0, 1, 2].map((part) => triples.map((triple) => triple[part] ?? 0));
  const cut = { x, starts: starts ?? [], ends: ends ?? [], steps: steps ?? [] };
  const sameAxes = cuts.every(({ triple, size }) => triple !== undefined && size !== undefined);
  if (sameAxes) return emitSlice(op, scope, cut);
  const piece = emitSlice(op, scope, { ...cut, inner: "cut" });
  return reshapedTo(op, scope, { x: piece, shape: cuts.flatMap(({ size }) => size ?? []) });
}

/** One entry for every axis of the input or the result. */
function axisCuts(op: Operator, shape: readonly number[]): readonly AxisCut[] {
  const masks = masksOf(op);
  const [begin = [], end = [], step = []] = [1, 2, 3].map((position) =>
    knownNumbers(op, requiredInput(op, position)),
  );
  const named = begin.map((_, at) => at).filter((at) => !bit(masks.newAxisMask, at));
  const ellipsis = begin.findIndex((_, at) => bit(masks.ellipsisMask, at));
  const axesNamed = named.length - (ellipsis === -1 ? 0 : 1);
  const axesLeft = shape.length - axesNamed;
  if (axesLeft < 0) op.refuse("BAD_MODEL", "cuts more axes than there are");
  const cuts: AxisCut[] = [];
  let axis = 0;
  const keep = (count: number): void => {
    for (let kept = 0; kept < count; kept++, axis++) {
      cuts.push({ triple: [0, shape[axis] ?? 0, 1], size: shape[axis] });
    }
  };
  for (const [at, first] of begin.entries()) {
    if (at === ellipsis) keep(axesLeft);
    else if (bit(masks.newAxisMask, at)) cuts.push({ triple: undefined, size: 1 });
    else {
      const spec = { at, first, last: end[at] ?? 0, step: step[at] ?? 1, size: shape[axis] ?? 0 };
      if (spec.step === 0) op.refuse("BAD_MODEL", "a step is zero");
      cuts.push(cutAxis(spec, masks));
      axis++;
    }
  }
  if (ellipsis === -1) keep(axesLeft);
  return cuts;
}

interface AxisSpec {
  readonly at: number;
  readonly first: number;
  readonly last: number;
  readonly step: number;
  readonly size: number;
}

function cutAxis({ at, first, last, step, size }: AxisSpec, masks: Masks): AxisCut {
  if (bit(masks.shrinkAxisMask, at)) {
    const index = first < 0 ? first + size : first;
    return { triple: [index, index + 1, 1], size: undefined };
  }
  const forward = step > 0;
  const [low, high] = forward ? [0, size] : [-1, size - 1];
  const place = (position: number): number =>
    Math.min(Math.max(position < 0 ? position + size : position, low), high);
  const start = bit(masks.beginMask, at) ? (forward ? 0 : size - 1) : place(first);
  const given = masks.offset ? first + last : last;
  const stop = bit(masks.endMask, at) ? (forward ? size : -1) : place(given);
  const count = Math.max(0, Math.ceil((stop - start) / step));
  return { triple: [start, count === 0 ? start : stop, step], size: count };
}
