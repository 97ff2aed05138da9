/**
 * Memory planning: offsets for buffers with lifetimes, so that buffers alive at one time never overlap.
 * Best fit, largest first; buffers that may start early are placed last and start as early as room allows. What came
 * early can leave no room for one that stays long: such a one may be placed with the others instead.
 */
import { present } from "../../protocol/base/assert.ts";
import { alignUp } from "../../protocol/base/integers.ts";

export interface Buffer {
  readonly bytes: number;
  /** First and last step in which it is in use, both included. */
  readonly start: number;
  readonly end: number;
}

/** A buffer that may be filled ahead of its first use. */
export interface EarlyBuffer extends Buffer {
  /** The steps to try, earliest first; undefined: it starts when it must, and is placed with the others. */
  readonly starts: readonly number[] | undefined;
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
  if (livePeak([...buffers, ...early]).bytes > memory.capacity) return undefined;
  const fixed = [...buffers, ...early.filter(({ starts }) => starts === undefined)];
  const placed: PlacedBuffer[] = [];
  const offsets = new Map<Buffer, number>();
  for (const buffer of [...fixed].sort((a, b) => b.bytes - a.bytes)) {
    const offset = bestFit(placed, buffer, memory);
    if (offset === undefined) return undefined;
    offsets.set(buffer, offset);
    placed.push({ ...buffer, offset });
  }
  let floor = 0;
  for (const buffer of early) {
    const { starts } = buffer;
    // Copies of one queue start in order: none can start before the one ahead of it.
    const found = starts && earliestFit(placed, { ...buffer, starts, floor }, memory);
    if (starts !== undefined && found === undefined) return undefined;
    floor = (found ?? buffer).start;
    if (found === undefined) continue;
    offsets.set(buffer, found.offset);
    placed.push(found);
  }
  const offsetOf = (buffer: Buffer): number => present(offsets.get(buffer), "offset");
  const peakBytes = placed.reduce((peak, { offset, bytes }) => Math.max(peak, offset + bytes), 0);
  return { offsets: buffers.map(offsetOf), earlyOffsets: early.map(offsetOf), peakBytes };
}

/** The most bytes alive at any step, which no plan can do without, and the first step that has them. */
export function livePeak(buffers: readonly Buffer[]): { step: number; bytes: number } {
  const steps = buffers.reduce((most, { end }) => Math.max(most, end + 1), 0);
  const changes = new Float64Array(steps + 1);
  for (const { bytes, start, end } of buffers) {
    changes[start] = (changes[start] ?? 0) + bytes;
    changes[end + 1] = (changes[end + 1] ?? 0) - bytes;
  }
  let live = 0;
  let peak = { step: 0, bytes: 0 };
  changes.forEach((change, step) => {
    live += change;
    if (live > peak.bytes) peak = { step, bytes: live };
  });
  return peak;
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
  buffer: Buffer & { readonly starts: readonly number[]; readonly floor: number },
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
