/**
 * Whole networks without a whole naive evaluation. Every node is compiled alone, with its real weights, and run
 * on what the nodes before it gave; the evaluator judges sampled elements of each. The program of the whole
 * network must then give the same bits as that chain.
 */
import { evaluateAt, outputTypesOf } from "../../../compiler/ir/index.ts";
import type { Graph, Node, Tensor } from "../../../compiler/ir/index.ts";
import { openProgram } from "../../../device-agent/runtime/index.ts";
import { present } from "../../../protocol/base/assert.ts";
import type { Random } from "../../../protocol/base/random.ts";
import { seededRandom } from "../../../protocol/base/random.ts";
import { unwrap } from "../../../protocol/base/result.ts";
import {
  firstDifference,
  graphOfNode,
  runStored,
  TARGETS,
  targetName,
  zooNetwork,
} from "../../support/zoo-networks.ts";
import type { Target } from "../../support/zoo-networks.ts";
import { compile } from "../compiler/lower/chip.ts";

const SAMPLES_PER_NODE = 24;

/** Differences in words. Nodes take turns over the targets; `whole` are those of the whole network. */
export async function checkNodes(
  name: string,
  whole: readonly Target[],
  seed = 1,
): Promise<string[]> {
  const { graph, inputs, open } = await zooNetwork(name);
  const random = seededRandom(seed);
  const values = new Map<string, Tensor>([...graph.constants, ...inputs]);
  const differences = graph.nodes.flatMap((node, index) => {
    const target = present(TARGETS[index % TARGETS.length], "target");
    const output = present(node.outputs[0], "output");
    values.set(output, runNode({ graph, values, target }, node));
    const wrong = judge({ graph, values, random }, node);
    return wrong === undefined ? [] : [`${targetName(target)}, ${node.name}: ${wrong}`];
  });
  for (const target of whole) {
    for (const [output, actual] of runStored(open(target), inputs)) {
      const wrong = firstDifference(actual, present(values.get(output), output).data as Int8Array);
      if (wrong !== undefined) differences.push(`${targetName(target)}, ${output}: ${wrong}`);
    }
  }
  return differences;
}

interface Values {
  readonly graph: Graph;
  readonly values: ReadonlyMap<string, Tensor>;
}

function runNode({ graph, values, target }: Values & { target: Target }, node: Node): Tensor {
  const { recipe, soc } = target;
  const program = compile(graphOfNode(graph, node), recipe.version, soc);
  const [[name, data] = ["", new Int8Array(0)]] = runStored(
    unwrap(openProgram(program, soc)),
    values,
  );
  return { type: present(graph.types.get(name), name), data };
}

/** The first sampled element that is not the evaluator's. */
function judge(
  { graph, values, random }: Values & { random: Random },
  node: Node,
): string | undefined {
  const { data } = present(values.get(node.outputs[0] ?? ""), "output");
  const indices = Array.from({ length: SAMPLES_PER_NODE }, () => random.below(data.length));
  const operands = node.inputs.map((input) => values.get(input));
  const outputTypes = outputTypesOf(graph, node);
  const wanted = evaluateAt(node, { inputs: operands, outputTypes }, indices);
  const at = wanted.findIndex((value, sample) => value !== Number(data[indices[sample]!]));
  if (at < 0) return undefined;
  return `element ${indices[at]} is ${data[indices[at]!]}, not ${wanted[at]}`;
}
