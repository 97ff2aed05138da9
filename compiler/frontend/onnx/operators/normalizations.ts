/** Normalisation layers. */
import { firstOutput, hasOutput, requiredInput } from "../node.ts";
import type { OnnxNode } from "../node.ts";
import type { Scope } from "../scope.ts";
import { step, translated } from "./handler.ts";
import type { Handler } from "./handler.ts";

const epsilon = (node: OnnxNode) => ({ epsilon: node.float("epsilon", 1e-5) });

export const NORMALIZATIONS: Readonly<Record<string, Handler>> = {
  BatchNormalization: importBatchNorm,
  InstanceNormalization: translated("instance_norm", { attributes: epsilon }),
  GroupNormalization: importGroupNorm,
  LayerNormalization: translated("layer_norm", {
    attributes: (node) => ({ ...epsilon(node), axis: node.integer("axis", -1) }),
  }),
  RMSNormalization: translated("rms_norm", {
    attributes: (node) => ({ ...epsilon(node), axis: node.integer("axis", -1) }),
  }),
  MeanVarianceNormalization: translated("mean_variance_norm", {
    attributes: (node) => ({ axes: node.integers("axes", [0, 2, 3]) }),
  }),
  LpNormalization: translated("lp_norm", {
    attributes: (node) => ({ axis: node.integer("axis", -1), p: node.integer("p", 2) }),
  }),
  LRN: translated("lrn", {
    attributes: (node) => ({
      size: node.integer("size", 1),
      alpha: node.float("alpha", 1e-4),
      beta: node.float("beta", 0.75),
      bias: node.float("bias", 1),
    }),
  }),
};

function importBatchNorm(node: OnnxNode, scope: Scope): void {
  if (node.integer("spatial", 1) !== 1) {
    node.refuse("UNSUPPORTED_OP", "only statistics per channel are supported");
  }
  const inputs = [0, 1, 2, 3, 4].map((position) => requiredInput(node, position));
  // Before opset 14 further outputs asked for the training form.
  const trains = node.integer("training_mode", 0) !== 0 || (node.opset < 14 && hasOutput(node, 1));
  if (trains) {
    const attributes = { ...epsilon(node), momentum: node.float("momentum", 0.9) };
    const outputs = node.outputs.slice(0, 3);
    scope.emit(node, { op: "batch_norm_training", inputs, attributes, outputs });
  } else {
    const outputs = [firstOutput(node)];
    scope.emit(node, { op: "batch_norm", inputs, attributes: epsilon(node), outputs });
  }
}

/** Before opset 21 scale and bias came per group. */
function importGroupNorm(node: OnnxNode, scope: Scope): void {
  const target = { node, scope };
  const x = requiredInput(node, 0);
  const groups = node.integer("num_groups", 1);
  const spread = (name: string): string => {
    if (node.opset >= 21) return name;
    const [, channels = groups] = scope.typeOf(node, x).shape;
    const column = step(target, "reshape", { inputs: [name], attributes: { shape: [groups, 1] } });
    const shape = [groups, channels / groups];
    const wide = step(target, "expand", { inputs: [column], attributes: { shape } });
    return step(target, "reshape", { inputs: [wide], attributes: { shape: [channels] } });
  };
  const inputs = [x, spread(requiredInput(node, 1)), spread(requiredInput(node, 2))];
  const attributes = { ...epsilon(node), groups };
  scope.emit(node, { op: "group_norm", inputs, attributes, outputs: [firstOutput(node)] });
}
