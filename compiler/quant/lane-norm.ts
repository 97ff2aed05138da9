/** layer_norm as the chip has it: over the last axis, by constants. */
import { attributesOf, normalizeAxis, numeric, tensor } from "../ir/index.ts";
import type { Attribute, Graph, Node, Tensor } from "../ir/index.ts";

export interface LaneNorm {
  readonly scale: Tensor;
  readonly bias: Tensor;
  readonly attributes: Readonly<Record<string, Attribute>>;
}

/** Undefined where the node normalises over other axes, or scales by what is computed. */
export function laneNorm(graph: Graph, node: Node): LaneNorm | undefined {
  const [x = "", scaleName = "", biasName = ""] = node.inputs;
  const shape = graph.types.get(x)?.shape ?? [];
  const attributes = attributesOf(node);
  const axis = normalizeAxis(attributes.number("axis"), shape.length);
  const scale = graph.constants.get(scaleName);
  const given = graph.constants.get(biasName);
  const channels = shape.at(-1) ?? 0;
  const isVariable = scale === undefined || (biasName !== "" && given === undefined);
  const only = node.outputs.slice(1).every((name) => name === "");
  if (axis !== shape.length - 1 || isVariable || !only) return undefined;
  const flat = (values: ArrayLike<number>): Tensor =>
    tensor({ dtype: "f32", shape: [channels] }, Float32Array.from(values));
  const bias = given === undefined ? new Float32Array(channels) : numeric(given);
  const epsilon = attributes.number("epsilon");
  return { scale: flat(numeric(scale)), bias: flat(bias), attributes: { epsilon } };
}
