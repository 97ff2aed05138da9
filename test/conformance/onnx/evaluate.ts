/** One test of the suite: its model imported, run on every data set, and its outputs compared. */
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { decodeModel, importOnnx } from "../../../compiler/frontend/onnx/index.ts";
import type { Graph, Value } from "../../../compiler/ir/index.ts";
import { present } from "../../../protocol/base/assert.ts";
import { CodedError } from "../../../protocol/base/result.ts";
import { difference } from "./compare.ts";
import { dataSets } from "./suite.ts";
import type { DataSet } from "./suite.ts";
import { runOn } from "./backends.ts";
import type { Backend } from "./backends.ts";

export interface Verdict {
  readonly status: "pass" | "fail" | "unsupported";
  /** Empty for a test that passed. */
  readonly reason: string;
  /** Why the evaluator stood in for the backend in some data set; empty where it did not. */
  readonly fallback: string;
}

export interface Task {
  readonly folder: string;
  readonly backend: Backend;
}

export interface ConformanceRow extends Verdict {
  readonly test: string;
  readonly group: string;
}

/** Failures of an import that tell what a model is, not what went wrong. */
const PROPERTIES: ReadonlySet<string> = new Set(["UNSUPPORTED_OP", "UNSUPPORTED_TYPE"]);

export function runTest({ folder, backend }: Task): Verdict {
  let fallback = "";
  try {
    const bytes = readFileSync(join(folder, "model.onnx"));
    const imported = importOnnx(bytes);
    if (!imported.ok) {
      const status = PROPERTIES.has(imported.code) ? "unsupported" : "fail";
      return { status, reason: imported.message, fallback };
    }
    const message = present(decodeModel(bytes).graph, "graph");
    for (const set of dataSets(folder, message)) {
      const outcome = runSet(backend, imported.value, set);
      fallback ||= outcome.fallback;
      if (outcome.reason !== undefined) {
        return { status: "fail", reason: `${set.name}: ${outcome.reason}`, fallback };
      }
    }
    return { status: "pass", reason: "", fallback };
  } catch (error) {
    const isExpected = error instanceof CodedError;
    const text = error instanceof Error ? error.message : String(error);
    return { status: "fail", reason: isExpected ? text : `crash: ${text}`, fallback };
  }
}

interface SetOutcome {
  /** The first difference. */
  readonly reason: string | undefined;
  readonly fallback: string;
}

function runSet(backend: Backend, graph: Graph, set: DataSet): SetOutcome {
  const feeds = new Map<string, Value>();
  graph.inputs.forEach((name, index) => feeds.set(name, present(set.inputs[index], name)));
  const { outputs, fallback } = runOn(backend, graph, feeds);
  for (const [index, expected] of set.outputs.entries()) {
    const name = graph.outputs[index] ?? "";
    const found = difference(outputs.get(name), expected);
    if (found !== undefined) return { reason: `output ${name}: ${found}`, fallback };
  }
  return { reason: undefined, fallback };
}
