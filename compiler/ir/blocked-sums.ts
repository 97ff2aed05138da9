/**
 * Sums of products, eight outputs at a time, for those who want every element of a large result. Each sum has the
 * order of the naive rule, which stays what this is judged by.
 */

// Bound once: a lookup on the global object costs more than the operation in some hosts.
const { fround } = Math;

/** Outputs whose sums are formed together. */
export const BLOCK = 8;

/** Eight sums in the making. */
export interface Block {
  readonly sums: Float64Array;
  readonly x: Float64Array;
  /** Factors of the eight outputs, element by element: [element][BLOCK]. */
  readonly filters: Float64Array;
  /** Elements that one call adds. */
  readonly depth: number;
}

/** Adds to every sum the products of `depth` elements from there on. */
export type AddProducts = (block: Block, fromX: number, fromFilter: number) => void;

/** float32: every product and every sum is rounded. exact: in float64, for integers. */
export const ADD_PRODUCTS = { float32: addRounded, exact: addExact } as const satisfies Record<
  string,
  AddProducts
>;

function addExact({ sums, x, filters, depth }: Block, fromX: number, fromFilter: number): void {
  let [a, b, c, d] = [sums[0]!, sums[1]!, sums[2]!, sums[3]!];
  let [e, f, g, h] = [sums[4]!, sums[5]!, sums[6]!, sums[7]!];
  let at = fromFilter * BLOCK;
  for (let k = fromX; k < fromX + depth; k++, at += BLOCK) {
    const value = x[k]!;
    a += value * filters[at]!;
    b += value * filters[at + 1]!;
    c += value * filters[at + 2]!;
    d += value * filters[at + 3]!;
    e += value * filters[at + 4]!;
    f += value * filters[at + 5]!;
    g += value * filters[at + 6]!;
    h += value * filters[at + 7]!;
  }
  [sums[0], sums[1], sums[2], sums[3]] = [a, b, c, d];
  [sums[4], sums[5], sums[6], sums[7]] = [e, f, g, h];
}

function addRounded({ sums, x, filters, depth }: Block, fromX: number, fromFilter: number): void {
  let [a, b, c, d] = [fround(sums[0]!), fround(sums[1]!), fround(sums[2]!), fround(sums[3]!)];
  let [e, f, g, h] = [fround(sums[4]!), fround(sums[5]!), fround(sums[6]!), fround(sums[7]!)];
  let at = fromFilter * BLOCK;
  for (let k = fromX; k < fromX + depth; k++, at += BLOCK) {
    const value = x[k]!;
    a = fround(a + fround(value * filters[at]!));
    b = fround(b + fround(value * filters[at + 1]!));
    c = fround(c + fround(value * filters[at + 2]!));
    d = fround(d + fround(value * filters[at + 3]!));
    e = fround(e + fround(value * filters[at + 4]!));
    f = fround(f + fround(value * filters[at + 5]!));
    g = fround(g + fround(value * filters[at + 6]!));
    h = fround(h + fround(value * filters[at + 7]!));
  }
  [sums[0], sums[1], sums[2], sums[3]] = [a, b, c, d];
  [sums[4], sums[5], sums[6], sums[7]] = [e, f, g, h];
}
