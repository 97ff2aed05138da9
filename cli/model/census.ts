/** What a network is made of: operators, parameters, work and memory, from its graph alone. */
import { livePeak } from "../../compiler/lower/plan.ts";
import {
  consumersOf,
  DTYPE_BYTES,
  elementCount,
  nodeMultiplyAccumulates,
} from "../../compiler/ir/index.ts";
import type { Graph, Node, TensorType } from "../../compiler/ir/index.ts";

export interface OperatorCount {
  readonly operator: string;
  readonly count: number;
  readonly macs: number;
}

export interface Census {
  readonly operators: readonly OperatorCount[];
  readonly nodes: number;
  /** Elements of all constants of more than one element, nested graphs included. */
  readonly parameters: number;
  readonly weightBytes: number;
  /** Of one inference; loops count once. */
  readonly macs: number;
  /** Most bytes of computed values alive at once, run in the graph's order; open values are not counted. */
  readonly activationBytesPeak: number;
}

export function censusOf(graph: Graph): Census {
  const graphs = withNested(graph);
  const byOperator = new Map<string, { count: number; macs: number }>();
  for (const one of graphs) {
    for (const node of one.nodes) {
      const entry = byOperator.get(node.op) ?? { count: 0, macs: 0 };
      entry.count += 1;
      entry.macs += nodeMultiplyAccumulates(one, node);
      byOperator.set(node.op, entry);
    }
  }
  const operators = [...byOperator]
    .map(([operator, entry]) => ({ operator, ...entry }))
    .sort((a, b) => b.macs - a.macs || b.count - a.count || (a.operator < b.operator ? -1 : 1));
  const weights = graphs
    .flatMap(({ constants }) => [...constants.values()])
    .filter(({ type }) => elementCount(type) > 1);
  const sum = (values: readonly number[]): number => values.reduce((total, one) => total + one, 0);
  return {
    operators,
    nodes: sum(operators.map(({ count }) => count)),
    parameters: sum(weights.map(({ type }) => elementCount(type))),
    weightBytes: sum(weights.map(({ type }) => bytesOf(type))),
    macs: sum(operators.map(({ macs }) => macs)),
    activationBytesPeak: activationBytesPeak(graph),
  };
}

function withNested(graph: Graph): Graph[] {
  const regions = graph.nodes.flatMap((node) => [...(node.regions?.values() ?? [])]);
  return [graph, ...regions.flatMap(withNested)];
}

/** Inputs live from the start, outputs to the end, everything else from its writer to its last reader. */
function activationBytesPeak(graph: Graph): number {
  const step = new Map<Node, number>(graph.nodes.map((node, index) => [node, index]));
  const consumers = consumersOf(graph);
  const outputs = new Set(graph.outputs);
  const lifetime = (name: string, start: number) => {
    const type = graph.types.get(name);
    const reads = (consumers.get(name) ?? []).map((node) => step.get(node) ?? 0);
    const end = outputs.has(name) ? graph.nodes.length : Math.max(start, ...reads);
    return { bytes: type === undefined ? 0 : bytesOf(type), start, end };
  };
  const buffers = [
    ...graph.inputs.map((name) => lifetime(name, 0)),
    ...graph.nodes.flatMap((node, index) => node.outputs.map((name) => lifetime(name, index))),
  ];
  return livePeak(buffers).bytes;
}

function bytesOf(type: TensorType): number {
  return elementCount(type) * DTYPE_BYTES[type.dtype];
}
