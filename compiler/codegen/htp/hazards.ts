/**
 * Finds what an instruction must wait for: the last writer and the readers since, per 128-byte line of
 * every region that is written, and per queue. Order is that of emission.
 */
import type { Accesses, Span } from "../../../protocol/isa/index.ts";

const LINE_SHIFT = 7;

/** Latest conflicting instruction per queue, by emission index plus one; zero where there is none. */
export type Conflicts = Int32Array;

interface RegionState {
  /** Emission index plus one of the last writer of each line. */
  readonly writers: Int32Array;
  /** Emission index plus one of the last reader since that write: one entry a line and queue. */
  readonly readers: Int32Array;
}

export interface HazardTracker {
  /** Adds what instruction `index` of `queue` conflicts with to `conflicts`, and remembers its accesses. */
  visit(access: { index: number; queue: number; accesses: Accesses }, conflicts: Conflicts): void;
}

/** `regionBytes`: by region index; undefined for regions that nothing writes. */
export function hazardTracker(
  regionBytes: readonly (number | undefined)[],
  queueOf: (index: number) => number,
  queueCount: number,
): HazardTracker {
  const regions = regionBytes.map((bytes): RegionState | undefined => {
    if (bytes === undefined) return undefined;
    const lines = (bytes + 127) >>> LINE_SHIFT;
    return { writers: new Int32Array(lines), readers: new Int32Array(lines * queueCount) };
  });
  const addWriters = (state: RegionState, span: Span, conflicts: Conflicts): void => {
    const last = (span.offset + span.bytes - 1) >>> LINE_SHIFT;
    let previous = 0;
    for (let line = span.offset >>> LINE_SHIFT; line <= last; line++) {
      const writer = state.writers[line] ?? 0;
      if (writer === previous || writer === 0) continue;
      previous = writer;
      const queue = queueOf(writer - 1);
      if (writer > (conflicts[queue] ?? 0)) conflicts[queue] = writer;
    }
  };
  const addReaders = (state: RegionState, span: Span, conflicts: Conflicts): void => {
    const begin = (span.offset >>> LINE_SHIFT) * queueCount;
    const end = (((span.offset + span.bytes - 1) >>> LINE_SHIFT) + 1) * queueCount;
    for (let entry = begin; entry < end; entry += queueCount) {
      for (let queue = 0; queue < queueCount; queue++) {
        const reader = state.readers[entry + queue] ?? 0;
        if (reader > (conflicts[queue] ?? 0)) conflicts[queue] = reader;
      }
    }
    state.readers.fill(0, begin, end);
  };
  const markRead = (state: RegionState, span: Span, at: { index: number; queue: number }): void => {
    const last = (span.offset + span.bytes - 1) >>> LINE_SHIFT;
    for (let line = span.offset >>> LINE_SHIFT; line <= last; line++) {
      state.readers[line * queueCount + at.queue] = at.index + 1;
    }
  };
  return {
    visit: ({ index, queue, accesses }, conflicts) => {
      for (const span of accesses.reads) {
        const state = regions[span.region];
        if (state !== undefined) addWriters(state, span, conflicts);
      }
      for (const span of accesses.writes) {
        const state = regions[span.region];
        if (state === undefined) continue;
        addWriters(state, span, conflicts);
        addReaders(state, span, conflicts);
      }
      for (const span of accesses.reads) {
        const state = regions[span.region];
        if (state !== undefined) markRead(state, span, { index, queue });
      }
      for (const span of accesses.writes) {
        const first = span.offset >>> LINE_SHIFT;
        const last = (span.offset + span.bytes - 1) >>> LINE_SHIFT;
        regions[span.region]?.writers.fill(index + 1, first, last + 1);
      }
    },
  };
}
