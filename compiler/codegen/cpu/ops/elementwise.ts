/** Functions of single elements, and of pairs with broadcasting. */
import { product } from "../../../../protocol/base/integers.ts";
import { f32 } from "../../../../protocol/wasm/expression.ts";
import type { Expression } from "../../../ir/expression.ts";
import { binary, clamp, constant, X } from "../../../ir/expression.ts";
import { formulaOf } from "../../../ir/ops.ts";
import { sameShape } from "../../../ir/tensor.ts";
import { copyElements } from "../kernels/copy.ts";
import type { OperandMode, PairName } from "../kernels/elementwise.ts";
import { pairKernel, unaryKernel } from "../kernels/elementwise.ts";
import { isSmallWhole } from "../kernels/math.ts";
import type { Buffer, Lowering, NodeCall } from "../lowering.ts";
import { addressOf, unsupported } from "../lowering.ts";
import type { Layout } from "../program.ts";
import { FLOAT_BYTES, pitchOf, stridesIn, VECTOR_BYTES, vectorsFor } from "../program.ts";

export function lowerUnary(lowering: Lowering, call: NodeCall): void {
  const formula = formulaOf(call.node) ?? unsupported(call.node, "it has no formula");
  emitUnary(lowering, call, formula);
}

function emitUnary(lowering: Lowering, call: NodeCall, formula: Expression): void {
  const input = call.node.inputs[0]!;
  const layout = lowering.layoutOf(input);
  const from = lowering.read(input, layout);
  const to = lowering.write(call.node.outputs[0]!, layout);
  const bytes = storedBytes(call.outputShape, layout);
  if (bytes === 0) return;
  lowering.emit((f) => {
    f.call(unaryKernel(lowering, formula), addressOf(from), addressOf(to), bytes);
  });
}

/** Bytes of all elements, rounded up to whole vectors. */
function storedBytes(shape: readonly number[], layout: Layout): number {
  if (layout === "rows") return vectorsFor(product(shape)) * VECTOR_BYTES;
  const [batch = 1, , height = 1, width = 1] = shape;
  return batch * height * width * pitchOf(shape) * FLOAT_BYTES;
}

export function lowerPair(lowering: Lowering, call: NodeCall): void {
  const scalar = scalarFormula(lowering, call);
  if (scalar !== undefined) return emitUnary(lowering, call, scalar);
  const pair = call.node.op;
  if (pair === "pow") unsupported(call.node, "the exponent is not one constant");
  const [nameA = "", nameB = ""] = call.node.inputs;
  const output = call.outputShape;
  const images = [nameA, nameB].some((name) => lowering.layoutOf(name) === "pixels");
  const layout: Layout = images && output.length === 4 ? "pixels" : "rows";
  const operands = [nameA, nameB].map((name, side) =>
    pairOperand(lowering, { name, shape: call.shapes[side]!, output, layout }),
  );
  const to = lowering.write(call.node.outputs[0]!, layout);
  const bytes = storedBytes(output, layout);
  if (bytes === 0) return;
  const rowBytes = operands.some(({ mode }) => mode === "row")
    ? pitchOf(output) * FLOAT_BYTES
    : bytes;
  const [low, high] = clampOfPair(call);
  const [a, b] = operands;
  lowering.emit((f) => {
    const kernel = pairKernel(lowering, pair as PairName, [a!.mode, b!.mode]);
    const addresses = [addressOf(a!.buffer), addressOf(b!.buffer), addressOf(to)] as const;
    f.call(kernel, ...addresses, bytes / rowBytes, rowBytes, f32(low), f32(high));
  });
}

/** With one constant number on the right, a pair is a function of one element. */
function scalarFormula(lowering: Lowering, call: NodeCall): Expression | undefined {
  const [a, b] = call.shapes;
  const values = lowering.constant(call.node.inputs[1] ?? "");
  const name = call.node.op;
  if (values?.length !== 1 || !sameShape(a!, call.outputShape) || b === undefined) return undefined;
  if (name === "prelu") return undefined;
  const value = values[0]!;
  if (name === "pow" && !isSmallWhole(value) && value !== 0.5) {
    unsupported(call.node, `the exponent ${value}`);
  }
  const formula = binary(name as PairName & "add", X, constant(value));
  return clamp(formula, ...clampOfPair(call));
}

/** Only some pairs have a clamp. */
function clampOfPair(call: NodeCall): readonly [low: number, high: number] {
  const { attributes } = call.node;
  const [low, high] = [attributes.get("clamp_min"), attributes.get("clamp_max")];
  return [typeof low === "number" ? low : -Infinity, typeof high === "number" ? high : Infinity];
}

interface OperandRequest {
  readonly name: string;
  readonly shape: readonly number[];
  readonly output: readonly number[];
  readonly layout: Layout;
}

function pairOperand(
  lowering: Lowering,
  request: OperandRequest,
): { readonly buffer: Buffer; readonly mode: OperandMode } {
  const { name, output, layout } = request;
  if (product(request.shape) === 1) return { buffer: lowering.read(name, "rows"), mode: "scalar" };
  if (sameShape(request.shape, output))
    return { buffer: lowering.read(name, layout), mode: "full" };
  const shape = [...Array<number>(output.length - request.shape.length).fill(1), ...request.shape];
  const isChannelRow = shape[1] === output[1] && product(shape) === output[1];
  if (layout === "pixels" && isChannelRow) {
    return { buffer: lowering.read(name, "rows"), mode: "row" };
  }
  return { buffer: broadcast(lowering, { ...request, shape }), mode: "full" };
}

/** The operand repeated to the output's shape, for this stage. */
function broadcast(lowering: Lowering, request: OperandRequest): Buffer {
  const { name, shape, output, layout } = request;
  const from = lowering.read(name, "rows");
  const to = lowering.scratch(storedBytes(output, layout));
  const [fromSteps, toSteps] = [stridesIn(shape, "rows"), stridesIn(output, layout)];
  const axes = output.map((count, axis) => ({
    count,
    fromStep: shape[axis] === 1 ? 0 : fromSteps[axis]!,
    toStep: toSteps[axis]!,
  }));
  lowering.emit((f) =>
    copyElements(f, lowering, { from: addressOf(from), to: addressOf(to), axes }),
  );
  return to;
}
