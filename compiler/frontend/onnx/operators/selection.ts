/** Picking, placing, sorting and finding elements. */
import type { OnnxNode } from "../node.ts";
import { requiredInput } from "../node.ts";
import { numberList } from "../../../ir/index.ts";
import type { Scope } from "../scope.ts";
import { finishWith, knownShape, translated, until } from "./handler.ts";
import type { Handler } from "./handler.ts";

const axis = (usual: number) => (node: OnnxNode) => ({ axis: node.integer("axis", usual) });

const scatterElements = translated("scatter_elements", {
  attributes: (node) => ({
    axis: node.integer("axis", 0),
    reduction: node.text("reduction", "none"),
  }),
});

export const SELECTION: Readonly<Record<string, Handler>> = {
  Gather: importGather,
  GatherElements: translated("gather_elements", { attributes: axis(0) }),
  GatherND: translated("gather_nd", {
    attributes: (node) => ({ batch_dims: node.integer("batch_dims", 0) }),
  }),
  Scatter: scatterElements,
  ScatterElements: scatterElements,
  ScatterND: translated("scatter_nd", {
    attributes: (node) => ({ reduction: node.text("reduction", "none") }),
  }),
  TensorScatter: translated("tensor_scatter", {
    attributes: (node) => ({ axis: node.integer("axis", -2), mode: node.text("mode", "linear") }),
  }),
  OneHot: translated("onehot", { inputs: [0, 2], late: { depth: 1 }, attributes: axis(-1) }),
  TopK: until(
    10,
    translated("topk", { attributes: (node) => ({ k: node.integer("k", 1), ...axis(-1)(node) }) }),
    translated("topk", {
      inputs: [0],
      late: { k: 1 },
      attributes: (node) => ({ ...axis(-1)(node), largest: node.integer("largest", 1) }),
    }),
  ),
  ReverseSequence: translated("reverse_sequence", {
    attributes: (node) => ({
      batch_axis: node.integer("batch_axis", 1),
      time_axis: node.integer("time_axis", 0),
    }),
  }),
  NonZero: translated("nonzero"),
  Compress: translated("compress", { attributes: axisOrFlat }),
  Unique: translated("unique", {
    attributes: (node) => ({ ...axisOrFlat(node), sorted: node.integer("sorted", 1) }),
  }),
  Trilu: translated("trilu", {
    inputs: [0],
    late: { k: 1 },
    attributes: (node) => ({ upper: node.integer("upper", 1) }),
  }),
};

function axisOrFlat(node: OnnxNode) {
  requiredInput(node, 0);
  return { axis: node.integer("axis", 0), flat: Number(!node.has("axis")) };
}

/** Known indices are checked here: a model that reads outside is refused before it runs. */
function importGather(node: OnnxNode, scope: Scope): void {
  const target = { node, scope };
  const inputs = [requiredInput(node, 0), requiredInput(node, 1)] as const;
  const [x, indices] = inputs;
  const [shape, known] = [knownShape(target, x), scope.constantOf(indices)];
  const along = node.integer("axis", 0);
  const size = shape?.at(along);
  if (known !== undefined && size !== undefined) {
    const outside = numberList(known).some((index) => index < -size || index >= size);
    if (outside) node.refuse("BAD_MODEL", `an index is outside the ${size} elements of the axis`);
  }
  finishWith(target, "gather", { inputs, attributes: { axis: along } });
}
