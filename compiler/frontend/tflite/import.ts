/** TFLite bytes to the compiler's graph: all shapes bound, weights permuted, layouts resolved. */
import { succeeded, toFailure } from "../../../protocol/base/result.ts";
import type { Result } from "../../../protocol/base/result.ts";
import { verify } from "../../ir/index.ts";
import type { Graph, TensorType } from "../../ir/index.ts";
import { ImportError, LIMITS, refuse } from "../failure.ts";
import type { ImportCode } from "../failure.ts";
import { flatFile, readModel, readOptions } from "./flat-buffer.ts";
import type { FlatFile } from "./flat-buffer.ts";
import { OPCODES } from "./opcodes.ts";
import type { Operator } from "./operator.ts";
import { HANDLERS } from "./operators/table.ts";
import type { ModelTable, OperatorTable, SubGraphTable, TensorTable } from "./schema.ts";
import { importScope } from "./scope.ts";
import type { Scope } from "./scope.ts";
import { encodingOf, storedTensor, tensorType } from "./tensors.ts";
import type { Value } from "./value.ts";

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

/** One subgraph being imported. */
interface Frame {
  readonly file: FlatFile;
  readonly model: ModelTable;
  readonly subgraph: SubGraphTable;
  readonly scope: Scope;
  /** By tensor index. */
  readonly values: Map<number, Value>;
}

function importModel(bytes: Uint8Array, options: TfliteOptions): Graph {
  const file = flatFile(bytes);
  const model = readModel(file);
  const subgraph = chosenSubgraph(model, options.signature);
  if (subgraph.operators.length > LIMITS.nodesMax) {
    refuse("LIMIT_EXCEEDED", `the model has more than ${LIMITS.nodesMax} operators`);
  }
  const scope = importScope(subgraph.name);
  const frame: Frame = { file, model, subgraph, scope, values: new Map() };
  for (const index of subgraph.inputs) {
    const table = tensorAt(frame, index);
    const type = inputType(table, options.inputShapes?.get(table.name));
    frame.values.set(index, scope.input(table.name, type));
  }
  importOperators(frame);
  const outputs = subgraph.outputs.map((index) => valueAt(frame, index));
  if (outputs.length === 0) refuse("BAD_MODEL", "the graph has no outputs");
  const verified = verify(scope.finish(outputs));
  return verified.ok ? verified.value : refuse("BAD_MODEL", verified.message);
}

function chosenSubgraph(model: ModelTable, key: string | undefined): SubGraphTable {
  const signature = model.signatures.find((each) => each.key === key);
  if (key !== undefined && signature === undefined) {
    const known = model.signatures.map((each) => each.key).join(", ");
    refuse("BAD_MODEL", `there is no signature ${key}; the model has: ${known}`);
  }
  const subgraph = model.subgraphs[signature?.subgraph ?? 0];
  return subgraph ?? refuse("BAD_MODEL", "the file contains no graph");
}

function tensorAt(frame: Frame, index: number): TensorTable {
  const table = frame.subgraph.tensors[index];
  return table ?? refuse("BAD_MODEL", `the graph refers to tensor ${index}, which does not exist`);
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

/** The value of a tensor: written by an operator, or held by the file. */
function valueAt(frame: Frame, index: number): Value {
  const written = frame.values.get(index);
  if (written !== undefined) return written;
  const table = tensorAt(frame, index);
  const stored = storedTensor(frame.file, frame.model, table);
  if (stored === undefined) {
    return refuse("BAD_MODEL", `${nameOf(table, index)} is read, but nobody has written it`);
  }
  const value = frame.scope.constant(nameOf(table, index), stored);
  frame.values.set(index, value);
  return value;
}

function nameOf(table: TensorTable, index: number): string {
  return table.name === "" ? `tensor.${index}` : table.name;
}

function importOperators(frame: Frame): void {
  for (const table of frame.subgraph.operators) {
    const op = operatorOf(frame, table);
    const handler = HANDLERS.get(op.code);
    if (handler === undefined) op.refuse("UNSUPPORTED_OP", "this operator is not supported");
    else bind(frame, table, handler(op, frame.scope));
  }
}

function bind(frame: Frame, table: OperatorTable, values: readonly Value[]): void {
  for (const [position, value] of values.entries()) {
    const index = table.outputs[position] ?? -1;
    if (index >= 0) frame.values.set(index, value);
  }
}

function operatorOf(frame: Frame, table: OperatorTable): Operator {
  const { file, subgraph } = frame;
  const code = codeOf(frame.model, table);
  const outputs = table.outputs.map((index) => {
    const tensor = tensorAt(frame, index);
    const [quantization, typeCode] = [encodingOf(tensor), tensor.type];
    return { name: nameOf(tensor, index), typeCode, shape: tensor.shape, quantization };
  });
  const [first = -1] = table.outputs;
  const name = outputs[0]?.name ?? `${code} of ${subgraph.name}`;
  if (first < 0) refuse("BAD_MODEL", `operator ${name} (${code}) has no output`);
  return {
    name,
    code,
    inputs: table.inputs.map((index) => (index === -1 ? undefined : valueAt(frame, index))),
    outputs,
    customOptions: table.customOptions,
    options: (options) => readOptions(file, table.options ?? table.options2, options),
    refuse: (reasonCode, reason) =>
      refuse(reasonCode, `operator ${name} (${code}): ${reason}`, { node: name, operator: code }),
  };
}

const CUSTOM = "CUSTOM";
/** In the old field of one byte this number says that the new field has the operator. */
const PLACEHOLDER = 127;

function codeOf(model: ModelTable, table: OperatorTable): string {
  const code = model.operatorCodes[table.codeIndex];
  if (code === undefined) return refuse("BAD_MODEL", `operator code ${table.codeIndex} is missing`);
  const number = code.oldCode === PLACEHOLDER ? code.code : Math.max(code.oldCode, code.code);
  const name = OPCODES[number] ?? refuse("UNSUPPORTED_OP", `there is no operator ${number}`);
  return name === CUSTOM ? code.customCode : name;
}
