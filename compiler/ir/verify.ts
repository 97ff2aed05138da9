/** Checks that a graph is what the rest of the compiler takes for granted. */
import { failed, succeeded } from "../../protocol/base/result.ts";
import type { Failure, Result } from "../../protocol/base/result.ts";
import type { Graph, Node, TensorType } from "./graph.ts";
import { findOperator, inferTypes } from "./ops.ts";
import { elementCount, sameType } from "./tensor.ts";

export type VerifyCode = "BAD_GRAPH";

/**
 * Names are unique, every value is written once and before it is read, every constant fills its
 * type, and every node's output types are what its operator infers. The failure names the node.
 */
export function verify(graph: Graph): Result<Graph, VerifyCode> {
  const written = new Set<string>();
  for (const name of [...graph.inputs, ...graph.constants.keys()]) {
    if (name === "" || written.has(name)) return refuse(name, "is written twice");
    written.add(name);
    if (!graph.types.has(name)) return refuse(name, "has no type");
  }
  const flaw = constantFlaw(graph) ?? nodesFlaw(graph, written);
  if (flaw !== undefined) return flaw;
  for (const name of graph.outputs) {
    if (!written.has(name)) return refuse(name, "is an output that nobody writes");
  }
  if (graph.types.size !== written.size) {
    const stray = [...graph.types.keys()].find((name) => !written.has(name)) ?? "";
    return refuse(stray, "has a type but is never written");
  }
  return succeeded(graph);
}

function refuse(name: string, reason: string): Failure<VerifyCode> {
  return failed("BAD_GRAPH", `${name === "" ? "a value without a name" : name} ${reason}`, {
    name,
    reason,
  });
}

function constantFlaw(graph: Graph): Failure<VerifyCode> | undefined {
  for (const [name, constant] of graph.constants) {
    const type = graph.types.get(name);
    if (type === undefined || !sameType(type, constant.type)) {
      return refuse(name, "is a constant of another type than declared");
    }
    if (constant.data.length !== elementCount(type)) {
      return refuse(name, `has ${constant.data.length} elements instead of ${elementCount(type)}`);
    }
  }
  return undefined;
}

function nodesFlaw(graph: Graph, written: Set<string>): Failure<VerifyCode> | undefined {
  const names = new Set<string>();
  for (const node of graph.nodes) {
    if (names.has(node.name)) return refuse(node.name, "names two nodes");
    names.add(node.name);
    const flaw = nodeFlaw(graph, node, written);
    if (flaw !== undefined) return refuse(node.name, `(${node.op}) ${flaw}`);
    for (const output of node.outputs) written.add(output);
  }
  return undefined;
}

function nodeFlaw(graph: Graph, node: Node, written: ReadonlySet<string>): string | undefined {
  const unread = node.inputs.find((name) => name !== "" && !written.has(name));
  if (unread !== undefined) return `reads ${unread} before it is written`;
  const again = node.outputs.find((name) => name === "" || written.has(name));
  if (again !== undefined) return `writes ${again} again`;
  const inputs = node.inputs.map((name) => graph.types.get(name));
  const inferred = inferTypes(node, inputs);
  if (!inferred.ok) return inferred.message;
  if (inferred.value.length !== node.outputs.length) {
    return `has ${node.outputs.length} outputs instead of ${inferred.value.length}`;
  }
  for (const [index, name] of node.outputs.entries()) {
    const flaw = outputFlaw(graph.types.get(name), inferred.value[index]);
    if (flaw !== undefined) return `${name} ${flaw}`;
  }
  return quantizedFlaw(graph, node);
}

function outputFlaw(declared?: TensorType, inferred?: TensorType): string | undefined {
  if (declared === undefined || inferred === undefined) return "has no type";
  if (sameType(declared, inferred)) return undefined;
  const [has, needs] = [describe(declared), describe(inferred)];
  return `is declared ${has} but is ${needs}`;
}

function describe(type: TensorType): string {
  return `${type.dtype}[${type.shape.join(",")}]`;
}

/** An operator that reads and writes int8 needs encodings, and one whose int8 meaning is defined. */
function quantizedFlaw(graph: Graph, node: Node): string | undefined {
  const output = graph.types.get(node.outputs[0] ?? "");
  const input = graph.types.get(node.inputs[0] ?? "");
  if (output?.dtype !== "i8" || input?.dtype !== "i8") return undefined;
  const rule = findOperator(node.op)?.quantized;
  if (rule === "none" || (rule === "table" && node.op !== "lut")) return "does not run on int8";
  if (rule === "movement" && output.quantization === undefined) return undefined;
  if (output.quantization?.scales.length !== 1) return "writes int8 without one encoding";
  if (input.quantization?.scales.length !== 1) return "reads int8 without one encoding";
  return undefined;
}
