/** The domain ai.onnx.ml: tree ensembles, label maps, feature pickers. */
import { numberList, tensorOf, textTensor } from "../../../ir/index.ts";
import type { Tensor } from "../../../ir/index.ts";
import { firstOutput, requiredInput } from "../node.ts";
import type { OnnxNode } from "../node.ts";
import type { Scope } from "../scope.ts";
import { finishWith, translated } from "./handler.ts";
import type { Handler } from "./handler.ts";

export const LEARNED: Readonly<Record<string, Handler>> = {
  ArrayFeatureExtractor: translated("pick_features"),
  Binarizer: translated("binarize", {
    attributes: (node) => ({ threshold: node.float("threshold", 0) }),
  }),
  LabelEncoder: importLabelEncoder,
  TreeEnsemble: importTreeEnsemble,
};

const KINDS = ["tensor", "strings", "int64s", "floats"] as const;

/** keys_* or values_* of whichever kind the node has. */
function listOf(node: OnnxNode, name: string): Tensor {
  for (const kind of KINDS) {
    const attribute = `${name}_${kind}`;
    if (!node.has(attribute)) continue;
    if (kind === "tensor") return node.tensor(attribute) ?? textTensor([0], []);
    if (kind === "strings") {
      const texts = node.texts(attribute);
      return textTensor([texts.length], texts);
    }
    const isFloat = kind === "floats";
    const numbers = isFloat ? node.floats(attribute) : node.integers(attribute, []);
    return tensorOf({ dtype: isFloat ? "f32" : "i64", shape: [numbers.length] }, numbers);
  }
  return node.refuse("BAD_MODEL", `it has no ${name}`);
}

function fallbackOf(node: OnnxNode, values: Tensor): Tensor {
  const given = node.tensor("default_tensor");
  if (given !== undefined) return given;
  const { dtype } = values.type;
  if (dtype === "string") return textTensor([1], [node.text("default_string", "_Unused")]);
  const isFloat = dtype === "f32" || dtype === "f64";
  const number = isFloat ? node.float("default_float", -0) : node.integer("default_int64", -1);
  return tensorOf({ dtype, shape: [1] }, [number]);
}

function importLabelEncoder(node: OnnxNode, scope: Scope): void {
  const [keys, values] = [listOf(node, "keys"), listOf(node, "values")];
  const tables = [keys, values, fallbackOf(node, values)];
  const inputs = [requiredInput(node, 0), ...tables.map((table) => scope.constant(node, table))];
  finishWith({ node, scope }, "label_map", { inputs });
}

const MODES = ["leq", "lt", "gte", "gt", "eq", "neq", "member"] as const;

function importTreeEnsemble(node: OnnxNode, scope: Scope): void {
  if (node.integer("post_transform", 0) !== 0) {
    node.refuse("UNSUPPORTED_OP", "post transforms are not supported");
  }
  const list = (name: string): readonly number[] => {
    const tensor = node.tensor(name);
    return tensor === undefined ? [] : numberList(tensor);
  };
  const modes = list("nodes_modes").map((mode) => MODES[mode]);
  const attributes = {
    targets: node.integer("n_targets", 1),
    aggregate: node.integer("aggregate_function", 1),
    roots: node.integers("tree_roots", []),
    features: node.integers("nodes_featureids", []),
    splits: list("nodes_splits"),
    modes: modes.map((mode) => mode ?? node.refuse("BAD_MODEL", "a node has no known mode")),
    true_nodes: node.integers("nodes_truenodeids", []),
    true_leaves: node.integers("nodes_trueleafs", []),
    false_nodes: node.integers("nodes_falsenodeids", []),
    false_leaves: node.integers("nodes_falseleafs", []),
    missing_true: node.integers("nodes_missing_value_tracks_true", []),
    members: list("membership_values"),
    leaf_targets: node.integers("leaf_targetids", []),
    leaf_weights: list("leaf_weights"),
  };
  const inputs = [requiredInput(node, 0)];
  scope.emit(node, { op: "tree_ensemble", inputs, attributes, outputs: [firstOutput(node)] });
}
