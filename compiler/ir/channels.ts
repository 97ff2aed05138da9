/** Which output channel every weight of an accumulating operator belongs to. */
import { product } from "../../protocol/base/integers.ts";

/** Weights in runs of `taps` neighbours that share one output channel. */
export interface WeightBlocks {
  readonly taps: number;
  readonly channelOfBlock: Int32Array;
}

/**
 * The blocks of a weight tensor: conv [O, I/group, KH, KW], conv_transpose [I, O/group, KH, KW],
 * matmul [.., K, N]. `channels` is the number of output channels.
 */
export function weightBlocks(op: string, shape: readonly number[], channels: number): WeightBlocks {
  if (op === "conv") {
    const channelOfBlock = Int32Array.from({ length: channels }, (_, channel) => channel);
    return { taps: product(shape) / Math.max(channels, 1), channelOfBlock };
  }
  const isTranspose = op === "conv_transpose";
  const columns = (isTranspose ? shape[1] : shape.at(-1)) ?? 1;
  const taps = isTranspose ? product(shape.slice(2)) : 1;
  const rows = product(shape) / Math.max(columns * taps, 1);
  const rowsPerGroup = rows / Math.max(channels / columns, 1);
  const channelOfBlock = new Int32Array(rows * columns);
  for (let row = 0, block = 0; row < rows; row++) {
    const first = isTranspose ? Math.floor(row / rowsPerGroup) * columns : 0;
    for (let column = 0; column < columns; column++, block++) {
      channelOfBlock[block] = first + column;
    }
  }
  return { taps, channelOfBlock };
}
