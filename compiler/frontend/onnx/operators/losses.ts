/** Losses that a graph may compute at inference, and the training operators that it may not. */
import type { OnnxNode } from "../node.ts";
import { translated } from "./handler.ts";
import type { Handler } from "./handler.ts";

export const LOSSES: Readonly<Record<string, Handler>> = {
  NegativeLogLikelihoodLoss: translated("negative_log_likelihood", { attributes: lossAttributes }),
  SoftmaxCrossEntropyLoss: translated("softmax_cross_entropy", { attributes: lossAttributes }),
};

/** The domain ai.onnx.preview.training. */
export const TRAINING: Readonly<Record<string, Handler>> = Object.fromEntries(
  ["Adagrad", "Adam", "Momentum", "Gradient", "GraphCall"].map((name) => [name, refuseTraining]),
);

function refuseTraining(node: OnnxNode): never {
  return node.refuse("UNSUPPORTED_OP", "it trains a model; this compiler runs trained ones");
}

function lossAttributes(node: OnnxNode) {
  const ignored = node.has("ignore_index") ? node.integer("ignore_index", 0) : -Infinity;
  return { reduction: node.text("reduction", "mean"), ignored };
}
