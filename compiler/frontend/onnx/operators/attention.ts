/** Attention and the other parts of language models. */
import { requiredInput } from "../node.ts";
import type { OnnxNode } from "../node.ts";
import type { Scope } from "../scope.ts";
import { finishWith, step, translated } from "./handler.ts";
import type { Handler, Target } from "./handler.ts";

/** The stages of the fourth output, by the number that the format gives them. */
const STAGES = ["product", "capped", "masked", "softmax"] as const;

export const ATTENTION: Readonly<Record<string, Handler>> = {
  Attention: translated("attention", {
    attributes: (node) => ({
      causal: node.integer("is_causal", 0),
      q_heads: node.integer("q_num_heads", 0),
      kv_heads: node.integer("kv_num_heads", 0),
      scale: node.float("scale", 0),
      softcap: node.float("softcap", 0),
      scores:
        STAGES[node.integer("qk_matmul_output_mode", 0)] ??
        node.refuse("BAD_MODEL", "qk_matmul_output_mode is 0 to 3"),
    }),
  }),
  RotaryEmbedding: translated("rotary_embedding", {
    attributes: (node) => ({
      heads: node.integer("num_heads", 0),
      interleaved: node.integer("interleaved", 0),
      turned: node.integer("rotary_embedding_dim", 0),
    }),
  }),
  LinearAttention: translated("linear_attention", {
    attributes: (node) => ({
      q_heads: node.integer("q_num_heads", 1),
      kv_heads: node.integer("kv_num_heads", 1),
      rule: node.text("update_rule", "gated_delta"),
      scale: node.float("scale", 0),
    }),
  }),
  CausalConvWithState: translated("causal_conv", {
    attributes: (node) => ({ activation: node.text("activation", "none") }),
  }),
};

/** The domain ai.onnx.preview. */
export const PREVIEW: Readonly<Record<string, Handler>> = { FlexAttention: importFlexAttention };

/** Attention whose scores and weights go through graphs of the model on their way. */
function importFlexAttention(node: OnnxNode, scope: Scope): void {
  const target = { node, scope };
  const q = requiredInput(node, 0);
  const [, heads = 1, , size = 1] = scope.typeOf(node, q).shape;
  const [keys, values] = [1, 2].map((at) => repeated(target, requiredInput(node, at), heads));
  const attributes = { perm: [0, 1, 3, 2] };
  const turned = step(target, "transpose", { inputs: [keys ?? ""], attributes });
  const product = step(target, "matmul", { inputs: [q, turned] });
  const factor = node.float("scale", 1 / Math.sqrt(size));
  const scale = scope.scalar(node, scope.dtypeOf(node, q), factor);
  const scores = through(target, "score_mod", step(target, "mul", { inputs: [product, scale] }));
  const weights = step(target, "softmax", { inputs: [scores], attributes: { axis: -1 } });
  const inputs = [through(target, "prob_mod", weights), values ?? ""];
  finishWith(target, "matmul", { inputs });
}

/** Every key or value head as often as query heads share it. */
function repeated(target: Target, name: string, heads: number): string {
  const { node, scope } = target;
  const [batch = 1, own = 1, length = 1, size = 1] = scope.typeOf(node, name).shape;
  if (own === heads) return name;
  const add = { form: "add_axes", axes: [2] };
  const raised = step(target, "reshape", { inputs: [name], attributes: add });
  const shape = [batch, own, heads / own, length, size];
  const wide = step(target, "expand", { inputs: [raised], attributes: { shape } });
  const attributes = { shape: [batch, heads, length, size] };
  return step(target, "reshape", { inputs: [wide], attributes });
}

/** The value after the graph in an attribute: a map over a sequence of one. */
function through(target: Target, attribute: string, value: string): string {
  const { node, scope } = target;
  const message = node.graph(attribute);
  if (message === undefined) return value;
  const body = scope.body(node, message, [scope.valueType(node, value)]);
  const one = step(target, "sequence_construct", { inputs: [value] });
  const mapped = scope.emit(node, {
    op: "sequence_map",
    inputs: [one, ...body.captures],
    regions: { body: body.graph },
    outputs: [scope.inner(node, attribute)],
  });
  return step(target, "sequence_at", { inputs: [mapped, scope.scalar(node, "i64", 0)] });
}
