/** How the weights of a product come to VTCM: all at once, or in parts that are brought in again for some rows at a time. */
import type { SocDescription } from "../../../protocol/isa/index.ts";
import { WHOLE_UNIT } from "../stage.ts";
import { isDepthwise } from "../stages/depthwise.ts";
import { constantSizes } from "../stages/matrix.ts";
import type { MatrixNode } from "../stages/matrix-node.ts";
import { inputRowsOf } from "../stages/window.ts";
import type { NodeContext } from "./context.ts";

export type Product = Omit<MatrixNode, "chunkBytes" | "partRows">;

/**
 * Weights in parts want the whole input and output at hand. Images too large for that are made row by row with
 * all weights there, or, where those are too many, some rows at a time with the weights streamed for each.
 */
export function streamed(context: Pick<NodeContext, "soc" | "options">, from: Product): MatrixNode {
  const { vtcmBytes } = context.soc;
  const { weightChunkBytes } = context.options;
  const { inputGrid, outputGrid } = from;
  const bytes = inputGrid.rows * inputGrid.rowBytes + outputGrid.rows * outputGrid.rowBytes;
  if (bytes <= vtcmBytes / 2) {
    return { ...from, chunkBytes: weightChunkBytes, partRows: WHOLE_UNIT };
  }
  const isVector = isDepthwise(from.geometry);
  const weightBytes = isVector ? from.weights.byteLength : constantSizes(from).total;
  if (weightBytes <= vtcmBytes / 4) {
    return { ...from, chunkBytes: Number.MAX_SAFE_INTEGER, partRows: 1 };
  }
  const partRows = Math.max(1, Math.floor((outputGrid.rows * vtcmBytes) / (2 * bytes)));
  return { ...from, chunkBytes: weightChunkBytes, partRows };
}

/** What the stages of one node may take together: an eighth is left to tables, and to what other stages keep. */
export function roomBytes({ vtcmBytes }: SocDescription): number {
  return (vtcmBytes * 7) / 8;
}

/** What one step of a product has in VTCM at least: an output row, the input rows it reads, a part of the weights. */
export function workingBytes(from: MatrixNode): number {
  const { inputGrid, outputGrid } = from;
  const { first, last } = mostRows(from);
  const { total, largest } = constantSizes(from);
  const part = total <= 2 * from.chunkBytes ? total : Math.max(largest, from.chunkBytes);
  return (last - first + 1) * inputGrid.rowBytes + outputGrid.rowBytes + part;
}

function mostRows(from: MatrixNode): { readonly first: number; readonly last: number } {
  const ranges = Array.from({ length: from.outputGrid.rows }, (_, row) =>
    inputRowsOf(from.geometry, from.inputGrid, { first: row, last: row }),
  );
  return ranges.reduce((most, range) =>
    range.last - range.first > most.last - most.first ? range : most,
  );
}
