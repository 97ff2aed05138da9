/** Graphs whose weights nobody will look at: times depend on shapes alone. */
import { allocate, elementCount, isFetched, lazyTensor } from "../../compiler/ir/index.ts";
import type { Graph, Tensor } from "../../compiler/ir/index.ts";

/** Zeros in the place of what has not been computed so far: as large, and without memory until they are written to. */
export function withoutWeights(graph: Graph): Graph {
  const constants = [...graph.constants].map(
    ([name, value]) => [name, isFetched(value) ? value : blank(value)] as const,
  );
  return { ...graph, constants: new Map(constants) };
}

function blank({ type }: Tensor): Tensor {
  return lazyTensor(type, () => allocate(type.dtype, elementCount(type)));
}
