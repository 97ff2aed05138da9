/** Fourier transforms. */
import { requiredInput } from "../node.ts";
import type { OnnxNode } from "../node.ts";
import type { Scope } from "../scope.ts";
import { finishWith, translated } from "./handler.ts";
import type { Handler } from "./handler.ts";

export const SIGNALS: Readonly<Record<string, Handler>> = {
  DFT: importDft,
  STFT: translated("stft", {
    inputs: [0, 2],
    late: { step: 1, length: 3 },
    attributes: (node) => ({ onesided: node.integer("onesided", 1) }),
  }),
};

/** The axis is an attribute before opset 20 and an input from then on. */
function importDft(node: OnnxNode, scope: Scope): void {
  const rules = { inverse: node.integer("inverse", 0), onesided: node.integer("onesided", 0) };
  const older = node.opset < 20;
  const attributes = older ? { ...rules, axis: node.integer("axis", 1) } : rules;
  const late = { length: node.inputs[1], axis: older ? undefined : node.inputs[2] };
  finishWith({ node, scope }, "dft", { inputs: [requiredInput(node, 0)], attributes, late });
}
