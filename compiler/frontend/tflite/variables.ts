/** Resource variables: handles name them, and the graph carries them from one run to the next. */
import { allocate, elementCount, lazyTensor } from "../../ir/index.ts";
import type { Tensor } from "../../ir/index.ts";
import { assignVariable, variableValue } from "./frame.ts";
import type { Work } from "./frame.ts";
import { outputAt, requiredInput } from "./operator.ts";
import type { Operator } from "./operator.ts";
import { checkedShape, elementType } from "./tensors.ts";
import type { Value } from "./value.ts";

type VariableHandler = (op: Operator, work: Work) => readonly Value[];

export const VARIABLE_HANDLERS: ReadonlyMap<string, VariableHandler> = new Map([
  ["VAR_HANDLE", (op) => [handleOf(op)]],
  ["READ_VARIABLE", (op, work) => [variableValue(work, variableName(op), zerosOf(op))]],
  ["ASSIGN_VARIABLE", assign],
]);

function handleOf(op: Operator): Value {
  const { container, sharedName } = op.options("Variable");
  const { name } = outputAt(op, 0);
  const resource = `${container}/${sharedName}`;
  return { name, type: { dtype: "i32", shape: [] }, constant: undefined, held: {}, resource };
}

function variableName(op: Operator): string {
  return requiredInput(op, 0).resource ?? op.refuse("BAD_MODEL", "its input is no handle");
}

/** A variable that nothing has set begins with zeros of the type that is read. */
function zerosOf(op: Operator): Tensor {
  const { name, typeCode, shape, quantization } = outputAt(op, 0);
  const type = { dtype: elementType(typeCode, name), shape: checkedShape(shape, name) };
  const encoded = quantization === undefined ? type : { ...type, quantization };
  return lazyTensor(encoded, () => allocate(type.dtype, elementCount(type)));
}

/** What is assigned before any run (in a subgraph that is called once) is known: the initial value. */
function assign(op: Operator, work: Work): readonly Value[] {
  const [name, value] = [variableName(op), requiredInput(op, 1)];
  const known = work.variables.get(name);
  if (known === undefined && value.constant !== undefined) {
    work.variables.set(name, { input: undefined, initial: value.constant, current: undefined });
  } else assignVariable(work, name, value);
  return [];
}
