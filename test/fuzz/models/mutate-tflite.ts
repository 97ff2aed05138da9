/**
 * Structure-aware damage to a flatbuffer: follows tables and vectors from the root, without a schema, and changes
 * the words that give it its shape (offsets, vtables, lengths, scalars of tables).
 */
import type { Random } from "../../../protocol/base/random.ts";
import { damageBytes, pick } from "./mutate-bytes.ts";

const WORDS_MAX = 200_000;
const VECTOR_ELEMENTS_MAX = 256;
const MUTATIONS_MAX = 4;
const NUMBERS = [0, 1, 2, 3, 4, 8, 127, 255, 65_535, 65_536, 0x7fffffff, 0x80000000, 0xffffffff];

/** Positions of the words of 2 and 4 bytes that shape the buffer. */
export interface Skeleton {
  readonly words: readonly number[];
  readonly halves: readonly number[];
}

/** The same bytes for the same state of `random`. */
export function mutateTflite(bytes: Uint8Array, skeleton: Skeleton, random: Random): Uint8Array {
  if (skeleton.words.length === 0 || random.below(8) === 0) return damageBytes(bytes, random);
  const copy = bytes.slice();
  const view = viewOf(copy);
  const count = 1 + random.below(MUTATIONS_MAX);
  for (let index = 0; index < count; index++) mutateWord(view, skeleton, random);
  return random.below(16) === 0 ? damageBytes(copy, random) : copy;
}

function mutateWord(view: DataView, { words, halves }: Skeleton, random: Random): void {
  if (random.below(4) === 0) {
    const at = pick(halves, random);
    if (at === undefined) return;
    const near = view.getUint16(at, true) + 2 * (random.below(5) - 2);
    view.setUint16(at, random.below(2) === 0 ? near : random.below(65_536), true);
    return;
  }
  const [at = 0, other = 0] = [pick(words, random), pick(words, random)];
  const old = view.getUint32(at, true);
  const next = [
    old + (random.below(9) - 4),
    pick(NUMBERS, random) ?? 0,
    view.getUint32(other, true),
    // The same target as the other word has: shares tables, makes cycles.
    other + view.getUint32(other, true) - at,
  ];
  view.setUint32(at, (pick(next, random) ?? 0) >>> 0, true);
}

export function skeletonOf(bytes: Uint8Array): Skeleton {
  const view = viewOf(bytes);
  const found = { words: [] as number[], halves: [] as number[] };
  if (bytes.length < 8) return found;
  const seen = new Set<number>();
  const pending = [view.getUint32(0, true)];
  found.words.push(0);
  for (let at = pending.pop(); at !== undefined; at = pending.pop()) {
    if (seen.has(at) || found.words.length > WORDS_MAX) continue;
    seen.add(at);
    pending.push(...visit(view, at, found));
  }
  return found;
}

/** What the object at `at` points to, taken for a table where it can be one and for a vector elsewhere. */
function visit(
  view: DataView,
  at: number,
  found: { readonly words: number[]; readonly halves: number[] },
): number[] {
  const table = vtableOf(view, at);
  found.words.push(at);
  if (table === undefined) return targetsIn(view, elementsOf(view, at), found);
  const { vtable, slots } = table;
  const fields: number[] = [];
  for (let slot = 0; slot < slots; slot++) {
    found.halves.push(vtable + 4 + 2 * slot);
    const offset = view.getUint16(vtable + 4 + 2 * slot, true);
    if (offset !== 0 && at + offset + 4 <= view.byteLength) fields.push(at + offset);
  }
  found.halves.push(vtable, vtable + 2);
  return targetsIn(view, fields, found);
}

function targetsIn(
  view: DataView,
  positions: readonly number[],
  found: { readonly words: number[] },
): number[] {
  const targets: number[] = [];
  for (const position of positions) {
    found.words.push(position);
    const target = position + view.getUint32(position, true);
    if (target > position && target + 4 <= view.byteLength) targets.push(target);
  }
  return targets;
}

function vtableOf(view: DataView, at: number): { vtable: number; slots: number } | undefined {
  const vtable = at - view.getInt32(at, true);
  if (vtable < 4 || vtable + 4 > view.byteLength) return undefined;
  const bytes = view.getUint16(vtable, true);
  const plausible = bytes >= 4 && bytes % 2 === 0 && bytes < 256;
  if (!plausible || vtable + bytes > view.byteLength) return undefined;
  return { vtable, slots: (bytes - 4) / 2 };
}

function elementsOf(view: DataView, at: number): number[] {
  const count = view.getUint32(at, true);
  const fits = at + 4 + count * 4 <= view.byteLength;
  const visited = fits ? Math.min(count, VECTOR_ELEMENTS_MAX) : 0;
  return Array.from({ length: visited }, (_, index) => at + 4 + index * 4);
}

function viewOf(bytes: Uint8Array): DataView {
  return new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
}
