/** split becomes slices, and gather of one known index a slice and a reshape: one way of taking parts. */
import { attributesOf, normalizeAxis, numeric } from "../ir/index.ts";
import type { Node } from "../ir/index.ts";
import { attributeMap, rewrite } from "./pass.ts";
import type { Pass, Replacement, View } from "./pass.ts";

export const lowerSplit: Pass = {
  name: "lower-split",
  run: (graph) => rewrite(graph, (node, view) => slices(node, view) ?? pick(node, view)),
};

function slices(node: Node, view: View): Replacement | undefined {
  if (node.op !== "split") return undefined;
  const { shape } = view.typeOf(node.inputs[0]);
  const axis = normalizeAxis(attributesOf(node).number("axis"), shape.length) ?? 0;
  let start = 0;
  const insert = node.outputs.map((output, index): Node => {
    const size = view.typeOf(output).shape[axis] ?? 0;
    const attributes = range(shape, axis, { start, end: start + size });
    start += size;
    const name = `${node.name}.${index}`;
    return { name, op: "slice", inputs: node.inputs, outputs: [output], attributes };
  });
  return { remove: [node], insert };
}

function pick(node: Node, view: View): Replacement | undefined {
  const indices = view.constantOf(node.inputs[1]);
  if (node.op !== "gather" || indices?.data.length !== 1) return undefined;
  const { shape } = view.typeOf(node.inputs[0]);
  const [output = ""] = node.outputs;
  const axis = normalizeAxis(attributesOf(node).number("axis"), shape.length) ?? 0;
  const index = numeric(indices)[0] ?? 0;
  const start = index < 0 ? index + (shape[axis] ?? 0) : index;
  const sliced = view.fresh(`${node.name}/slice`);
  const attributes = range(shape, axis, { start, end: start + 1 });
  const inputs = node.inputs.slice(0, 1);
  const wanted = attributeMap({ shape: view.typeOf(output).shape });
  return {
    remove: [node],
    insert: [
      { name: sliced, op: "slice", inputs, outputs: [sliced], attributes },
      { name: node.name, op: "reshape", inputs: [sliced], outputs: [output], attributes: wanted },
    ],
  };
}

function range(shape: readonly number[], axis: number, part: { start: number; end: number }) {
  const pick = (own: number, other: (size: number) => number): number[] =>
    shape.map((size, at) => (at === axis ? own : other(size)));
  return attributeMap({
    starts: pick(part.start, () => 0),
    ends: pick(part.end, (size) => size),
    steps: shape.map(() => 1),
  });
}
