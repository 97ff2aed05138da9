/** A graph in stored numbers, one input, and every value of it by the evaluator. */
import {
  evaluate,
  evaluateAt,
  fromReal,
  outputTypesOf,
  tensor,
  tensorFrom,
} from "../../compiler/ir/index.ts";
import type { Graph, Node, Tensor } from "../../compiler/ir/index.ts";
import { calibrate } from "../../compiler/quant/index.ts";
import type { Encodings } from "../../compiler/quant/index.ts";
import { present } from "../../protocol/base/assert.ts";
import { product } from "../../protocol/base/integers.ts";
import type { Random } from "../../protocol/base/random.ts";
import { seededRandom } from "../../protocol/base/random.ts";

export interface Subject {
  readonly graph: Graph;
  readonly inputs: ReadonlyMap<string, Tensor>;
}

export interface Reference {
  /** Every value of the graph by the evaluator, constants and inputs too. */
  readonly values: ReadonlyMap<string, Tensor>;
  /** How many of them are one number throughout. */
  readonly quiet: number;
  /** Where the evaluator disagrees with its own rule for one element, in words. */
  readonly fault: string | undefined;
}

/** The input is not the image that the graph was calibrated on, so that some of it saturates. */
export function subjectOf(graph: Graph, seed: number): Subject {
  const images = [...noise(graph, seed + 1)].map(([name, image]): [string, Tensor] => {
    const type = present(graph.types.get(name), name);
    const isHalf = type.dtype === "f16";
    return [name, isHalf ? tensorFrom(type, (index) => image[index] ?? 0) : fromReal(type, image)];
  });
  return { graph, inputs: new Map(images) };
}

/** Numbers of variance one for every input. */
export function noise(graph: Graph, seed: number): ReadonlyMap<string, Float32Array> {
  const random = seededRandom(seed);
  return new Map(
    graph.inputs.map((name) => {
      const length = product(present(graph.types.get(name), name).shape);
      return [name, Float32Array.from({ length }, () => random.normal())];
    }),
  );
}

/** Of a float graph, on one image of noise; what overflows counts for nothing. */
export function evaluatedRanges(float: Graph, seed: number): Encodings {
  const inputs = [...noise(float, seed)].map(([name, data]) => {
    return [name, tensor(present(float.types.get(name), name), data)] as const;
  });
  return calibrate(float, [
    (observe) => {
      evaluate(float, new Map(inputs), {
        observe: (name, { data }) => observe(name, (data as Float32Array).map(finite)),
      });
    },
  ]);
}

function finite(value: number): number {
  return Number.isFinite(value) ? value : 0;
}

export function referenceOf({ graph, inputs }: Subject, seed: number): Reference {
  const values = evaluate(graph, inputs, { keepAll: true });
  const computed = graph.nodes.flatMap(({ outputs }) => outputs.map((name) => values.get(name)));
  const quiet = computed.filter((value) => value !== undefined && isConstant(value)).length;
  return { values, quiet, fault: blockedFault(graph, values, seed) };
}

function isConstant({ data }: Tensor): boolean {
  return data.length > 1 && (data as Int8Array).every((element) => element === data[0]);
}

/** Elements of each product whose rule for one element is asked too: whole results are formed in blocks. */
const SAMPLES = 16;

/** The first element that the rule for one element gives otherwise, in words. */
function blockedFault(graph: Graph, values: Reference["values"], seed: number): string | undefined {
  const random = seededRandom(seed);
  for (const node of graph.nodes) {
    const difference = isProduct(node) ? sampled(graph, node, { values, random }) : undefined;
    if (difference !== undefined) return difference;
  }
  return undefined;
}

function isProduct({ op }: Node): boolean {
  return op === "conv" || op === "conv_transpose" || op === "matmul";
}

function sampled(
  graph: Graph,
  node: Node,
  { values, random }: { readonly values: Reference["values"]; readonly random: Random },
): string | undefined {
  const result = present(values.get(node.outputs[0] ?? ""), node.name);
  const indices = Array.from({ length: SAMPLES }, () => random.below(result.data.length));
  const inputs = node.inputs.map((name) => values.get(name));
  const alone = evaluateAt(node, { inputs, outputTypes: outputTypesOf(graph, node) }, indices);
  const type = { ...result.type, shape: [SAMPLES] };
  const wanted = tensorFrom(type, (index) => alone[index] ?? NaN).data;
  const at = indices.findIndex((index, sample) => result.data[index] !== wanted[sample]);
  if (at < 0) return undefined;
  return `${node.name} by the evaluator: element ${indices[at]} is ${wanted[at]} alone`;
}
