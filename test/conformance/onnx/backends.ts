/** How a test's model is run: by the evaluator, or compiled for the CPU with the evaluator to fall back on. */
import { compileCpu, runCpu } from "../../../compiler/codegen/cpu/index.ts";
import {
  closeGraph,
  evaluateValues,
  isFloat,
  isTensor,
  tensor,
} from "../../../compiler/ir/index.ts";
import type { Graph, Tensor, Value } from "../../../compiler/ir/index.ts";
import { optimize } from "../../../compiler/passes/index.ts";
import { present } from "../../../protocol/base/assert.ts";
import { failed, succeeded } from "../../../protocol/base/result.ts";
import type { Result } from "../../../protocol/base/result.ts";

export type Backend = "evaluator" | "cpu";

export interface Outcome {
  readonly outputs: ReadonlyMap<string, Value>;
  /** Why the evaluator stood in for the backend; empty where it did not. */
  readonly fallback: string;
}

export function runOn(backend: Backend, graph: Graph, feeds: ReadonlyMap<string, Value>): Outcome {
  if (backend === "evaluator") return { outputs: evaluateValues(graph, feeds), fallback: "" };
  const ran = runCompiled(graph, feeds);
  if (ran.ok) return { outputs: ran.value, fallback: "" };
  return { outputs: evaluateValues(graph, feeds), fallback: ran.message };
}

function runCompiled(
  graph: Graph,
  feeds: ReadonlyMap<string, Value>,
): Result<ReadonlyMap<string, Value>> {
  const tensors = new Map([...feeds].filter((feed): feed is [string, Tensor] => isTensor(feed[1])));
  const closed = bound(graph, tensors);
  if (!closed.ok) return closed;
  const optimized = optimize(closed.value);
  const program = compileCpu(optimized);
  if (!program.ok) return program;
  const inputs = new Map<string, Float32Array>();
  for (const name of optimized.inputs) {
    const { data } = present(tensors.get(name), name);
    if (!(data instanceof Float32Array)) return failed("UNSUPPORTED_TYPE", `${name} is no float32`);
    inputs.set(name, data);
  }
  const computed = runCpu(program.value, inputs);
  const results = new Map<string, Value>();
  for (const name of optimized.outputs) {
    const { dtype, shape } = present(optimized.types.get(name), name);
    const known = optimized.constants.get(name);
    if (known === undefined && dtype !== "f32") {
      return failed("UNSUPPORTED_TYPE", `${name} is ${dtype}, not float32`);
    }
    results.set(name, known ?? tensor({ dtype, shape }, present(computed.get(name), name)));
  }
  return succeeded(results);
}

/**
 * The graph for the shapes of its inputs and, where these do not settle it, the values of those that
 * are not floats or that attributes are read from.
 */
function bound(graph: Graph, tensors: ReadonlyMap<string, Tensor>): Result<Graph> {
  const shapes = new Map([...tensors].map(([name, { type }]) => [name, type.shape]));
  const closed = closeGraph(graph, { shapes });
  if (closed.ok) return closed;
  const late = new Set(
    graph.nodes.flatMap(({ inputs, late }) => [...(late?.values() ?? [])].map((at) => inputs[at])),
  );
  const values = new Map(
    [...tensors].filter(([name, { type }]) => !isFloat(type.dtype) || late.has(name)),
  );
  return closeGraph(graph, { shapes, values });
}
