/** Checks that a graph is what the rest of the compiler takes for granted. */
import { failed, succeeded } from "../../protocol/base/result.ts";
import type { Failure, Result } from "../../protocol/base/result.ts";
import type { Attribute, Graph, Node, ValueType } from "./graph.ts";
import { inferNode, withoutDefaults } from "./infer.ts";
import { findOperator, operatorOf } from "./ops.ts";
import { elementCount, isFetched, sameType } from "./tensor.ts";
import { agrees, closedIfKnown, describeType, isClosed, opened, typeIn } from "./value.ts";

export type VerifyCode = "BAD_GRAPH";

/**
 * Names are unique, every value is written once and before it is read, every constant fills its
 * type, every node's output types are what its operator infers, its attributes are in normal form
 * where its input types are known, and its regions are such graphs as well. The failure names the
 * node.
 */
export function verify(graph: Graph): Result<Graph, VerifyCode> {
  if (VALID.has(graph)) return succeeded(graph);
  const verified = verifyAnew(graph);
  if (verified.ok) VALID.add(graph);
  return verified;
}

/** Graphs are readonly: what was found valid stays so. */
const VALID = new WeakSet<Graph>();

function verifyAnew(graph: Graph): Result<Graph, VerifyCode> {
  const written = new Set<string>();
  for (const name of [...graph.inputs, ...graph.constants.keys()]) {
    if (name === "" || written.has(name)) return refuse(name, "is written twice");
    written.add(name);
    if (typeIn(graph, name) === undefined) return refuse(name, "has no type");
  }
  const flaw = typesFlaw(graph) ?? constantFlaw(graph) ?? nodesFlaw(graph, written);
  if (flaw !== undefined) return flaw;
  for (const name of graph.outputs) {
    if (!written.has(name)) return refuse(name, "is an output that nobody writes");
  }
  for (const { input, output, initial } of graph.states ?? []) {
    const type = graph.types.get(input);
    if (!graph.inputs.includes(input)) return refuse(input, "is a state but no input");
    if (!graph.outputs.includes(output)) return refuse(output, "is a state but no output");
    if (!type || !sameType(type, initial.type)) return refuse(input, "begins as another type");
  }
  if (graph.types.size + graph.open.size !== written.size) {
    const names = [...graph.types.keys(), ...graph.open.keys()];
    const stray = names.find((name) => !written.has(name)) ?? "";
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

function typesFlaw(graph: Graph): Failure<VerifyCode> | undefined {
  for (const [name, type] of graph.open) {
    if (graph.types.has(name)) return refuse(name, "has two types");
    if (isClosed(closedIfKnown(type))) return refuse(name, "is of known shape but listed as open");
  }
  return undefined;
}

function constantFlaw(graph: Graph): Failure<VerifyCode> | undefined {
  for (const [name, constant] of graph.constants) {
    const type = graph.types.get(name);
    if (type === undefined || !sameType(type, constant.type)) {
      return refuse(name, "is a constant of another type than declared");
    }
    if (isFetched(constant) && constant.data.length !== elementCount(type)) {
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
    const flaw = nodeFlaw(graph, node, written) ?? regionsFlaw(node);
    if (flaw !== undefined) return refuse(node.name, `(${node.op}) ${flaw}`);
    for (const output of node.outputs) written.add(output);
  }
  return undefined;
}

/** Nodes without a flaw, and the types around them: most nodes stay as they are from one pass to the next. */
const SOUND = new WeakMap<Node, readonly (ValueType | undefined)[]>();

function nodeFlaw(graph: Graph, node: Node, written: ReadonlySet<string>): string | undefined {
  const unread = node.inputs.find((name) => name !== "" && !written.has(name));
  if (unread !== undefined) return `reads ${unread} before it is written`;
  const again = node.outputs.find((name) => name === "" || written.has(name));
  if (again !== undefined) return `writes ${again} again`;
  const types = [...node.inputs, ...node.outputs].map((name) => typeIn(graph, name));
  const before = SOUND.get(node);
  if (before !== undefined && types.every((type, index) => type === before[index]))
    return undefined;
  const flaw = typeFlaw(graph, node);
  if (flaw === undefined) SOUND.set(node, types);
  return flaw;
}

function typeFlaw(graph: Graph, node: Node): string | undefined {
  const inferred = inferNode(
    node,
    node.inputs.map((name) => typeIn(graph, name)),
  );
  if (!inferred.ok) return inferred.message;
  const { types, attributes } = inferred.value;
  if (types.length !== node.outputs.length) {
    return `has ${node.outputs.length} outputs instead of ${types.length}`;
  }
  for (const [index, name] of node.outputs.entries()) {
    const [declared, found] = [typeIn(graph, name), types[index]];
    if (declared === undefined || found === undefined) return `${name} has no type`;
    const isExact = isClosed(declared) && isClosed(found);
    if (isExact ? sameType(declared, found) : agrees(opened(declared), opened(found))) continue;
    return `${name} is declared ${describeType(declared)} but is ${describeType(found)}`;
  }
  const given = withoutDefaults(operatorOf(node), node.attributes);
  return (
    normalFlaw(given, withoutDefaults(operatorOf(node), attributes)) ?? quantizedFlaw(graph, node)
  );
}

function normalFlaw(
  given: ReadonlyMap<string, Attribute>,
  normal: ReadonlyMap<string, Attribute>,
): string | undefined {
  if (given === normal) return undefined;
  const text = (attributes: ReadonlyMap<string, Attribute>): string =>
    JSON.stringify([...attributes].sort(([a], [b]) => (a < b ? -1 : 1)).map(replaceSpecial));
  return text(given) === text(normal)
    ? undefined
    : `has attributes ${text(given)} instead of ${text(normal)}`;
}

/** JSON knows neither infinities nor NaN. */
function replaceSpecial([name, value]: [string, Attribute]): unknown {
  return [name, typeof value === "number" ? String(value) : value];
}

function regionsFlaw(node: Node): string | undefined {
  for (const [name, region] of node.regions ?? []) {
    const verified = verify(region);
    if (!verified.ok) return `region ${name}: ${verified.message}`;
  }
  return undefined;
}

/** An operator that reads and writes int8 needs encodings, and one whose int8 meaning is defined. */
function quantizedFlaw(graph: Graph, node: Node): string | undefined {
  const output = graph.types.get(node.outputs[0] ?? "");
  const input = graph.types.get(node.inputs[0] ?? "");
  if (output?.dtype !== "i8" || input?.dtype !== "i8") return undefined;
  // Neither has an encoding: these are whole numbers, not quantised values.
  if (output.quantization === undefined && input.quantization === undefined) return undefined;
  const rule = findOperator(node.op)?.quantized;
  if (rule === "none" || (rule === "table" && node.op !== "lut")) return "does not run on int8";
  if (rule === "movement" && output.quantization === undefined) return undefined;
  if (output.quantization?.scales.length !== 1) return "writes int8 without one encoding";
  if (input.quantization?.scales.length !== 1) return "reads int8 without one encoding";
  return undefined;
}
