/** Classical machine learning: tree ensembles, label maps and feature pickers. */
import { product } from "../../../protocol/base/integers.ts";
import type { Tensor, TensorType } from "../graph.ts";
import {
  inputTensor,
  inputType,
  numberAttribute,
  numbersAttribute,
  outputType,
  requireThat,
  stored,
  textsAttribute,
  whole,
} from "../operator.ts";
import type { EvaluationCall, InferenceCall, Operator, StoredRule } from "../operator.ts";
import { numeric, tensorFrom } from "../tensor.ts";

// Bound once: a lookup on the global object costs more than the operation in some hosts.
const { floor } = Math;

export const LEARNED_OPS = {
  label_map: {
    docs: "The value (third input) of the key (second input) that equals x, the fourth input for none.",
    inputs: [4, 4],
    attributes: {},
    infer: (call) => {
      requireThat(
        inputType(call, 0).dtype === inputType(call, 1).dtype,
        "x and keys differ in type",
      );
      return [{ dtype: inputType(call, 2).dtype, shape: inputType(call, 0).shape }];
    },
    evaluator: stored(labelStored),
    quantized: "none",
  },
  pick_features: {
    docs: "The columns of x that the second input numbers.",
    inputs: [2, 2],
    attributes: {},
    infer: (call) => {
      const [x, picked] = [inputType(call, 0), inputType(call, 1)];
      const rows = x.shape.length === 1 ? [1] : x.shape.slice(0, -1);
      return [{ dtype: x.dtype, shape: [...rows, product(picked.shape)] }];
    },
    evaluator: stored(pickStored),
    quantized: "none",
  },
  tree_ensemble: {
    docs: "The sum, mean, least or largest of the leaf weights that every tree gives a row of x [batch,features], per target.",
    inputs: [1, 1],
    attributes: {
      targets: numberAttribute(1),
      /** 0 mean, 1 sum, 2 least, 3 largest. */
      aggregate: numberAttribute(1),
      roots: numbersAttribute(),
      features: numbersAttribute(),
      splits: numbersAttribute(),
      /** leq, lt, gte, gt, eq, neq or member, per node. */
      modes: textsAttribute(),
      true_nodes: numbersAttribute(),
      true_leaves: numbersAttribute(),
      false_nodes: numbersAttribute(),
      false_leaves: numbersAttribute(),
      missing_true: numbersAttribute([]),
      /** The members of each set, divided by NaN, in the order of the nodes that use one. */
      members: numbersAttribute([]),
      leaf_targets: numbersAttribute(),
      leaf_weights: numbersAttribute(),
    },
    infer: inferTrees,
    evaluator: whole(evaluateTrees),
    quantized: "none",
  },
} as const satisfies Record<string, Operator>;

function labelStored(call: EvaluationCall): StoredRule {
  const { data } = inputTensor(call, 0);
  const [keys, values] = [inputTensor(call, 1).data, inputTensor(call, 2).data];
  const [otherwise = 0] = inputTensor(call, 3).data;
  const places = new Map<string | number | bigint, number>();
  for (let at = 0; at < keys.length; at++) places.set(keys[at] ?? 0, at);
  return (index) => {
    const place = places.get(data[index] ?? 0);
    return place === undefined ? otherwise : (values[place] ?? 0);
  };
}

function pickStored(call: EvaluationCall): StoredRule {
  const { type, data } = inputTensor(call, 0);
  const picked = numeric(inputTensor(call, 1));
  const columns = type.shape.at(-1) ?? 1;
  return (index) =>
    data[floor(index / picked.length) * columns + (picked[index % picked.length] ?? 0)] ?? 0;
}

function inferTrees(call: InferenceCall): readonly TensorType[] {
  const { dtype, shape } = inputType(call, 0);
  requireThat(shape.length === 2, "x must be [batch, features]");
  return [{ dtype, shape: [shape[0] ?? 0, call.attributes.number("targets")] }];
}

interface Forest {
  /** Whether node number `at` sends the value to its true branch. */
  readonly holds: (at: number, value: number) => boolean;
  readonly numbers: (name: string) => readonly number[];
}

function forestOf(call: EvaluationCall): Forest {
  const numbers = (name: string) => call.attributes.numbers(name);
  const [splits, missing] = [numbers("splits"), numbers("missing_true")];
  const modes = call.attributes.texts("modes");
  const sets = memberSets(numbers("members"));
  const setOf = new Map<number, ReadonlySet<number>>();
  for (const [at, mode] of modes.entries()) {
    if (mode === "member") setOf.set(at, sets[setOf.size] ?? new Set());
  }
  const holds = (at: number, value: number): boolean => {
    if (value !== value) return (missing[at] ?? 0) !== 0;
    const split = splits[at] ?? 0;
    switch (modes[at]) {
      case "leq":
        return value <= split;
      case "lt":
        return value < split;
      case "gte":
        return value >= split;
      case "gt":
        return value > split;
      case "eq":
        return value === split;
      case "neq":
        return value !== split;
      default:
        return setOf.get(at)?.has(value) ?? false;
    }
  };
  return { holds, numbers };
}

function memberSets(members: readonly number[]): readonly ReadonlySet<number>[] {
  const sets: Set<number>[] = [new Set()];
  for (const member of members) {
    if (member === member) sets.at(-1)?.add(member);
    else sets.push(new Set());
  }
  return sets;
}

function evaluateTrees(call: EvaluationCall): readonly Tensor[] {
  const type = outputType(call);
  const [rows = 0, targets = 1] = type.shape;
  const x = numeric(inputTensor(call, 0));
  const width = inputTensor(call, 0).type.shape[1] ?? 1;
  const forest = forestOf(call);
  const leafOf = leafFinder(forest);
  const roots = forest.numbers("roots");
  const [owners, weights] = [forest.numbers("leaf_targets"), forest.numbers("leaf_weights")];
  const combine = combination(call.attributes.number("aggregate"));
  const scale = call.attributes.number("aggregate") === 0 ? 1 / roots.length : 1;
  const totals = new Array<number | undefined>(rows * targets).fill(undefined);
  for (let row = 0; row < rows; row++) {
    for (const root of roots) {
      const leaf = leafOf(root, (feature) => x[row * width + feature] ?? 0);
      const at = row * targets + (owners[leaf] ?? 0);
      const held = totals[at];
      const weight = weights[leaf] ?? 0;
      totals[at] = held === undefined ? weight : combine(held, weight);
    }
  }
  return [tensorFrom(type, (index) => scale * (totals[index] ?? 0))];
}

function combination(aggregate: number): (held: number, weight: number) => number {
  if (aggregate === 2) return Math.min;
  if (aggregate === 3) return Math.max;
  return (held, weight) => held + weight;
}

/** Walks from a root to a leaf; a walk longer than there are nodes goes in circles. */
function leafFinder({ holds, numbers }: Forest) {
  const features = numbers("features");
  const branches = [
    { next: numbers("false_nodes"), isLeaf: numbers("false_leaves") },
    { next: numbers("true_nodes"), isLeaf: numbers("true_leaves") },
  ] as const;
  return (root: number, valueOf: (feature: number) => number): number => {
    let at = root;
    for (let steps = 0; steps <= features.length; steps++) {
      const { next, isLeaf } = branches[Number(holds(at, valueOf(features[at] ?? 0))) as 0 | 1];
      const target = next[at] ?? 0;
      if ((isLeaf[at] ?? 0) !== 0) return target;
      at = target;
    }
    requireThat(false, "a tree goes in circles");
    return 0;
  };
}
