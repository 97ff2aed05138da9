/** Constant factors and addends per channel go into the convolution or matrix product before them. */
import { attributesOf, sameShape } from "../ir/index.ts";
import type { Node } from "../ir/index.ts";
import { channelValues, foldableChannels, foldInto } from "./affine.ts";
import type { Affine } from "./affine.ts";
import { rewrite } from "./pass.ts";
import type { Pass, Replacement, View } from "./pass.ts";

export const foldAffine: Pass = { name: "fold-affine", run: (graph) => rewrite(graph, fold) };

function fold(node: Node, view: View): Replacement | undefined {
  const operands = affineOperands(node, view);
  if (operands === undefined) return undefined;
  const producer = view.soleProducerOf(operands.x);
  const channels = foldableChannels(producer, view);
  const { shape } = view.typeOf(operands.x);
  const grows = !sameShape(shape, view.typeOf(node.outputs[0]).shape);
  if (producer === undefined || channels === undefined || grows) return undefined;
  const axis = producer.op === "matmul" ? -1 : 1;
  const values = channelValues(view.constantOf(operands.constant), shape, axis);
  if (values === undefined) return undefined;
  return foldInto({ producer, consumer: node }, affineFrom(node.op, values), view);
}

/** Which operand is the value and which the constant; undefined when the node is no affine map. */
function affineOperands(node: Node, view: View): { x: string; constant: string } | undefined {
  if (!["add", "sub", "mul", "div"].includes(node.op) || isClamped(node)) return undefined;
  const [a = "", b = ""] = node.inputs;
  if (view.constantOf(b) !== undefined) return { x: a, constant: b };
  const commutes = node.op === "add" || node.op === "mul";
  return commutes && view.constantOf(a) !== undefined ? { x: b, constant: a } : undefined;
}

function isClamped(node: Node): boolean {
  if (node.op === "div") return false;
  const attributes = attributesOf(node);
  return (
    attributes.number("clamp_min") !== -Infinity || attributes.number("clamp_max") !== Infinity
  );
}

function affineFrom(op: string, values: Float64Array): Affine {
  const ones = new Float64Array(values.length).fill(1);
  const zeros = new Float64Array(values.length);
  switch (op) {
    case "mul":
      return { scale: values, shift: zeros };
    case "div":
      return { scale: values.map((value) => 1 / value), shift: zeros };
    case "sub":
      return { scale: ones, shift: values.map((value) => -value) };
    default:
      return { scale: ones, shift: values };
  }
}
