/** Runs a model file over golden cases and says how near it came. */
import { present } from "../../protocol/base/assert.ts";
import { CodedError } from "../../protocol/base/result.ts";
import { importModel } from "../../compiler/frontend/import.ts";
import { evaluate } from "../../compiler/ir/index.ts";
import type { Graph, Tensor } from "../../compiler/ir/index.ts";
import { compare, merged } from "./compare.ts";
import type { Bar, Comparison } from "./compare.ts";
import type { GoldenStep, GoldenTensor } from "./golden-case.ts";

export type Outcome =
  | { readonly status: "pass" | "fail"; readonly comparison: Comparison }
  /** The model cannot be loaded or run: a property of its file, told by the front end. */
  | { readonly status: "unsupported"; readonly reason: string };

/** `barOf` may judge every output by its own golden. */
export function runCases(
  bytes: Uint8Array,
  cases: readonly (readonly GoldenStep[])[],
  barOf: (golden: Tensor) => Bar,
): Outcome {
  const first = present(cases[0]?.[0], "a golden case");
  const inputShapes = new Map(first.inputs.map(({ name, value }) => [name, value.type.shape]));
  const imported = importModel(bytes, { inputShapes });
  if (!imported.ok) return { status: "unsupported", reason: imported.message };
  const graph = imported.value;
  try {
    const comparison = merged(cases.flatMap((steps) => runSteps(graph, steps, barOf)));
    return { status: comparison.passed ? "pass" : "fail", comparison };
  } catch (error) {
    if (error instanceof CodedError) return { status: "unsupported", reason: error.message };
    throw error;
  }
}

function runSteps(
  graph: Graph,
  steps: readonly GoldenStep[],
  barOf: (golden: Tensor) => Bar,
): readonly Comparison[] {
  const { states = [] } = graph;
  const inputs = graph.inputs.filter((name) => !states.some(({ input }) => input === name));
  const outputs = graph.outputs.slice(0, graph.outputs.length - states.length);
  let state = new Map(states.map(({ input, initial }) => [input, initial]));
  return steps.flatMap((step) => {
    const feeds = matched(inputs, step.inputs).map(([name, { value }]) => {
      return [name, { ...value, type: present(graph.types.get(name), name) }] as const;
    });
    const results = evaluate(graph, new Map([...state, ...feeds]));
    state = new Map(
      states.map(({ input, output }) => [input, present(results.get(output), output)]),
    );
    return matched(outputs, step.outputs).map(([name, { value }]) =>
      compare(present(results.get(name), name), value, barOf(value)),
    );
  });
}

/** Goldens by name where the names are the graph's, and by position elsewhere. */
function matched(
  names: readonly string[],
  goldens: readonly GoldenTensor[],
): readonly (readonly [string, GoldenTensor])[] {
  const byName = new Map(goldens.map((golden) => [golden.name, golden]));
  const known = byName.size === goldens.length && goldens.every(({ name }) => names.includes(name));
  return names.slice(0, goldens.length).map((name, index) => {
    const golden = known ? byName.get(name) : goldens[index];
    return [name, present(golden, `golden of ${name}`)] as const;
  });
}
