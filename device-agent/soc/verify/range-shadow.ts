/** Shadow of a DDR region, exact to the byte: disjoint segments in order, kept by pages so that splitting stays cheap. */
import type { Access, Conflict, Hazard, Shadow } from "./shadow.ts";

const PAGE_BYTES = 4096;

interface Segment {
  readonly begin: number;
  readonly end: number;
  /** Index of the last writer plus one; 0 is none. */
  writer: number;
  writerLane: number;
  written: boolean;
  /** By lane, index of the last reader plus one. */
  readonly readers: Int32Array;
}

type Pages = Map<number, Segment[]>;

export function rangeShadow(bytes: number, lanes: number): Shadow {
  const pages: Pages = new Map();
  return {
    read: (offset, count, access) =>
      eachSegment({ pages, lanes }, { begin: offset, end: offset + count }, (segment) =>
        readSegment(segment, access),
      ),
    write: (offset, count, access) =>
      eachSegment({ pages, lanes }, { begin: offset, end: offset + count }, (segment) =>
        writeSegment(segment, access),
      ),
    initialise: (offset, count) => {
      eachSegment({ pages, lanes }, { begin: offset, end: offset + count }, (segment) => {
        segment.written = true;
        return undefined;
      });
    },
    settle: () => {
      for (const segments of pages.values()) segments.forEach(settleSegment);
    },
    firstUnwritten: () => firstUnwritten(pages, bytes),
  };
}

interface Range {
  readonly begin: number;
  readonly end: number;
}

function eachSegment(
  from: { readonly pages: Pages; readonly lanes: number },
  range: Range,
  act: (segment: Segment) => Hazard | undefined,
): Hazard | undefined {
  let begin = range.begin;
  while (begin < range.end) {
    const page = Math.floor(begin / PAGE_BYTES);
    const end = Math.min(range.end, (page + 1) * PAGE_BYTES);
    const segments = from.pages.get(page) ?? [];
    from.pages.set(page, segments);
    const first = isolate(segments, { begin, end }, from.lanes);
    for (let at = first; at < segments.length && segments[at]!.begin < end; at++) {
      const hazard = act(segments[at]!);
      if (hazard !== undefined) return hazard;
    }
    begin = end;
  }
  return undefined;
}

/** Splits and fills so that whole segments cover the range exactly; returns the index of the first. */
function isolate(segments: Segment[], range: Range, lanes: number): number {
  splitAt(segments, range.begin);
  splitAt(segments, range.end);
  const first = lowerBound(segments, range.begin);
  let begin = range.begin;
  let at = first;
  while (begin < range.end) {
    const next = segments[at];
    const gapEnd = Math.min(next?.begin ?? range.end, range.end);
    if (gapEnd > begin) {
      segments.splice(at, 0, emptySegment(begin, gapEnd, lanes));
      begin = gapEnd;
    } else begin = next?.end ?? range.end;
    at++;
  }
  return first;
}

/** Index of the first segment that begins at or after the offset. */
function lowerBound(segments: readonly Segment[], offset: number): number {
  let low = 0;
  let high = segments.length;
  while (low < high) {
    const middle = (low + high) >> 1;
    if (segments[middle]!.begin < offset) low = middle + 1;
    else high = middle;
  }
  return low;
}

function splitAt(segments: Segment[], offset: number): void {
  const at = lowerBound(segments, offset) - 1;
  const segment = segments[at];
  if (segment === undefined || segment.end <= offset) return;
  const left = { ...segment, end: offset, readers: segment.readers.slice() };
  const right = { ...segment, begin: offset };
  segments.splice(at, 1, left, right);
}

function emptySegment(begin: number, end: number, lanes: number): Segment {
  const readers = new Int32Array(lanes);
  return { begin, end, writer: 0, writerLane: 0, written: false, readers };
}

function readSegment(segment: Segment, access: Access): Hazard | undefined {
  if (segment.writer > access.clock[segment.writerLane]!) return writerOf(segment);
  if (!segment.written) return { kind: "uninitialised", offset: segment.begin };
  segment.readers[access.lane] = access.index + 1;
  return undefined;
}

function writeSegment(segment: Segment, access: Access): Hazard | undefined {
  if (segment.writer > access.clock[segment.writerLane]!) return writerOf(segment);
  for (let lane = 0; lane < segment.readers.length; lane++) {
    const read = segment.readers[lane]!;
    // A segment may have fewer lanes than another of its program.
    if (read <= (access.clock[lane] ?? 0)) continue;
    return { kind: "race", lane, index: read - 1, earlier: "reads", offset: segment.begin };
  }
  segment.writer = access.index + 1;
  segment.writerLane = access.lane;
  return undefined;
}

function writerOf(segment: Segment): Conflict {
  const { writerLane: lane, writer, begin: offset } = segment;
  return { kind: "race", lane, index: writer - 1, earlier: "writes", offset };
}

function settleSegment(segment: Segment): void {
  segment.writer = 0;
  segment.readers.fill(0);
}

function firstUnwritten(pages: Pages, bytes: number): number | undefined {
  for (let begin = 0; begin < bytes; begin += PAGE_BYTES) {
    const end = Math.min(bytes, begin + PAGE_BYTES);
    let at = begin;
    for (const segment of pages.get(begin / PAGE_BYTES) ?? []) {
      if (segment.begin > at || !segment.written) return at;
      at = segment.end;
    }
    if (at < end) return at;
  }
  return undefined;
}
