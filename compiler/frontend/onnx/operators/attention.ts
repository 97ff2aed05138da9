/** Attention and the other parts of language models. */
import { translated } from "./handler.ts";
import type { Handler } from "./handler.ts";

/** The stages of the fourth output, by the number that the format gives them. */
const STAGES = ["product", "masked", "capped", "softmax"] as const;

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
