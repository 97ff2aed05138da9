/**
 * Differences of executable code in the manner of bsdiff (Percival, 2003): exact matches found in a suffix
 * array are stretched over bytes that differ, as long as more than half of them are equal; what then differs
 * is nearly always zero, and compresses to almost nothing.
 */
import { concatBytes } from "../../../protocol/base/bytes.ts";
import { pushVarint, zigzag, type DeltaStreams } from "../../../protocol/bundle/index.ts";
import { longestMatch, suffixArray, type Match } from "./suffix-array.ts";

/** `target[targetAt, +bytes)` is nearly `base[baseAt, +bytes)`. */
export interface Segment {
  readonly targetAt: number;
  readonly baseAt: number;
  readonly bytes: number;
}

/** A match must be better than what simply going on would give by more than this. */
const BETTER_BY = 8;

export function suffixDelta(base: Uint8Array, target: Uint8Array): DeltaStreams {
  return streamsOf(segmentsOf(base, target), { base, target, exact: false });
}

function segmentsOf(base: Uint8Array, target: Uint8Array): Segment[] {
  const sides = { base, target, index: { text: base, order: suffixArray(base) } };
  const segments: Segment[] = [];
  let last: Open = { targetAt: 0, baseAt: 0 };
  let scan = 0;
  while (scan < target.length) {
    const { at, match, isEnd, score } = nextMatch(sides, scan, last.baseAt - last.targetAt);
    scan = at + match.length;
    // The open segment goes through here as well as any other would.
    if (match.length === score && !isEnd) continue;
    const next: Open = { targetAt: at, baseAt: match.at };
    const forward = stretchForward(base, target, { ...last, end: at });
    const backward = isEnd ? 0 : stretchBackward(base, target, { ...next, from: last.targetAt });
    const cut = divide({ base, target }, { last, forward, next, backward });
    if (cut.forward > 0) segments.push({ ...last, bytes: cut.forward });
    last = { targetAt: at - cut.backward, baseAt: match.at - cut.backward };
  }
  // What was found last reaches to the end.
  const bytes = stretchForward(base, target, { ...last, end: target.length });
  if (bytes > 0) segments.push({ ...last, bytes });
  return segments;
}

interface Sides {
  readonly base: Uint8Array;
  readonly target: Uint8Array;
  readonly index: { readonly text: Uint8Array; readonly order: Int32Array };
}

/** The next place with a match that goes on with the open segment, or that is clearly better than it. */
function nextMatch({ base, target, index }: Sides, from: number, shift: number) {
  const goesOn = (at: number): boolean =>
    at + shift >= 0 && at + shift < base.length && base[at + shift] === target[at];
  let score = 0;
  let counted = from;
  for (let at = from; at < target.length; at++) {
    const match = longestMatch(index, target, at);
    for (; counted < at + match.length; counted++) if (goesOn(counted)) score++;
    const isSame = match.length === score && match.length > 0;
    if (isSame || match.length > score + BETTER_BY) return { at, match, score, isEnd: false };
    if (counted > at && goesOn(at)) score--;
  }
  const none: Match = { at: 0, length: 0 };
  return { at: target.length, match: none, score: 0, isEnd: true };
}

interface Open {
  readonly targetAt: number;
  readonly baseAt: number;
}

/** How many bytes after the segment's start still belong to it. */
function stretchForward(
  base: Uint8Array,
  target: Uint8Array,
  { targetAt, baseAt, end }: Open & { readonly end: number },
): number {
  let [score, best, bytes] = [0, 0, 0];
  for (let at = 0; targetAt + at < end && baseAt + at < base.length; at++) {
    score += base[baseAt + at] === target[targetAt + at] ? 1 : -1;
    if (score > best) [best, bytes] = [score, at + 1];
  }
  return bytes;
}

function stretchBackward(
  base: Uint8Array,
  target: Uint8Array,
  { targetAt, baseAt, from }: Open & { readonly from: number },
): number {
  let [score, best, bytes] = [0, 0, 0];
  for (let at = 1; targetAt - at >= from && baseAt - at >= 0; at++) {
    score += base[baseAt - at] === target[targetAt - at] ? 1 : -1;
    if (score > best) [best, bytes] = [score, at];
  }
  return bytes;
}

interface Neighbours {
  readonly last: Open;
  readonly forward: number;
  readonly next: Open;
  readonly backward: number;
}

/** Where two stretched segments overlap, the border goes where most bytes are equal. */
function divide(
  { base, target }: { readonly base: Uint8Array; readonly target: Uint8Array },
  { last, forward, next, backward }: Neighbours,
): { readonly forward: number; readonly backward: number } {
  const overlap = last.targetAt + forward - (next.targetAt - backward);
  if (overlap <= 0) return { forward, backward };
  let [score, best, border] = [0, 0, 0];
  for (let at = 0; at < overlap; at++) {
    const targetAt = last.targetAt + forward - overlap + at;
    if (target[targetAt] === base[last.baseAt + forward - overlap + at]) score++;
    if (target[targetAt] === base[next.baseAt - backward + at]) score--;
    if (score > best) [best, border] = [score, at + 1];
  }
  return { forward: forward - overlap + border, backward: backward - border };
}

interface Writing {
  readonly base: Uint8Array;
  readonly target: Uint8Array;
  /** Segments are equal in every byte: no differences are written. */
  readonly exact: boolean;
}

export function streamsOf(
  segments: readonly Segment[],
  { base, target, exact }: Writing,
): DeltaStreams {
  const operations: number[] = [];
  const differences: Uint8Array[] = [];
  const literals: Uint8Array[] = [];
  let [targetAt, baseAt] = [0, 0];
  const step = (segment: Segment): void => {
    pushVarint(operations, segment.targetAt - targetAt);
    pushVarint(operations, segment.bytes);
    pushVarint(operations, zigzag(segment.baseAt - baseAt));
    literals.push(target.subarray(targetAt, segment.targetAt));
    targetAt = segment.targetAt + segment.bytes;
    baseAt = segment.baseAt + segment.bytes;
    if (exact) return;
    const from = base.subarray(segment.baseAt, baseAt);
    differences.push(from.map((byte, at) => (target[segment.targetAt + at] ?? 0) - byte));
  };
  for (const segment of segments) step(segment);
  if (targetAt < target.length) step({ targetAt: target.length, baseAt, bytes: 0 });
  return {
    operations: Uint8Array.from(operations),
    differences: concatBytes(differences),
    literals: concatBytes(literals),
  };
}
