/** How fast a download may go: a cap on bytes a second, and a pause while the accelerator is wanted. */
import type { ReadFrom } from "./download.ts";

export interface PaceLimits {
  /** Infinity: as fast as the network. */
  readonly bytesPerSecondMax: number;
  /** Pieces wait this long at most for the device to be idle: one that is always busy is updated all the same. */
  readonly busyMsMax: number;
}

export const UNLIMITED: PaceLimits = { bytesPerSecondMax: Infinity, busyMsMax: 30_000 };

export interface PacePorts {
  readonly now: () => number;
  readonly sleep: (milliseconds: number) => Promise<void>;
  readonly isBusy: () => boolean;
}

/** While it is busy, the device is looked at this often. */
const LOOK_MS = 50;

/** The same bytes, held back; the network slows down because nobody takes the next piece. */
export function paced<Code extends string>(
  readFrom: ReadFrom<Code>,
  { bytesPerSecondMax, busyMsMax }: PaceLimits,
  ports: PacePorts,
): ReadFrom<Code> {
  return (offset, onPiece) => {
    const startedAt = ports.now();
    let [bytes, pausedMs] = [0, 0];
    return readFrom(offset, async (piece) => {
      for (let waited = 0; ports.isBusy() && waited < busyMsMax; waited += LOOK_MS) {
        await ports.sleep(LOOK_MS);
        pausedMs += LOOK_MS;
      }
      bytes += piece.length;
      const dueMs = (bytes / bytesPerSecondMax) * 1000 - (ports.now() - startedAt - pausedMs);
      if (dueMs > 0) await ports.sleep(dueMs);
      return onPiece(piece);
    });
  };
}
