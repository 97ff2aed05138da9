/** ONNX bytes to the compiler's graph: functions inlined, shape arithmetic computed away where it can be. */
import { succeeded, toFailure } from "../../../protocol/base/result.ts";
import type { Result } from "../../../protocol/base/result.ts";
import type { Graph } from "../../ir/index.ts";
import { verify } from "../../ir/index.ts";
import { decodeModel, integer } from "./decode.ts";
import type { FunctionProto, GraphProto, ModelProto, NodeProto } from "./decode.ts";
import type { ReadExternal } from "./external.ts";
import { ImportError, LIMITS, refuse } from "./failure.ts";
import type { ImportCode } from "./failure.ts";
import { findFunction, functionsOf, inlined } from "./functions.ts";
import type { FunctionTable } from "./functions.ts";
import { canonicalDomain, onnxNode } from "./node.ts";
import { findHandler } from "./operators/table.ts";
import { importScope } from "./scope.ts";
import type { Body, NestedContext, Scope } from "./scope.ts";
import { readSparseTensor, readTensor } from "./tensors.ts";
import { boundTypes } from "./types.ts";

export interface ImportOptions {
  /** Shapes of graph inputs by name; they bind dimensions that the model leaves open. */
  readonly inputShapes?: ReadonlyMap<string, readonly number[]>;
  /** Sizes for the model's named dimensions, e.g. batch -> 1. */
  readonly dimensions?: ReadonlyMap<string, number>;
  /** Reads weights that lie in files beside the model. */
  readonly readExternal?: ReadExternal;
}

/** What the import of one model's graphs shares. */
interface Model {
  readonly functions: FunctionTable;
  readonly opsets: ReadonlyMap<string, number>;
  readonly readExternal: ReadExternal | undefined;
  /** How many nodes have been imported, copies of functions and nested graphs included. */
  readonly counter: { nodes: number };
  /** Nested graphs and calls around the present one. */
  readonly depth: number;
}

/**
 * The graph of an ONNX file; it is open where sizes are not bound or depend on the data. Weights are
 * views on `bytes` where their alignment allows, so the caller must not change them. Every failure
 * names the node or value and the reason.
 */
export function importOnnx(
  bytes: Uint8Array,
  options: ImportOptions = {},
): Result<Graph, ImportCode> {
  return importing(() => importModel(decodeModel(bytes), options));
}

/** The same of a model that is no file yet. */
export function importOnnxMessage(message: ModelProto): Result<Graph, ImportCode> {
  return importing(() => importModel(message, {}));
}

function importing(read: () => Graph): Result<Graph, ImportCode> {
  try {
    return succeeded(read());
  } catch (error) {
    if (error instanceof ImportError) return toFailure(error);
    throw error;
  }
}

function importModel(message: ModelProto, options: ImportOptions): Graph {
  const { graph } = message;
  if (!graph || (graph.node ?? []).length + (graph.initializer ?? []).length === 0) {
    return refuse("BAD_MODEL", "the file contains no graph");
  }
  const model: Model = {
    functions: functionsOf(message),
    opsets: opsetsOf(message.opsetImport),
    readExternal: options.readExternal,
    counter: { nodes: 0 },
    depth: 0,
  };
  const scope = importScope(graph.name ?? "", {
    importBody: (body, nested) => importBody(body, nested, model),
  });
  readInitializers(graph, scope, model);
  declareInputs(graph, scope, options);
  importNodes(graph.node ?? [], scope, model);
  return finishGraph(graph, scope);
}

function opsetsOf(imports: ModelProto["opsetImport"]): ReadonlyMap<string, number> {
  const versions = (imports ?? []).map(
    (each) => [canonicalDomain(each.domain), integer(each.version)] as const,
  );
  for (const [domain, version] of versions) {
    if (version < 1) refuse("UNSUPPORTED_OP", `operator set ${version} of "${domain}" is none`);
  }
  // The first files had no list of operator sets: it was set 1.
  return new Map([["", 1], ...versions]);
}

function readInitializers(graph: GraphProto, scope: Scope, model: Model): void {
  const define = (name: string, read: () => ReturnType<typeof readTensor>): void => {
    if (name === "" || scope.isDefined(name)) {
      refuse("BAD_MODEL", `initializer ${name} comes twice`);
    }
    scope.define(name, read());
  };
  for (const message of graph.initializer ?? []) {
    const name = message.name ?? "";
    define(name, () => readTensor(message, name, model.readExternal));
  }
  for (const message of graph.sparseInitializer ?? []) {
    const name = message.values?.name ?? "";
    define(name, () => readSparseTensor(message, name));
  }
}

function declareInputs(graph: GraphProto, scope: Scope, options: ImportOptions): void {
  // Files older than IR version 4 list their initializers among the inputs.
  const inputs = (graph.input ?? []).filter(({ name }) => !scope.isDefined(name ?? ""));
  if (inputs.some(({ name }) => (name ?? "") === "")) refuse("BAD_MODEL", "an input has no name");
  const shapes = options.inputShapes ?? new Map();
  const dimensions = options.dimensions ?? new Map();
  for (const [name, type] of boundTypes(inputs, { shapes, dimensions })) scope.input(name, type);
}

function importNodes(messages: readonly NodeProto[], scope: Scope, model: Model): void {
  for (const message of messages) {
    if (++model.counter.nodes > LIMITS.nodesMax) {
      refuse("LIMIT_EXCEEDED", `the model has more than ${LIMITS.nodesMax} nodes`);
    }
    const callee = findFunction(model.functions, message);
    if (callee === undefined) importNode(message, scope, model);
    else importCall(callee, message, { scope, model });
  }
}

function importNode(message: NodeProto, scope: Scope, model: Model): void {
  const domain = canonicalDomain(message.domain);
  const opset = model.opsets.get(domain) ?? 1;
  const node = onnxNode(message, { opset, readExternal: model.readExternal });
  const handler = findHandler(domain, node.opType);
  if (handler === undefined) {
    const place = domain === "" ? "" : ` of the domain ${domain}`;
    node.refuse("UNSUPPORTED_OP", `this operator${place} is not supported`);
  } else if (node.outputs.length === 0) node.refuse("BAD_MODEL", "it has no output");
  else {
    const again = node.outputs.find((name) => name !== "" && scope.isOwn(name));
    if (again !== undefined) node.refuse("BAD_MODEL", `writes ${again} again`);
    handler(node, scope);
  }
}

function importCall(
  callee: FunctionProto,
  call: NodeProto,
  { scope, model }: { scope: Scope; model: Model },
): void {
  const prefix = `${call.output?.find((name) => name !== "") ?? ""}/${callee.name ?? ""}`;
  importNodes(inlined(callee, call, `${prefix}.${model.counter.nodes}`), scope, {
    ...deeper(model, prefix),
    opsets: new Map([...model.opsets, ...opsetsOf(callee.opsetImport)]),
  });
}

/** Nested graphs and calls of functions go down only so far: a function may call itself. */
function deeper(model: Model, place: string): Model {
  if (model.depth >= LIMITS.depthMax) {
    refuse("LIMIT_EXCEEDED", `${place} lies more than ${LIMITS.depthMax} graphs deep`);
  }
  return { ...model, depth: model.depth + 1 };
}

function importBody(message: GraphProto, nested: NestedContext, model: Model): Body {
  const { owner, outer, inputTypes } = nested;
  const inner = deeper(model, owner.name);
  const scope = importScope(message.name ?? "", {
    outer,
    importBody: (body, context) => importBody(body, context, inner),
  });
  const formal = (message.input ?? []).map(({ name }) => name ?? "");
  if (formal.length !== inputTypes.length) {
    owner.refuse("BAD_MODEL", `its graph takes ${formal.length} inputs, not ${inputTypes.length}`);
  }
  for (const [index, name] of formal.entries()) {
    const type = inputTypes[index];
    if (type !== undefined) scope.input(name, type);
  }
  readNested(message, scope, inner);
  importNodes(message.node ?? [], scope, inner);
  const graph = scope.finish(outputsOf(message, scope));
  return { graph, captures: graph.inputs.slice(formal.length) };
}

/** A nested graph's own constants; their names are new. */
function readNested(message: GraphProto, scope: Scope, model: Model): void {
  for (const each of message.initializer ?? []) {
    scope.define(each.name ?? "", readTensor(each, each.name ?? "", model.readExternal));
  }
}

function finishGraph(graph: GraphProto, scope: Scope): Graph {
  const outputs = outputsOf(graph, scope);
  if (outputs.length === 0) refuse("BAD_MODEL", "the graph has no outputs");
  const verified = verify(scope.finish(outputs));
  return verified.ok ? verified.value : refuse("BAD_MODEL", verified.message);
}

function outputsOf(graph: GraphProto, scope: Scope): string[] {
  const outputs = (graph.output ?? []).map((output) => output.name ?? "");
  const unwritten = outputs.find((name) => !scope.isDefined(name));
  if (unwritten !== undefined) refuse("BAD_MODEL", `output ${unwritten} is never written`);
  return outputs;
}
