/**
 * Memory planning: offsets for buffers with lifetimes, so that buffers alive at one time never overlap.
 * Best fit, largest first; buffers that may start early are placed last and start as early as room allows.
 */
import { alignUp } from "../../protocol/base/integers.ts";

export interface Buffer {
  readonly bytes: number;
  /** First and last step in which it is in use, both included. */
  readonly start: number;
  readonly end: number;
}

/** A buffer that may be filled ahead of its first use. `starts` are the steps to try, earliest first. */
export interface EarlyBuffer extends Buffer {
  readonly starts: readonly number[];
}

export interface Memory {
  readonly capacity: number;
  readonly alignment: number;
}

export interface Plan {
  readonly offsets: readonly number[];
  readonly earlyOffsets: readonly number[];
  readonly peakBytes: number;
}

interface PlacedBuffer extends Buffer {
  readonly offset: number;
}

/** Undefined when the buffers do not fit. */
export function planMemory(
  buffers: readonly Buffer[],
  early: readonly EarlyBuffer[],
  memory: Memory,
): Plan | undefined {
  const placed: PlacedBuffer[] = [];
  const offsets = new Array<number>(buffers.length).fill(0);
  const bySize = [...buffers.keys()].sort(
    (a, b) => sizeOf(buffers, b) - sizeOf(buffers, a) || a - b,
  );
  for (const index of bySize) {
    const buffer = buffers[index];
    if (buffer === undefined) continue;
    const offset = bestFit(placed, buffer, memory);
    if (offset === undefined) return undefined;
    offsets[index] = offset;
    placed.push({ ...buffer, offset });
  }
  const earlyOffsets: number[] = [];
  let floor = 0;
  for (const buffer of early) {
    const found = earliestFit(placed, { ...buffer, floor }, memory);
    if (found === undefined) return undefined;
    // Copies of one queue start in order: none can start before the one ahead of it.
    floor = found.start;
    earlyOffsets.push(found.offset);
    placed.push(found);
  }
  const peakBytes = placed.reduce((peak, { offset, bytes }) => Math.max(peak, offset + bytes), 0);
  return { offsets, earlyOffsets, peakBytes };
}

function sizeOf(buffers: readonly Buffer[], index: number): number {
  return buffers[index]?.bytes ?? 0;
}

/** The most bytes alive at any step: no plan needs less. */
export function liveBytesMax(buffers: readonly Buffer[], alignment: number): number {
  const changes = new Map<number, number>();
  for (const { bytes, start, end } of buffers) {
    const size = alignUp(bytes, alignment);
    changes.set(start, (changes.get(start) ?? 0) + size);
    changes.set(end + 1, (changes.get(end + 1) ?? 0) - size);
  }
  let live = 0;
  let most = 0;
  for (const [, change] of [...changes].sort(([a], [b]) => a - b)) {
    live += change;
    most = Math.max(most, live);
  }
  return most;
}

/** The smallest gap that holds the buffer among those alive with it. */
function bestFit(
  placed: readonly PlacedBuffer[],
  buffer: Buffer,
  memory: Memory,
): number | undefined {
  const neighbours = placed
    .filter((other) => other.start <= buffer.end && buffer.start <= other.end)
    .sort((a, b) => a.offset - b.offset);
  let cursor = 0;
  let best: { offset: number; slack: number } | undefined;
  const consider = (gapEnd: number): void => {
    const slack = gapEnd - cursor - buffer.bytes;
    if (slack >= 0 && (best === undefined || slack < best.slack)) best = { offset: cursor, slack };
  };
  for (const other of neighbours) {
    consider(other.offset);
    cursor = Math.max(cursor, alignUp(other.offset + other.bytes, memory.alignment));
  }
  consider(memory.capacity);
  return best?.offset;
}

function earliestFit(
  placed: readonly PlacedBuffer[],
  buffer: EarlyBuffer & { readonly floor: number },
  memory: Memory,
): PlacedBuffer | undefined {
  const { bytes, end } = buffer;
  for (const start of [...buffer.starts, buffer.start]) {
    if (start < buffer.floor && start !== buffer.start) continue;
    const offset = bestFit(placed, { bytes, start, end }, memory);
    if (offset !== undefined) return { bytes, start, end, offset };
  }
  return undefined;
}
