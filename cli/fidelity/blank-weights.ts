/** Graphs whose weights nobody will look at: times depend on shapes alone. */
import {
  DTYPE_BYTES,
  elementCount,
  isFetched,
  lazyTensor,
  viewElements,
} from "../../compiler/ir/index.ts";
import type { Elements, Graph, TensorType } from "../../compiler/ir/index.ts";

/** What has not been computed so far becomes zeros, as many, all in the same memory. */
export function withoutWeights(graph: Graph): Graph {
  let zeros = new Uint8Array(0);
  const zerosOf = (type: TensorType): Elements => {
    const bytes = elementCount(type) * DTYPE_BYTES[type.dtype];
    if (zeros.length < bytes) zeros = new Uint8Array(bytes);
    return viewElements(type.dtype, zeros.subarray(0, bytes));
  };
  const constants = [...graph.constants].map(([name, value]) => {
    const { type } = value;
    return [name, isFetched(value) ? value : lazyTensor(type, () => zerosOf(type))] as const;
  });
  return { ...graph, constants: new Map(constants) };
}
