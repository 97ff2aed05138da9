/** Ranges, fills, windows, and draws from seeded generators. */
import { firstOutput, requiredInput } from "../node.ts";
import type { OnnxNode } from "../node.ts";
import type { Scope } from "../scope.ts";
import { elementType } from "../tensors.ts";
import { finishWith, knownType, translated } from "./handler.ts";
import type { Handler } from "./handler.ts";

export const GENERATION: Readonly<Record<string, Handler>> = {
  Range: translated("range"),
  EyeLike: (node, scope) => {
    const attributes = { k: node.integer("k", 0), to: typeOrLike(node, scope) };
    finishWith({ node, scope }, "eye_like", { inputs: [requiredInput(node, 0)], attributes });
  },
  RandomUniform: (node, scope) => importRandom(node, scope, "uniform"),
  RandomNormal: (node, scope) => importRandom(node, scope, "normal"),
  RandomUniformLike: (node, scope) => importLike(node, scope, "uniform"),
  RandomNormalLike: (node, scope) => importLike(node, scope, "normal"),
  Bernoulli: (node, scope) => {
    const attributes = { to: typeOrLike(node, scope), seed: seedOf(node) };
    finishWith({ node, scope }, "bernoulli", { inputs: [requiredInput(node, 0)], attributes });
  },
  Multinomial: translated("multinomial", {
    attributes: (node) => ({
      count: node.integer("sample_size", 1),
      to: elementType(node.integer("dtype", 6), node.name),
      seed: seedOf(node),
    }),
  }),
  HannWindow: window("hann"),
  HammingWindow: window("hamming"),
  BlackmanWindow: window("blackman"),
  MelWeightMatrix: translated("mel_weights", {
    inputs: [],
    late: { bins: 0, length: 1, rate: 2, lowest: 3, highest: 4 },
    attributes: (node) => ({ to: elementType(node.integer("output_datatype", 1), node.name) }),
  }),
};

function window(shape: string): Handler {
  return translated("window", {
    inputs: [],
    late: { size: 0 },
    attributes: (node) => ({
      shape,
      periodic: node.integer("periodic", 1),
      to: elementType(node.integer("output_datatype", 1), node.name),
    }),
  });
}

/** Without a seed the draws are the same every time all the same: a run can be repeated. */
function seedOf(node: OnnxNode): number {
  return Math.trunc(node.float("seed", 0));
}

function typeOrLike(node: OnnxNode, scope: Scope): string {
  if (node.has("dtype")) return elementType(node.integer("dtype", 1), node.name);
  return knownType({ node, scope }, requiredInput(node, 0)) ?? "f32";
}

function drawing(node: OnnxNode, kind: string) {
  return {
    ...{ kind, seed: seedOf(node), low: node.float("low", 0), high: node.float("high", 1) },
    ...{ mean: node.float("mean", 0), deviation: node.float("scale", 1) },
  };
}

function importRandom(node: OnnxNode, scope: Scope, kind: string): void {
  const to = elementType(node.integer("dtype", 1), node.name);
  const attributes = { shape: node.integers("shape", []), to, ...drawing(node, kind) };
  scope.emit(node, { op: "random", inputs: [], attributes, outputs: [firstOutput(node)] });
}

function importLike(node: OnnxNode, scope: Scope, kind: string): void {
  const attributes = { to: typeOrLike(node, scope), ...drawing(node, kind) };
  finishWith({ node, scope }, "random_like", { inputs: [requiredInput(node, 0)], attributes });
}
