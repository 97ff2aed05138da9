/** One test of the suite: its model imported, run on every data set, and its outputs compared. */
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { decodeModel, importOnnx } from "../../../compiler/frontend/onnx/index.ts";
import { evaluateValues } from "../../../compiler/ir/index.ts";
import type { Graph, Value } from "../../../compiler/ir/index.ts";
import { present } from "../../../protocol/base/assert.ts";
import { CodedError } from "../../../protocol/base/result.ts";
import { difference } from "./compare.ts";
import { dataSets } from "./suite.ts";
import type { DataSet } from "./suite.ts";

export interface Verdict {
  readonly status: "pass" | "fail" | "unsupported";
  /** Empty for a test that passed. */
  readonly reason: string;
}

export interface ConformanceRow extends Verdict {
  readonly test: string;
  readonly group: string;
}

/** Failures of an import that tell what a model is, not what went wrong. */
const PROPERTIES: ReadonlySet<string> = new Set(["UNSUPPORTED_OP", "UNSUPPORTED_TYPE"]);

export function runTest(folder: string): Verdict {
  try {
    const bytes = readFileSync(join(folder, "model.onnx"));
    const imported = importOnnx(bytes);
    if (!imported.ok) {
      const status = PROPERTIES.has(imported.code) ? "unsupported" : "fail";
      return { status, reason: imported.message };
    }
    const message = present(decodeModel(bytes).graph, "graph");
    for (const set of dataSets(folder, message)) {
      const reason = runSet(imported.value, set);
      if (reason !== undefined) return { status: "fail", reason: `${set.name}: ${reason}` };
    }
    return { status: "pass", reason: "" };
  } catch (error) {
    const isExpected = error instanceof CodedError;
    const text = error instanceof Error ? error.message : String(error);
    return { status: "fail", reason: isExpected ? text : `crash: ${text}` };
  }
}

function runSet(graph: Graph, set: DataSet): string | undefined {
  const feeds = new Map<string, Value>();
  graph.inputs.forEach((name, index) => feeds.set(name, present(set.inputs[index], name)));
  const outputs = evaluateValues(graph, feeds);
  for (const [index, expected] of set.outputs.entries()) {
    const name = graph.outputs[index] ?? "";
    const found = difference(outputs.get(name), expected);
    if (found !== undefined) return `output ${name}: ${found}`;
  }
  return undefined;
}
