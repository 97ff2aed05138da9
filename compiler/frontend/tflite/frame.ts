/** One subgraph being imported: its tensors as values, its variables as state of the whole graph. */
import { allocate, elementCount, lazyTensor } from "../../ir/index.ts";
import type { GraphState, Tensor } from "../../ir/index.ts";
import { LIMITS, refuse } from "../failure.ts";
import type { FlatFile } from "./flat-buffer.ts";
import type { ModelTable, SubGraphTable, TensorTable } from "./schema.ts";
import type { Scope } from "./scope.ts";
import { RESOURCE, storedTensor, tensorType } from "./tensors.ts";
import type { Value } from "./value.ts";

/** What all subgraphs of one import share. */
export interface Work {
  readonly file: FlatFile;
  readonly model: ModelTable;
  readonly scope: Scope;
  /** By name: what variables hold now. */
  readonly variables: Map<string, Variable>;
  /** Operators imported so far, inlined ones counted each time. */
  operators: number;
}

export interface Variable {
  /** The graph's input for it; absent for one that was assigned before it was read. */
  input: Value | undefined;
  initial: Tensor | undefined;
  current: Value | undefined;
}

export interface Frame {
  readonly work: Work;
  readonly subgraph: SubGraphTable;
  readonly depth: number;
  /** By tensor index. */
  readonly values: Map<number, Value>;
}

const DEPTH_MAX = 16;

export function newFrame(work: Work, index: number, depth = 0): Frame {
  const subgraph = work.model.subgraphs[index];
  if (subgraph === undefined) return refuse("BAD_MODEL", `there is no graph ${index}`);
  if (depth > DEPTH_MAX) refuse("LIMIT_EXCEEDED", "graphs call each other too deeply");
  return { work, subgraph, depth, values: new Map() };
}

/** Counts an operator against the limit. */
export function countOperator(work: Work): void {
  work.operators += 1;
  if (work.operators > LIMITS.nodesMax) {
    refuse("LIMIT_EXCEEDED", `the model has more than ${LIMITS.nodesMax} operators`);
  }
}

export function tensorAt(frame: Frame, index: number): TensorTable {
  const table = frame.subgraph.tensors[index];
  return table ?? refuse("BAD_MODEL", `the graph refers to tensor ${index}, which does not exist`);
}

export function nameOf(table: TensorTable, index: number): string {
  return table.name === "" ? `tensor.${index}` : table.name;
}

/** The value of a tensor: written by an operator, held by the file, or state from the last run. */
export function valueAt(frame: Frame, index: number): Value {
  const written = frame.values.get(index);
  if (written !== undefined) return written;
  const table = tensorAt(frame, index);
  const value = firstValue(frame, table, index);
  frame.values.set(index, value);
  return value;
}

function firstValue(frame: Frame, table: TensorTable, index: number): Value {
  const { file, model, scope } = frame.work;
  const name = nameOf(table, index);
  if (table.isVariable) return variableValue(frame.work, variableOf(frame, index), zeros(table));
  const stored = table.type === RESOURCE ? undefined : storedTensor(file, model, table);
  if (stored !== undefined) return scope.constant(name, stored);
  return refuse("BAD_MODEL", `${name} is read, but nobody has written it`, { node: name });
}

function variableOf(frame: Frame, index: number): string {
  return nameOf(tensorAt(frame, index), index);
}

/** Variables begin as zeros; int8 ones as their zero point. */
function zeros(table: TensorTable): Tensor {
  const type = tensorType(table, table.shape);
  const zero = type.quantization?.zeroPoints[0] ?? 0;
  // Fetched when a run begins: a shape alone must not cost memory.
  return lazyTensor(type, () => {
    const data = allocate(type.dtype, elementCount(type));
    if (type.dtype === "i8") (data as Int8Array).fill(zero);
    return data;
  });
}

/** What a variable holds: the graph gets an input for it when it is read for the first time. */
export function variableValue(work: Work, name: string, otherwise?: Tensor): Value {
  const known = work.variables.get(name);
  if (known?.current !== undefined) return known.current;
  const initial = known?.initial ?? otherwise;
  if (initial === undefined)
    return refuse("BAD_MODEL", `variable ${name} is read before it is set`);
  const input = work.scope.input(name, initial.type);
  work.variables.set(name, { input, initial, current: input });
  return input;
}

export function assignVariable(work: Work, name: string, value: Value): void {
  const known = work.variables.get(name);
  work.variables.set(name, { input: known?.input, initial: known?.initial, current: value });
}

/** A tensor that an operator updates in place, such as the state of an LSTM. */
export function assignTensor(frame: Frame, index: number, value: Value): void {
  frame.values.set(index, value);
  if (tensorAt(frame, index).isVariable) {
    assignVariable(frame.work, variableOf(frame, index), value);
  }
}

interface Ending {
  readonly state: GraphState;
  readonly value: Value;
}

/** The variables that were read, as state of the graph, with the values that they end with. */
export function statesOf(work: Work): readonly Ending[] {
  return [...work.variables].flatMap(([, { input, initial, current }]) => {
    if (input === undefined || initial === undefined || current === undefined) return [];
    const name = work.scope.nameOf(input, "rows");
    const output = work.scope.nameOf(current, "rows");
    return [{ state: { input: name, output, initial }, value: current }];
  });
}
