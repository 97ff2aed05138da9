/** Imports the operators of a subgraph one after the other, those that run other subgraphs included. */
import { refuse } from "../failure.ts";
import { readOptions } from "./flat-buffer.ts";
import { assignTensor, countOperator, nameOf, newFrame, tensorAt, valueAt } from "./frame.ts";
import type { Frame } from "./frame.ts";
import { OPCODES } from "./opcodes.ts";
import type { Operator } from "./operator.ts";
import { requiredInput } from "./operator.ts";
import { HANDLERS } from "./operators/table.ts";
import type { ModelTable, OperatorTable } from "./schema.ts";
import { encodingOf } from "./tensors.ts";
import type { Value } from "./value.ts";
import { VARIABLE_HANDLERS } from "./variables.ts";

/** Files are sorted, or nearly so. */
const SWEEPS_MAX = 64;

/** Operators that the file lists before what they read wait until it is written. */
export function importOperators(frame: Frame): void {
  let waiting: readonly OperatorTable[] = frame.subgraph.operators;
  for (let sweep = 0; waiting.length > 0; sweep++) {
    if (sweep > SWEEPS_MAX) refuse("LIMIT_EXCEEDED", "the operators are in no order");
    const late = waiting.filter((table) => !importIfReady(frame, table));
    // Nothing is ready: the first one's missing input is the reason.
    const [first] = late;
    if (late.length === waiting.length && first !== undefined) importOperator(frame, first);
    waiting = late;
  }
}

function importIfReady(frame: Frame, table: OperatorTable): boolean {
  const { operators } = frame.subgraph;
  const writes = (index: number): boolean =>
    !frame.values.has(index) && writersOf(frame, operators).has(index);
  if (table.inputs.some((index) => index >= 0 && writes(index))) return false;
  importOperator(frame, table);
  return true;
}

const WRITERS = new WeakMap<readonly OperatorTable[], ReadonlySet<number>>();

/** The tensors that some operator of a subgraph writes. */
function writersOf(frame: Frame, operators: readonly OperatorTable[]): ReadonlySet<number> {
  const known = WRITERS.get(operators);
  if (known !== undefined) return known;
  const written = new Set(operators.flatMap(({ outputs }) => outputs));
  WRITERS.set(frame.subgraph.operators, written);
  return written;
}

function importOperator(frame: Frame, table: OperatorTable): void {
  countOperator(frame.work);
  const op = operatorOf(frame, table);
  const results = resultsOf(frame, op);
  if (results.length < table.outputs.length) op.refuse("BAD_MODEL", "it has too many outputs");
  for (const [position, value] of results.entries()) {
    const index = table.outputs[position] ?? -1;
    if (index >= 0) frame.values.set(index, value);
  }
}

/** Operators whose weights may have a scale for every channel. */
const PER_CHANNEL = [
  ...["CONV_2D", "DEPTHWISE_CONV_2D", "TRANSPOSE_CONV", "FULLY_CONNECTED", "BATCH_MATMUL"],
  ...["DEQUANTIZE", "DENSIFY", "UNIDIRECTIONAL_SEQUENCE_LSTM", "LSTM", "SVDF"],
];

/** Anything but weights has one encoding. */
function requireOneEncoding(op: Operator): void {
  const isWeights = (position: number): boolean => position > 0 && PER_CHANNEL.includes(op.code);
  const isData = op.code === "TRANSPOSE_CONV" ? 2 : 0;
  for (const [position, value] of op.inputs.entries()) {
    const scales = value?.type.quantization?.scales.length ?? 1;
    const allowed = isWeights(position) && position !== isData;
    if (scales !== 1 && !allowed && !["DEQUANTIZE", "DENSIFY"].includes(op.code)) {
      op.refuse("UNSUPPORTED_TYPE", `${value?.name ?? ""} has a scale for every channel`);
    }
  }
}

function resultsOf(frame: Frame, op: Operator): readonly Value[] {
  requireOneEncoding(op);
  const handler = HANDLERS.get(op.code);
  if (handler !== undefined) return handler(op, frame.work.scope);
  const variable = VARIABLE_HANDLERS.get(op.code);
  if (variable !== undefined) return variable(op, frame.work);
  switch (op.code) {
    case "CALL":
      return inlined(frame, op, { index: op.options("Call").subgraph });
    case "STABLEHLO_COMPOSITE":
      return inlined(frame, op, { index: op.options("Composite").subgraph });
    case "CALL_ONCE":
      inlined(frame, op, { index: op.options("Call").subgraph });
      return [];
    case "IF":
      return chosenBranch(frame, op);
    default:
      return unsupported(op);
  }
}

interface Call {
  readonly index: number;
  /** The input of the operator that is the subgraph's first. */
  readonly first?: number;
}

/** The operators of a subgraph in place of one that calls it. */
function inlined(frame: Frame, op: Operator, { index, first = 0 }: Call): readonly Value[] {
  const callee = newFrame(frame.work, index, frame.depth + 1);
  for (const [position, input] of callee.subgraph.inputs.entries()) {
    callee.values.set(input, requiredInput(op, first + position));
  }
  importOperators(callee);
  return callee.subgraph.outputs.map((output) => valueAt(callee, output));
}

function chosenBranch(frame: Frame, op: Operator): readonly Value[] {
  const { then, otherwise } = op.options("If");
  const { constant } = requiredInput(op, 0);
  if (constant === undefined) {
    return op.refuse("UNSUPPORTED_OP", "its condition depends on the input");
  }
  return inlined(frame, op, { index: constant.data[0] === 0 ? otherwise : then, first: 1 });
}

function unsupported(op: Operator): never {
  const { code } = op;
  if (!code.startsWith("Flex"))
    return op.refuse("UNSUPPORTED_OP", "this operator is not supported");
  const name = code.slice("Flex".length);
  const advice = `${name} of TensorFlow runs only inside TensorFlow; convert the model without SELECT_TF_OPS`;
  return op.refuse("UNSUPPORTED_OP", advice);
}

function operatorOf(frame: Frame, table: OperatorTable): Operator {
  const { subgraph, work } = frame;
  const code = codeOf(work.model, table);
  const outputs = table.outputs.map((index) => {
    const tensor = tensorAt(frame, index);
    const [quantization, typeCode] = [encodingOf(tensor), tensor.type];
    return { name: nameOf(tensor, index), typeCode, shape: tensor.shape, quantization };
  });
  const name = outputs[0]?.name ?? `${code} of ${subgraph.name}`;
  const inputs = table.inputs.map((index) => (index === -1 ? undefined : valueAt(frame, index)));
  return {
    name,
    code,
    inputs,
    outputs,
    intermediates: table.intermediates.map((index) => encodingOf(tensorAt(frame, index))),
    customOptions: table.customOptions,
    options: (options) => readOptions(work.file, table.options ?? table.options2, options),
    assign: (position, value) => assignTensor(frame, table.inputs[position] ?? -1, value),
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
