/** Reductions over axes, pooling over whole planes, and softmax. */
import { product } from "../../../../protocol/base/integers.ts";
import { f32 } from "../../../../protocol/wasm/expression.ts";
import { normalizeAxis } from "../../../ir/tensor.ts";
import { copyElements } from "../kernels/copy.ts";
import type { Fold } from "../kernels/reduce.ts";
import { foldKernel, softmaxKernel } from "../kernels/reduce.ts";
import type { Buffer, Lowering, NodeCall } from "../lowering.ts";
import { addressOf } from "../lowering.ts";
import { FLOAT_BYTES, pitchOf, stridesIn, VECTOR_BYTES, vectorsFor } from "../program.ts";

const FOLDS: Readonly<Record<string, Fold>> = {
  reduce_mean: "add",
  reduce_sum: "add",
  reduce_prod: "mul",
  reduce_max: "max",
  reduce_min: "min",
  global_average_pool: "add",
  global_max_pool: "max",
};

export function lowerGlobalPool(lowering: Lowering, call: NodeCall): void {
  const shape = call.shapes[0]!;
  if (shape.length !== 4) return foldAxes(lowering, call, shape.map((_, axis) => axis).slice(2));
  const [batch = 1, , height = 1, width = 1] = shape;
  const from = lowering.read(call.node.inputs[0]!, "pixels");
  const to = lowering.write(call.node.outputs[0]!, "pixels");
  const rowBytes = pitchOf(shape) * FLOAT_BYTES;
  const count = height * width;
  const divisor = call.node.op === "global_average_pool" ? count : 1;
  lowering.emit((f) => {
    const kernel = foldKernel(lowering, FOLDS[call.node.op]!);
    for (let image = 0; image < batch; image++) {
      const source = addressOf(from) + image * count * rowBytes;
      f.call(kernel, source, addressOf(to) + image * rowBytes, count, rowBytes, f32(divisor));
    }
  });
}

export function lowerReduce(lowering: Lowering, call: NodeCall): void {
  const rank = call.shapes[0]!.length;
  const axes = call.attributes.numbers("axes").map((axis) => normalizeAxis(axis, rank)!);
  foldAxes(lowering, call, axes);
}

/** Brings the reduced axes to the front, then folds rows of what is kept. */
function foldAxes(lowering: Lowering, call: NodeCall, reduced: readonly number[]): void {
  const shape = call.shapes[0]!;
  const all = [...shape.keys()];
  const kept = all.filter((axis) => !reduced.includes(axis));
  const count = product(all.filter((axis) => reduced.includes(axis)).map((axis) => shape[axis]!));
  const keptCount = product(kept.map((axis) => shape[axis]!));
  const rowBytes = vectorsFor(keptCount) * VECTOR_BYTES;
  const layout = lowering.layoutOf(call.node.inputs[0]!);
  const from = lowering.read(call.node.inputs[0]!, layout);
  const rows = lowering.scratch(count * rowBytes);
  const to = lowering.write(call.node.outputs[0]!, "rows");
  const steps = stridesIn(shape, layout);
  const toStep = new Map<number, number>();
  let step = 1;
  for (const axis of kept.toReversed()) {
    toStep.set(axis, step);
    step *= shape[axis]!;
  }
  step = rowBytes / FLOAT_BYTES;
  for (const axis of all.filter((other) => reduced.includes(other))) {
    toStep.set(axis, step);
    step *= shape[axis]!;
  }
  const axes = all.map((axis) => ({
    count: shape[axis]!,
    fromStep: steps[axis]!,
    toStep: toStep.get(axis)!,
  }));
  const averaged = call.node.op === "reduce_mean" || call.node.op === "global_average_pool";
  lowering.emit((f) => {
    copyElements(f, lowering, { from: addressOf(from), to: addressOf(rows), axes });
    const kernel = foldKernel(lowering, FOLDS[call.node.op]!);
    const divisor = f32(averaged ? count : 1);
    f.call(kernel, addressOf(rows), addressOf(to), count, rowBytes, divisor);
  });
}

export function lowerSoftmax(lowering: Lowering, call: NodeCall): void {
  const shape = call.shapes[0]!;
  const axis = normalizeAxis(call.attributes.number("axis"), shape.length)!;
  const [input = ""] = call.node.inputs;
  const alongPixels = axis === 1 && lowering.layoutOf(input) === "pixels";
  const length = shape[axis]!;
  const rows = product(shape) / length;
  if (alongPixels || axis === shape.length - 1) {
    const layout = alongPixels ? "pixels" : "rows";
    const rowBytes = (alongPixels ? pitchOf(shape) : length) * FLOAT_BYTES;
    const from = lowering.read(input, layout);
    const to = lowering.write(call.node.outputs[0]!, layout);
    return emitSoftmax(lowering, { from, to, rows, rowBytes, length });
  }
  const from = lowering.read(input, "rows");
  const turned = lowering.scratch(product(shape) * FLOAT_BYTES);
  const result = lowering.scratch(product(shape) * FLOAT_BYTES);
  const to = lowering.write(call.node.outputs[0]!, "rows");
  // The axis goes last, and back.
  const order = [...shape.keys()].filter((other) => other !== axis).concat(axis);
  const turnedSteps = stridesIn(
    order.map((other) => shape[other]!),
    "rows",
  );
  const steps = stridesIn(shape, "rows");
  const there = order.map((other, at) => ({
    count: shape[other]!,
    fromStep: steps[other]!,
    toStep: turnedSteps[at]!,
  }));
  const back = there.map(({ count, fromStep, toStep }) => ({
    count,
    fromStep: toStep,
    toStep: fromStep,
  }));
  lowering.emit((f) =>
    copyElements(f, lowering, { from: addressOf(from), to: addressOf(turned), axes: there }),
  );
  emitSoftmax(lowering, { from: turned, to: result, rows, rowBytes: length * FLOAT_BYTES, length });
  lowering.emit((f) =>
    copyElements(f, lowering, { from: addressOf(result), to: addressOf(to), axes: back }),
  );
}

interface SoftmaxRows {
  readonly from: Buffer;
  readonly to: Buffer;
  readonly rows: number;
  readonly rowBytes: number;
  readonly length: number;
}

function emitSoftmax(lowering: Lowering, job: SoftmaxRows): void {
  lowering.emit((f) => {
    const kernel = softmaxKernel(lowering, job.length);
    f.call(kernel, addressOf(job.from), addressOf(job.to), job.rows, job.rowBytes);
  });
}
