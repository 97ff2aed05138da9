/**
 * Chains and diamonds of elementwise nodes that depend on one value alone (hard-swish spelled as
 * add, clip, mul, div; scalar affine maps around it) become one `pointwise` node.
 */
import { present } from "../../protocol/base/assert.ts";
import {
  attributesOf,
  binary,
  clamp,
  constant,
  formulaOf,
  numeric,
  operationCount,
  printExpression,
  sameType,
  substitute,
  X,
} from "../ir/index.ts";
import type { BinaryName, Expression, Graph, Node } from "../ir/index.ts";
import { attributeMap, finishGraph, viewOf } from "./pass.ts";
import type { Pass, View } from "./pass.ts";

export const fusePointwise: Pass = { name: "fuse-pointwise", run };

/** Longer expressions are cut: shared parts are written out, so diamonds could grow without end. */
const OPERATIONS_MAX = 64;

const PAIRS: Readonly<Record<string, BinaryName | undefined>> = {
  ...{ add: "add", sub: "sub", mul: "mul", div: "div", min: "min", max: "max", pow: "pow" },
};

interface Region {
  /** In graph order; the last one writes the result. */
  readonly nodes: readonly Node[];
  readonly root: string;
  readonly expression: Expression;
}

function run(graph: Graph): Graph {
  const view = viewOf(graph);
  const regions = new Map<Node, Region>();
  const absorbed = new Set<Node>();
  for (const node of [...graph.nodes].reverse()) {
    if (absorbed.has(node)) continue;
    const region = regionEndingAt(node, view);
    if (region === undefined || !isWorthwhile(region)) continue;
    for (const each of region.nodes) absorbed.add(each);
    regions.set(node, region);
  }
  const nodes = graph.nodes.flatMap((node) => {
    const region = regions.get(node);
    if (region !== undefined) return [fused(node, region)];
    return absorbed.has(node) ? [] : [node];
  });
  return finishGraph(graph, nodes);
}

/** A lone unary operator stays what it is; a lone scalar operation becomes a function. */
function isWorthwhile({ nodes }: Region): boolean {
  return nodes.length > 1 || nodes.some((node) => PAIRS[node.op] !== undefined);
}

function fused(last: Node, region: Region): Node {
  const attributes = attributeMap({ expr: printExpression(region.expression) });
  const { root } = region;
  return { name: last.name, op: "pointwise", inputs: [root], outputs: last.outputs, attributes };
}

/** The largest region that ends at `last`, reads one value and keeps its inner values to itself. */
function regionEndingAt(last: Node, view: View): Region | undefined {
  if (!isElementwise(last, view)) return undefined;
  const position = new Map(view.graph.nodes.map((node, index) => [node, index]));
  const members = new Set([last]);
  let best = regionOf(members, view);
  for (;;) {
    const next = externalInputs(members, view)
      .map((name) => view.producerOf(name))
      .filter((node) => node !== undefined && canJoin(node, members, view))
      .sort(
        (a, b) => (position.get(present(b, "node")) ?? 0) - (position.get(present(a, "node")) ?? 0),
      )[0];
    if (next === undefined || members.size >= OPERATIONS_MAX) return best;
    members.add(next);
    best = regionOf(members, view) ?? best;
  }
}

function canJoin(node: Node, members: ReadonlySet<Node>, view: View): boolean {
  const [output = ""] = node.outputs;
  if (!isElementwise(node, view) || view.isOutput(output)) return false;
  return view.readersOf(output).every((reader) => members.has(reader));
}

function isElementwise(node: Node, view: View): boolean {
  const output = view.typeOf(node.outputs[0]);
  if (output.dtype !== "f32") return false;
  if (formulaOf(node) === undefined && PAIRS[node.op] === undefined) return false;
  return node.inputs.every((name) => {
    return scalarOf(name, view) !== undefined || sameType(view.typeOf(name), output);
  });
}

function scalarOf(name: string, view: View): number | undefined {
  const value = view.constantOf(name);
  if (value?.type.dtype !== "f32" || value.data.length !== 1) return undefined;
  return numeric(value)[0];
}

/** Values that the members read from outside, scalars excepted. */
function externalInputs(members: ReadonlySet<Node>, view: View): string[] {
  const inner = new Set([...members].flatMap((node) => node.outputs));
  const read = [...members].flatMap((node) => node.inputs);
  const outside = (name: string) => !inner.has(name) && scalarOf(name, view) === undefined;
  return [...new Set(read.filter(outside))];
}

function regionOf(members: ReadonlySet<Node>, view: View): Region | undefined {
  const [root, ...others] = externalInputs(members, view);
  if (root === undefined || others.length > 0) return undefined;
  const nodes = view.graph.nodes.filter((node) => members.has(node));
  const expressions = new Map<string, Expression>([[root, X]]);
  for (const node of nodes) {
    const operands = node.inputs.map((name) => {
      const scalar = scalarOf(name, view);
      return scalar === undefined ? present(expressions.get(name), name) : constant(scalar);
    });
    const expression = expressionOf(node, operands);
    if (operationCount(expression) > OPERATIONS_MAX) return undefined;
    expressions.set(present(node.outputs[0], "output"), expression);
  }
  const result = nodes.at(-1)?.outputs[0] ?? "";
  return { nodes, root, expression: present(expressions.get(result), result) };
}

function expressionOf(node: Node, operands: readonly Expression[]): Expression {
  const [first, second] = operands;
  const formula = formulaOf(node);
  if (formula !== undefined) return substitute(formula, present(first, "operand"));
  const name = present(PAIRS[node.op], node.op);
  const value = binary(name, present(first, "operand"), present(second, "operand"));
  if (name !== "add" && name !== "sub" && name !== "mul") return value;
  const attributes = attributesOf(node);
  return clamp(value, attributes.number("clamp_min"), attributes.number("clamp_max"));
}
