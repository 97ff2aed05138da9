/** Recurrent layers. */
import type { OnnxNode } from "../node.ts";
import { translated } from "./handler.ts";
import type { Handler } from "./handler.ts";

export const RECURRENT: Readonly<Record<string, Handler>> = {
  LSTM: translated("lstm", {
    attributes: (node) => ({ ...shared(node), input_forget: node.integer("input_forget", 0) }),
  }),
  GRU: translated("gru", {
    attributes: (node) => ({
      ...shared(node),
      linear_before_reset: node.integer("linear_before_reset", 0),
    }),
  }),
  RNN: translated("rnn", { attributes: shared }),
};

function shared(node: OnnxNode) {
  return {
    direction: node.text("direction", "forward"),
    activations: node.texts("activations").join(","),
    activation_alpha: node.floats("activation_alpha"),
    activation_beta: node.floats("activation_beta"),
    clip: node.float("clip", Infinity),
    layout: node.integer("layout", 0),
  };
}
