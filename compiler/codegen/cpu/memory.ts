/** Offsets for buffers with lifetimes: greedy by size, each into the smallest gap that fits. */
import { alignUp } from "../../../protocol/base/integers.ts";

/** A buffer is alive from its first to its last stage, both included. */
export interface Lifetime {
  readonly bytes: number;
  readonly firstStage: number;
  readonly lastStage: number;
}

export interface Arrangement {
  /** One offset a buffer, in the order of the input. */
  readonly offsets: readonly number[];
  readonly totalBytes: number;
}

interface Placed extends Lifetime {
  readonly offset: number;
}

/** Cache lines: two buffers never share one. */
const ALIGNMENT = 64;

export function arrangeBuffers(buffers: readonly Lifetime[]): Arrangement {
  const order = [...buffers.keys()].sort(
    (a, b) => (buffers[b]?.bytes ?? 0) - (buffers[a]?.bytes ?? 0) || a - b,
  );
  const placed: Placed[] = [];
  const offsets = new Array<number>(buffers.length).fill(0);
  let totalBytes = 0;
  for (const index of order) {
    const buffer = buffers[index]!;
    const bytes = alignUp(buffer.bytes, ALIGNMENT);
    const rivals = placed.filter(
      (other) => other.firstStage <= buffer.lastStage && buffer.firstStage <= other.lastStage,
    );
    const offset = bestGap(rivals, bytes);
    offsets[index] = offset;
    placed.push({ ...buffer, bytes, offset });
    totalBytes = Math.max(totalBytes, offset + bytes);
  }
  return { offsets, totalBytes };
}

/** The start of the smallest gap between the rivals that holds `bytes`, else the end of the last. */
function bestGap(rivals: readonly Placed[], bytes: number): number {
  const sorted = [...rivals].sort((a, b) => a.offset - b.offset);
  let end = 0;
  let best: { offset: number; slack: number } | undefined;
  for (const rival of sorted) {
    const slack = rival.offset - end - bytes;
    if (slack >= 0 && (best === undefined || slack < best.slack)) best = { offset: end, slack };
    end = Math.max(end, rival.offset + rival.bytes);
  }
  return best?.offset ?? end;
}
