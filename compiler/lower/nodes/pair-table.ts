/** Operators on two int8 tensors whose rule has no kernel: what the evaluator makes of every pair of numbers. */
import { evaluate, tensorFrom } from "../../ir/index.ts";
import type { Graph, Tensor } from "../../ir/index.ts";
import { unsupported } from "../failure.ts";
import type { NodeContext } from "./context.ts";

const NUMBERS = 256;
const LOWEST = -128;

/** Results by (a + 128) * 256 + b + 128, where `a` is the input at the first position. */
export function pairTable(
  { node, type, outputType }: NodeContext,
  [first, second]: readonly [number, number],
): Int8Array {
  const all = (input: number, shape: readonly number[]): Tensor =>
    tensorFrom({ ...type(input), shape }, (index) => LOWEST + index);
  const operands = new Map([
    [`${first}`, all(first, [NUMBERS, 1])],
    [`${second}`, all(second, [1, NUMBERS])],
  ]);
  const inputs = ["0", "1"];
  const types = new Map([...operands].map(([name, { type }]) => [name, type]));
  types.set("y", { ...outputType, shape: [NUMBERS, NUMBERS] });
  const alone: Graph = {
    ...{ name: node.name, inputs, outputs: ["y"], types, open: new Map(), constants: new Map() },
    nodes: [{ ...node, inputs, outputs: ["y"] }],
  };
  return evaluate(alone, operands).get("y")?.data as Int8Array;
}

/** The table of a `lut_pair`, turned where the second operand comes first. */
export function givenTable(
  { node, constant }: NodeContext,
  [first]: readonly [number, number],
): Int8Array {
  const table = constant(2)?.data;
  if (!(table instanceof Int8Array)) throw unsupported(node.name, "a variable table");
  if (first === 0) return table;
  return table.map((_, at) => table[(at % NUMBERS) * NUMBERS + Math.floor(at / NUMBERS)] ?? 0);
}
