/** ONNX bytes to the compiler's graph: all shapes bound, shape arithmetic computed away. */
import { succeeded, toFailure } from "../../../protocol/base/result.ts";
import type { Result } from "../../../protocol/base/result.ts";
import type { Graph, TensorType } from "../../ir/index.ts";
import { verify } from "../../ir/index.ts";
import { decodeModel, integer } from "./decode.ts";
import type { GraphProto, ModelProto, ValueInfoProto } from "./decode.ts";
import { ImportError, LIMITS, refuse } from "./failure.ts";
import type { ImportCode } from "./failure.ts";
import { onnxNode } from "./node.ts";
import { HANDLERS } from "./operators/table.ts";
import { importScope } from "./scope.ts";
import type { Scope } from "./scope.ts";
import { checkedShape, elementType, readTensor } from "./tensors.ts";

export interface ImportOptions {
  /** Shapes of graph inputs by name; they bind dimensions that the model leaves open. */
  readonly inputShapes?: ReadonlyMap<string, readonly number[]>;
}

const OPSET_MIN = 7;

/**
 * The graph of an ONNX file. Weights are views on `bytes` where their alignment allows, so the
 * caller must not change them. Every failure names the node or value and the reason.
 */
export function importOnnx(
  bytes: Uint8Array,
  options: ImportOptions = {},
): Result<Graph, ImportCode> {
  try {
    return succeeded(importModel(decodeModel(bytes), options));
  } catch (error) {
    if (error instanceof ImportError) return toFailure(error);
    throw error;
  }
}

function importModel(model: ModelProto, options: ImportOptions): Graph {
  const { graph } = model;
  if (!graph || (graph.node ?? []).length + (graph.initializer ?? []).length === 0) {
    return refuse("BAD_MODEL", "the file contains no graph");
  }
  if ((graph.node ?? []).length > LIMITS.nodesMax) {
    refuse("LIMIT_EXCEEDED", `the model has more than ${LIMITS.nodesMax} nodes`);
  }
  const opset = opsetOf(model);
  const scope = importScope(graph.name ?? "");
  for (const message of graph.initializer ?? []) {
    const name = message.name ?? "";
    if (name === "" || scope.isDefined(name))
      refuse("BAD_MODEL", `initializer ${name} comes twice`);
    scope.define(name, readTensor(message, name));
  }
  declareInputs(graph, scope, options);
  for (const message of graph.node ?? []) {
    const node = onnxNode(message, opset);
    const domain = message.domain ?? "";
    const handler = domain === "" || domain === "ai.onnx" ? HANDLERS.get(node.opType) : undefined;
    if (handler === undefined) {
      const place = domain === "" ? "" : ` of the domain ${domain}`;
      node.refuse("UNSUPPORTED_OP", `this operator${place} is not supported`);
    } else if (node.outputs.length === 0) node.refuse("BAD_MODEL", "it has no output");
    else handler(node, scope);
  }
  return finishGraph(graph, scope);
}

function opsetOf(model: ModelProto): number {
  const main = model.opsetImport?.find(
    (each) => (each.domain ?? "") === "" || each.domain === "ai.onnx",
  );
  const opset = main === undefined ? 1 : integer(main.version);
  if (opset < OPSET_MIN)
    refuse("UNSUPPORTED_OP", `operator set ${opset} is older than ${OPSET_MIN}`);
  return opset;
}

function declareInputs(graph: GraphProto, scope: Scope, options: ImportOptions): void {
  for (const input of graph.input ?? []) {
    const name = input.name ?? "";
    // Files older than IR version 4 list their initializers among the inputs.
    if (scope.isDefined(name)) continue;
    if (name === "") refuse("BAD_MODEL", "an input has no name");
    scope.input(name, inputType(input, name, options.inputShapes?.get(name)));
  }
}

function inputType(
  input: ValueInfoProto,
  name: string,
  bound: readonly number[] | undefined,
): TensorType {
  const tensorType = input.type?.tensorType;
  if (!tensorType) return refuse("UNSUPPORTED_TYPE", `input ${name} is no tensor`, { node: name });
  const dtype = elementType(tensorType.elemType ?? 0, `input ${name}`);
  const dimensions = tensorType.shape?.dim;
  if (!dimensions && bound === undefined) {
    return refuse("DYNAMIC_SHAPE", `input ${name} has no shape; give one`, { node: name });
  }
  const declared = dimensions?.map((dim) => (dim.dimValue ? integer(dim.dimValue) : undefined));
  if (bound === undefined) {
    const shape = (declared ?? []).map((size, axis) => size ?? openDimension(name, axis));
    return { dtype, shape: checkedShape(shape, name) };
  }
  const fits = declared?.every((size, axis) => size === undefined || size === bound[axis]) ?? true;
  if (!fits || (declared !== undefined && declared.length !== bound.length)) {
    const wanted = declared?.map((size) => size ?? "?").join(",") ?? "";
    refuse("BAD_MODEL", `input ${name} is [${wanted}], not [${bound.join(",")}]`, { node: name });
  }
  return { dtype, shape: checkedShape(bound, name) };
}

function openDimension(name: string, axis: number): never {
  const message = `dimension ${axis} of input ${name} is open; give the input's shape`;
  return refuse("DYNAMIC_SHAPE", message, { node: name });
}

function finishGraph(graph: GraphProto, scope: Scope): Graph {
  const outputs = (graph.output ?? []).map((output) => output.name ?? "");
  if (outputs.length === 0) refuse("BAD_MODEL", "the graph has no outputs");
  const unwritten = outputs.find((name) => !scope.isDefined(name));
  if (unwritten !== undefined) refuse("BAD_MODEL", `output ${unwritten} is never written`);
  const verified = verify(scope.finish(outputs));
  return verified.ok ? verified.value : refuse("BAD_MODEL", verified.message);
}
