/** Operators that move elements: strided copies, or other names for the same bytes. */
import { product } from "../../../../protocol/base/integers.ts";
import { normalizeAxis } from "../../../ir/tensor.ts";
import type { CopyAxis } from "../kernels/copy.ts";
import { copyElements, fillVectors } from "../kernels/copy.ts";
import type { Buffer, Lowering, NodeCall } from "../lowering.ts";
import { addressOf, unsupported } from "../lowering.ts";
import type { Layout } from "../program.ts";
import { bytesIn, FLOAT_BYTES, stridesIn, VECTOR_BYTES } from "../program.ts";

/** reshape, identity, and the cast of float32 to itself. */
export function lowerRename(lowering: Lowering, call: NodeCall): void {
  lowering.alias(call.node.outputs[0]!, call.node.inputs[0]!);
}

export function lowerTranspose(lowering: Lowering, call: NodeCall): void {
  const perm = call.attributes.numbers("perm");
  const [input = ""] = call.node.inputs;
  const layout = lowering.layoutOf(input);
  const from = lowering.read(input, layout);
  const to = lowering.write(call.node.outputs[0]!, "rows");
  const fromSteps = stridesIn(call.shapes[0]!, layout);
  const toSteps = stridesIn(call.outputShape, "rows");
  const axes = call.outputShape.map((count, axis) => ({
    count,
    fromStep: fromSteps[perm[axis]!]!,
    toStep: toSteps[axis]!,
  }));
  emitCopy(lowering, { from, to, fromOffset: 0, toOffset: 0, axes });
}

export function lowerConcat(lowering: Lowering, call: NodeCall): void {
  const shape = call.outputShape;
  const axis = normalizeAxis(call.attributes.number("axis"), shape.length)!;
  const layout = layoutFor(lowering, call);
  const to = lowering.write(call.node.outputs[0]!, layout);
  const toSteps = stridesIn(shape, layout);
  let position = 0;
  call.node.inputs.forEach((name, index) => {
    const part = call.shapes[index]!;
    const from = lowering.read(name, layout);
    const axes = pairAxes(part, stridesIn(part, layout), toSteps);
    emitCopy(lowering, { from, to, fromOffset: 0, toOffset: position * toSteps[axis]!, axes });
    position += part[axis]!;
  });
}

export function lowerSplit(lowering: Lowering, call: NodeCall): void {
  const shape = call.shapes[0]!;
  const axis = normalizeAxis(call.attributes.number("axis"), shape.length)!;
  const layout = layoutFor(lowering, call);
  const from = lowering.read(call.node.inputs[0]!, layout);
  const fromSteps = stridesIn(shape, layout);
  let position = 0;
  call.attributes.numbers("sizes").forEach((size, index) => {
    const part = shape.map((count, other) => (other === axis ? size : count));
    const to = lowering.write(call.node.outputs[index]!, layout);
    const axes = pairAxes(part, fromSteps, stridesIn(part, layout));
    emitCopy(lowering, { from, to, fromOffset: position * fromSteps[axis]!, toOffset: 0, axes });
    position += size;
  });
}

export function lowerSlice(lowering: Lowering, call: NodeCall): void {
  const layout = layoutFor(lowering, call);
  const from = lowering.read(call.node.inputs[0]!, layout);
  const to = lowering.write(call.node.outputs[0]!, layout);
  const [starts, steps] = [call.attributes.numbers("starts"), call.attributes.numbers("steps")];
  const fromSteps = stridesIn(call.shapes[0]!, layout);
  const strided = fromSteps.map((stride, axis) => stride * steps[axis]!);
  const fromOffset = fromSteps.reduce((sum, stride, axis) => sum + stride * starts[axis]!, 0);
  const axes = pairAxes(call.outputShape, strided, stridesIn(call.outputShape, layout));
  emitCopy(lowering, { from, to, fromOffset, toOffset: 0, axes });
}

export function lowerPad(lowering: Lowering, call: NodeCall): void {
  if (call.attributes.text("mode") !== "constant")
    unsupported(call.node, "mode other than constant");
  if (call.node.inputs.length > 1) unsupported(call.node, "its fill value is computed");
  const layout = layoutFor(lowering, call);
  const from = lowering.read(call.node.inputs[0]!, layout);
  const to = lowering.write(call.node.outputs[0]!, layout);
  const before = call.attributes.numbers("before");
  const shape = call.shapes[0]!;
  const output = call.outputShape;
  const [fromSteps, toSteps] = [stridesIn(shape, layout), stridesIn(output, layout)];
  // Negative padding cuts: the part that stays begins at `first` and ends before `end`.
  const first = shape.map((_, axis) => Math.max(0, -before[axis]!));
  const end = shape.map((size, axis) => Math.min(size, output[axis]! - before[axis]!));
  const axes = shape.map((_, axis) => ({
    count: Math.max(0, end[axis]! - first[axis]!),
    fromStep: fromSteps[axis]!,
    toStep: toSteps[axis]!,
  }));
  const sum = (steps: readonly number[], at: (axis: number) => number): number =>
    steps.reduce((total, step, axis) => total + step * at(axis), 0);
  const vectors = Math.floor(bytesIn(output, layout) / VECTOR_BYTES);
  lowering.emit((f) =>
    fillVectors(f, { to: addressOf(to), vectors }, call.attributes.number("value")),
  );
  const fromOffset = sum(fromSteps, (axis) => first[axis]!);
  const toOffset = sum(toSteps, (axis) => first[axis]! + before[axis]!);
  emitCopy(lowering, { from, to, fromOffset, toOffset, axes });
}

export function lowerExpand(lowering: Lowering, call: NodeCall): void {
  const output = call.outputShape;
  const shape = [
    ...Array<number>(output.length - call.shapes[0]!.length).fill(1),
    ...call.shapes[0]!,
  ];
  const from = lowering.read(call.node.inputs[0]!, "rows");
  const to = lowering.write(call.node.outputs[0]!, "rows");
  const steps = stridesIn(shape, "rows").map((step, axis) => (shape[axis] === 1 ? 0 : step));
  const axes = pairAxes(output, steps, stridesIn(output, "rows"));
  emitCopy(lowering, { from, to, fromOffset: 0, toOffset: 0, axes });
}

/** Images stay images where the first input is one. */
function layoutFor(lowering: Lowering, call: NodeCall): Layout {
  return lowering.layoutOf(call.node.inputs[0] ?? "");
}

function pairAxes(
  counts: readonly number[],
  fromSteps: readonly number[],
  toSteps: readonly number[],
): CopyAxis[] {
  return counts.map((count, axis) => ({
    count,
    fromStep: fromSteps[axis]!,
    toStep: toSteps[axis]!,
  }));
}

interface Move {
  readonly from: Buffer;
  readonly to: Buffer;
  /** In floats. */
  readonly fromOffset: number;
  readonly toOffset: number;
  readonly axes: readonly CopyAxis[];
}

function emitCopy(lowering: Lowering, move: Move): void {
  if (product(move.axes.map((axis) => axis.count)) === 0) return;
  lowering.emit((f) =>
    copyElements(f, lowering, {
      from: addressOf(move.from) + move.fromOffset * FLOAT_BYTES,
      to: addressOf(move.to) + move.toOffset * FLOAT_BYTES,
      axes: move.axes,
    }),
  );
}
