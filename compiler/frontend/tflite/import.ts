/** TFLite bytes to the compiler's graph: all shapes bound, weights permuted, layouts resolved. */
import { succeeded, toFailure } from "../../../protocol/base/result.ts";
import type { Result } from "../../../protocol/base/result.ts";
import { verify } from "../../ir/index.ts";
import type { Graph, TensorType } from "../../ir/index.ts";
import { ImportError, refuse } from "../failure.ts";
import type { ImportCode } from "../failure.ts";
import { flatFile, readModel } from "./flat-buffer.ts";
import { nameOf, newFrame, statesOf, tensorAt, valueAt } from "./frame.ts";
import type { Work } from "./frame.ts";
import { importOperators } from "./run-operators.ts";
import type { ModelTable, TensorTable } from "./schema.ts";
import { importScope } from "./scope.ts";
import { tensorType } from "./tensors.ts";

export interface TfliteOptions {
  /** Shapes of inputs by tensor name; they bind dimensions that the model leaves open. */
  readonly inputShapes?: ReadonlyMap<string, readonly number[]>;
  /** The key of the signature to import; the first subgraph without one. */
  readonly signature?: string;
}

/**
 * The graph of a TFLite file. Weights are views on `bytes` where possible, so the caller must not
 * change them. Every failure names the operator or tensor and the reason.
 */
export function importTflite(
  bytes: Uint8Array,
  options: TfliteOptions = {},
): Result<Graph, ImportCode> {
  try {
    return succeeded(importModel(bytes, options));
  } catch (error) {
    if (error instanceof ImportError) return toFailure(error);
    throw error;
  }
}

function importModel(bytes: Uint8Array, options: TfliteOptions): Graph {
  const file = flatFile(bytes);
  const model = readModel(file);
  const index = chosenSubgraph(model, options.signature);
  const scope = importScope(model.subgraphs[index]?.name ?? "");
  const work: Work = { file, model, scope, variables: new Map(), operators: 0 };
  const frame = newFrame(work, index);
  const { inputs, outputs } = frame.subgraph;
  if (outputs.length === 0) refuse("BAD_MODEL", "the graph has no outputs");
  for (const input of inputs) {
    const table = tensorAt(frame, input);
    const type = inputType(table, options.inputShapes?.get(table.name));
    frame.values.set(input, scope.input(nameOf(table, input), type));
  }
  importOperators(frame);
  const results = outputs.map((output) => valueAt(frame, output));
  const states = statesOf(work);
  const graph = scope.finish([...results, ...states.map(({ value }) => value)]);
  const stateful = states.length === 0 ? {} : { states: states.map(({ state }) => state) };
  const verified = verify({ ...graph, ...stateful });
  return verified.ok ? verified.value : refuse("BAD_MODEL", verified.message);
}

function chosenSubgraph(model: ModelTable, key: string | undefined): number {
  const signature = model.signatures.find((each) => each.key === key);
  if (key !== undefined && signature === undefined) {
    const known = model.signatures.map((each) => each.key).join(", ");
    refuse("BAD_MODEL", `there is no signature ${key}; the model has: ${known}`);
  }
  if (model.subgraphs.length === 0) refuse("BAD_MODEL", "the file contains no graph");
  return signature?.subgraph ?? 0;
}

/** Sizes that the file leaves open are 1 unless the caller binds them. */
function inputType(table: TensorTable, bound: readonly number[] | undefined): TensorType {
  const { shape, shapeSignature, name } = table;
  if (bound === undefined) return tensorType(table, shape);
  const declared = shapeSignature.length === 0 ? shape : shapeSignature;
  const fits = declared.every((size, axis) => size === -1 || size === bound[axis]);
  if (!fits || declared.length !== bound.length) {
    refuse("BAD_MODEL", `input ${name} is [${declared}], not [${bound}]`, { node: name });
  }
  return tensorType(table, bound);
}
