/** Exact copies of runs that are found by the hashes of blocks: the better way where text moved and little else. */
import type { DeltaStreams } from "../../../protocol/bundle/index.ts";
import { streamsOf, type Segment } from "./suffix-delta.ts";

const BLOCK_BYTES = 16;
/** A copy costs some four bytes of operations before compression. */
const RUN_BYTES_MIN = 24;
const TABLE_BITS = 20;
const CHAIN_LENGTH_MAX = 16;
const FACTOR = 0x01000193;

export function blockDelta(base: Uint8Array, target: Uint8Array): DeltaStreams {
  const table = blockTable(base);
  const segments: Segment[] = [];
  let [end, shift] = [0, 0];
  for (let at = 0; at + BLOCK_BYTES <= target.length;) {
    const run = longestRun({ base, target, table }, { at, end, shift });
    if (run.bytes < RUN_BYTES_MIN) {
      at++;
      continue;
    }
    segments.push(run);
    end = run.targetAt + run.bytes;
    shift = run.baseAt - run.targetAt;
    at = end;
  }
  return streamsOf(segments, { base, target, exact: true });
}

interface BlockTable {
  /** By hash: the last block, counted from one; zero: none. */
  readonly heads: Int32Array;
  /** By block: the one before with the same hash. */
  readonly next: Int32Array;
}

function blockTable(base: Uint8Array): BlockTable {
  const blocks = Math.floor(base.length / BLOCK_BYTES);
  const heads = new Int32Array(1 << TABLE_BITS);
  const next = new Int32Array(blocks + 1);
  for (let block = blocks; block >= 1; block--) {
    const hash = hashOf(base, (block - 1) * BLOCK_BYTES);
    next[block] = heads[hash]!;
    heads[hash] = block;
  }
  return { heads, next };
}

function hashOf(bytes: Uint8Array, at: number): number {
  let hash = 0;
  for (let index = 0; index < BLOCK_BYTES; index++) {
    hash = (Math.imul(hash, FACTOR) + bytes[at + index]!) | 0;
  }
  hash ^= hash >>> 15;
  return (Math.imul(hash, 0x2c1b3c6d) >>> (32 - TABLE_BITS)) & ((1 << TABLE_BITS) - 1);
}

interface Sides {
  readonly base: Uint8Array;
  readonly target: Uint8Array;
  readonly table: BlockTable;
}

function longestRun(
  { base, target, table }: Sides,
  { at, end, shift }: { readonly at: number; readonly end: number; readonly shift: number },
): Segment {
  let best: Segment = { targetAt: at, baseAt: 0, bytes: 0 };
  const look = (baseAt: number): void => {
    if (baseAt < 0 || baseAt >= base.length) return;
    let [before, after] = [0, 0];
    while (base[baseAt + after] === target[at + after] && at + after < target.length) after++;
    if (after === 0) return;
    while (at - before > end && baseAt > before && isEqualBefore(baseAt - before, at - before))
      before++;
    const bytes = before + after;
    if (bytes > best.bytes) best = { targetAt: at - before, baseAt: baseAt - before, bytes };
  };
  const isEqualBefore = (baseAt: number, targetAt: number): boolean =>
    base[baseAt - 1] === target[targetAt - 1];
  look(at + shift);
  let block = table.heads[hashOf(target, at)]!;
  for (let tries = 0; block > 0 && tries < CHAIN_LENGTH_MAX; tries++) {
    look((block - 1) * BLOCK_BYTES);
    block = table.next[block]!;
  }
  return best;
}
