/**
 * The suffixes of a byte string in order, by prefix doubling (Manber and Myers, 1993), with counting sorts:
 * every round sorts by twice as many bytes as the one before.
 */

/** Index = rank, value = where the suffix begins. */
export function suffixArray(text: Uint8Array): Int32Array {
  const count = text.length;
  const order = new Int32Array(count);
  const bySecond = new Int32Array(count);
  let rank = new Int32Array(count);
  let next = new Int32Array(count);
  for (let at = 0; at < count; at++) {
    rank[at] = text[at]!;
    bySecond[at] = at;
  }
  const counts = new Int32Array(Math.max(count, 256) + 1);
  countingSort({ order, bySecond, rank, counts, ranks: 256 });
  let ranks = renumber({ order, rank, next, length: 0 });
  [rank, next] = [next, rank];
  for (let length = 1; ranks < count; length *= 2) {
    // Suffixes without a second half come first; the others in the order of their second half.
    let place = 0;
    for (let at = count - length; at < count; at++) if (at >= 0) bySecond[place++] = at;
    for (let at = 0; at < count; at++)
      if (order[at]! >= length) bySecond[place++] = order[at]! - length;
    countingSort({ order, bySecond, rank, counts, ranks });
    ranks = renumber({ order, rank, next, length });
    [rank, next] = [next, rank];
  }
  return order;
}

interface Sorting {
  readonly order: Int32Array;
  readonly bySecond: Int32Array;
  readonly rank: Int32Array;
  readonly counts: Int32Array;
  readonly ranks: number;
}

/** Stable by the rank of the first half. */
function countingSort({ order, bySecond, rank, counts, ranks }: Sorting): void {
  counts.fill(0, 0, ranks + 1);
  for (const at of rank) counts[at + 1]!++;
  for (let index = 1; index <= ranks; index++) counts[index]! += counts[index - 1]!;
  for (const at of bySecond) order[counts[rank[at]!]!++] = at;
}

interface Renumbering {
  readonly order: Int32Array;
  readonly rank: Int32Array;
  readonly next: Int32Array;
  /** Of each half; zero: only the first half was compared. */
  readonly length: number;
}

/** New ranks into `next`; returns how many there are. */
function renumber({ order, rank, next, length }: Renumbering): number {
  const count = order.length;
  if (count === 0) return 0;
  const second = (at: number): number => (at + length < count ? rank[at + length]! : -1);
  let ranks = 0;
  next[order[0]!] = 0;
  for (let index = 1; index < count; index++) {
    const [before, at] = [order[index - 1]!, order[index]!];
    const isEqual = rank[before] === rank[at] && (length === 0 || second(before) === second(at));
    if (!isEqual) ranks++;
    next[at] = ranks;
  }
  return ranks + 1;
}

export interface Match {
  readonly at: number;
  readonly length: number;
}

/** The longest beginning of `target.subarray(from)` that occurs in `text`. */
export function longestMatch(
  { text, order }: { readonly text: Uint8Array; readonly order: Int32Array },
  target: Uint8Array,
  from: number,
): Match {
  let [low, high] = [0, order.length - 1];
  let [lowLength, highLength] = [0, 0];
  let best: Match = { at: 0, length: 0 };
  while (low <= high) {
    const middle = (low + high) >> 1;
    const at = order[middle]!;
    // Both neighbours share this much with the target, so everything between them does.
    const length = commonLength(text, at, { target, from, known: Math.min(lowLength, highLength) });
    if (length > best.length) best = { at, length };
    const isLess =
      at + length < text.length && from + length < target.length
        ? text[at + length]! < target[from + length]!
        : at + length === text.length;
    if (isLess) {
      low = middle + 1;
      lowLength = length;
    } else {
      high = middle - 1;
      highLength = length;
    }
  }
  return best;
}

function commonLength(
  text: Uint8Array,
  at: number,
  { target, from, known }: { target: Uint8Array; from: number; known: number },
): number {
  const end = Math.min(text.length - at, target.length - from);
  let length = known;
  while (length < end && text[at + length] === target[from + length]) length++;
  return length;
}
