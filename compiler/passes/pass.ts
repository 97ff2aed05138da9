/** What a pass is, and the machinery of local rewrites. No pass changes the graph it is given. */
import { assert, present } from "../../protocol/base/assert.ts";
import { unwrap } from "../../protocol/base/result.ts";
import { consumersOf, inferNode, isClosed, producersOf } from "../ir/index.ts";
import type { Attribute, Graph, Node, Tensor, TensorType, ValueType } from "../ir/index.ts";

export interface Pass {
  readonly name: string;
  readonly run: (graph: Graph) => Graph;
}

/** A graph with the questions that rewrites ask. */
export interface View {
  readonly graph: Graph;
  constantOf(name: string | undefined): Tensor | undefined;
  typeOf(name: string | undefined): TensorType;
  producerOf(name: string | undefined): Node | undefined;
  readersOf(name: string): readonly Node[];
  /** The producer of a value that nobody but one node reads and that is no output. */
  soleProducerOf(name: string | undefined): Node | undefined;
  isOutput(name: string): boolean;
  /** A name for a new constant or value; unused in the graph. */
  fresh(base: string): string;
}

/**
 * Nodes to take out and nodes to put where the last of them stood. What is put in writes every
 * value of what is taken out that is still read.
 */
export interface Replacement {
  readonly remove: readonly Node[];
  readonly insert: readonly Node[];
  readonly constants?: ReadonlyMap<string, Tensor>;
  /** Of new values that inference says too little of. */
  readonly types?: ReadonlyMap<string, TensorType>;
  /** Reads of the first name become reads of the second. */
  readonly alias?: readonly [from: string, to: string];
}

/** Looks at one node and says what should take its place; undefined leaves it. */
export type Rule = (node: Node, view: View) => Replacement | undefined;

export function viewOf(graph: Graph): View {
  const producers = producersOf(graph);
  const consumers = consumersOf(graph);
  const outputs = new Set(graph.outputs);
  const taken = new Set(graph.types.keys());
  return {
    graph,
    constantOf: (name = "") => graph.constants.get(name),
    typeOf: (name = "") => present(graph.types.get(name), `type of ${name}`),
    producerOf: (name = "") => producers.get(name),
    readersOf: (name) => consumers.get(name) ?? [],
    soleProducerOf: (name = "") => {
      const alone = consumers.get(name)?.length === 1 && !outputs.has(name);
      return alone ? producers.get(name) : undefined;
    },
    isOutput: (name) => outputs.has(name),
    fresh: (base) => {
      let name = base;
      for (let count = 2; taken.has(name); count++) name = `${base}.${count}`;
      taken.add(name);
      return name;
    },
  };
}

/** Applies the rule to every node, in order, until it finds nothing more. */
export function rewrite(graph: Graph, rule: Rule): Graph {
  let current = graph;
  for (let changed = true; changed;) {
    const view = viewOf(current);
    const replacements = collect(view, rule);
    changed = replacements.length > 0;
    if (changed) current = applyAll(view, replacements);
  }
  return current;
}

/** All replacements of one sweep; one that touches what another has taken waits for the next. */
function collect(view: View, rule: Rule): Replacement[] {
  const touched = new Set<Node>();
  const replacements: Replacement[] = [];
  for (const node of view.graph.nodes) {
    if (touched.has(node)) continue;
    const replacement = rule(node, view);
    if (replacement === undefined || replacement.remove.some((each) => touched.has(each))) continue;
    const { alias } = replacement;
    const near = alias === undefined ? [] : view.readersOf(alias[0]);
    for (const each of [...replacement.remove, ...near]) touched.add(each);
    replacements.push(replacement);
  }
  return replacements;
}

function applyAll(view: View, replacements: readonly Replacement[]): Graph {
  const { graph } = view;
  const removed = new Set<Node>();
  const inserted = new Map<Node, readonly Node[]>();
  const aliases = new Map<string, string>();
  const constants = new Map(graph.constants);
  const types = new Map(graph.types);
  const order = new Map(graph.nodes.map((node, index) => [node, index]));
  for (const { remove, insert, constants: added, types: said, alias } of replacements) {
    const last = remove.reduce((a, b) => ((order.get(a) ?? 0) > (order.get(b) ?? 0) ? a : b));
    for (const node of remove) removed.add(node);
    inserted.set(last, insert);
    for (const [name, value] of added ?? []) constants.set(name, value);
    for (const [name, type] of said ?? []) types.set(name, type);
    if (alias !== undefined) aliases.set(alias[0], alias[1]);
  }
  const nodes = graph.nodes.flatMap(
    (node) => inserted.get(node) ?? (removed.has(node) ? [] : [node]),
  );
  return finishGraph({ ...graph, constants, types }, renamed(nodes, aliases));
}

function renamed(nodes: readonly Node[], aliases: ReadonlyMap<string, string>): readonly Node[] {
  if (aliases.size === 0) return nodes;
  const resolve = (name: string): string => {
    let current = name;
    for (let next = aliases.get(current); next !== undefined; next = aliases.get(current)) {
      current = next;
    }
    return current;
  };
  return nodes.map((node) => {
    const touched = node.inputs.some((name) => aliases.has(name));
    return touched ? { ...node, inputs: node.inputs.map(resolve) } : node;
  });
}

/** The graph with these nodes: types of new values inferred, those of vanished values dropped. */
export function finishGraph(graph: Graph, nodes: readonly Node[]): Graph {
  const types = new Map<string, TensorType>();
  for (const name of graph.inputs) types.set(name, present(graph.types.get(name), name));
  for (const [name, value] of graph.constants) types.set(name, value.type);
  const old = new Set(graph.nodes);
  const finished = nodes.map((node): Node => {
    const inputs = node.inputs.map((name) => types.get(name));
    const inferred = old.has(node) ? undefined : unwrap(inferNode(node, inputs));
    for (const [index, name] of node.outputs.entries()) {
      const type = graph.types.get(name) ?? closedType(inferred?.types[index], name);
      types.set(name, type);
    }
    return inferred === undefined ? node : { ...node, attributes: inferred.attributes };
  });
  return { ...graph, nodes: finished, types };
}

function closedType(type: ValueType | undefined, name: string): TensorType {
  assert(isClosed(type), `type of ${name}`);
  return type;
}

/** A node like `from`, with some parts replaced. */
export function derived(
  from: Node,
  changes: {
    readonly inputs?: readonly string[];
    readonly outputs?: readonly string[];
    readonly attributes?: Readonly<Record<string, Attribute>>;
  },
): Node {
  const { inputs = from.inputs, outputs = from.outputs, attributes = {} } = changes;
  const merged = new Map([...from.attributes, ...Object.entries(attributes)]);
  return { ...from, inputs, outputs, attributes: merged };
}

export function attributeMap(
  values: Readonly<Record<string, Attribute>>,
): ReadonlyMap<string, Attribute> {
  return new Map(Object.entries(values));
}
