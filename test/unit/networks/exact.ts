/** Whole networks: what the chip gives against the naive evaluation of the int8 graph, bit for bit. */
import { evaluate } from "../../../compiler/ir/index.ts";
import {
  firstDifference,
  runStored,
  TARGETS,
  targetName,
  zooNetwork,
} from "../../support/zoo-networks.ts";

/** Differences in words. The graph is evaluated once; every target is compared with that. */
export async function checkExact(name: string): Promise<string[]> {
  const network = await zooNetwork(name);
  const wanted = evaluate(network.graph, network.inputs);
  return TARGETS.flatMap((target) => {
    const outputs = runStored(network.open(target), network.inputs);
    return [...wanted].flatMap(([output, { data }]) => {
      const actual = outputs.get(output) ?? new Int8Array(0);
      const difference = firstDifference(actual, data as Int8Array);
      return difference === undefined ? [] : [`${targetName(target)}, ${output}: ${difference}`];
    });
  });
}
