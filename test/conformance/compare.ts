/** How far outputs are from their goldens, and whether that is near enough. */
import { numeric } from "../../compiler/ir/index.ts";
import type { Tensor } from "../../compiler/ir/index.ts";

/**
 * - exact: every element is equal;
 * - range: within `share` of the golden's range (its largest less its smallest element);
 * - relative: within `absolute` + `relative` * |golden|;
 * - finite: the shape is right and no element is NaN, for models whose goldens no two runtimes share.
 */
export type Bar =
  | { readonly kind: "exact" }
  | { readonly kind: "range"; readonly share: number }
  | { readonly kind: "relative"; readonly relative: number; readonly absolute: number }
  | { readonly kind: "finite" };

export interface Comparison {
  readonly elements: number;
  readonly equal: number;
  /** Largest difference: as a share of the range for the bar `range`, absolute otherwise. */
  readonly maxError: number;
  readonly passed: boolean;
}

export function compare(got: Tensor, golden: Tensor, bar: Bar): Comparison {
  const [ours, theirs] = [numeric(got), numeric(golden)];
  const elements = theirs.length;
  if (got.type.dtype !== golden.type.dtype || ours.length !== elements) {
    return { elements, equal: 0, maxError: Infinity, passed: false };
  }
  const range = bar.kind === "range" ? rangeOf(theirs) : 1;
  let [equal, maxError, misses] = [0, 0, 0];
  for (let index = 0; index < elements; index++) {
    const [a = 0, b = 0] = [ours[index], theirs[index]];
    if (a === b || (a !== a && b !== b)) equal++;
    else {
      const error = Math.abs(a - b) / range;
      maxError = error <= maxError ? maxError : error;
      if (!(error <= tolerance(bar, b)) || (bar.kind === "finite" && a !== a)) misses++;
    }
  }
  return { elements, equal, maxError, passed: misses === 0 };
}

function tolerance(bar: Bar, golden: number): number {
  switch (bar.kind) {
    case "exact":
      return 0;
    case "range":
      return bar.share;
    case "relative":
      return bar.absolute + bar.relative * Math.abs(golden);
    case "finite":
      return Infinity;
  }
}

/** An output that is the same everywhere is judged by its size. */
function rangeOf(values: ArrayLike<number>): number {
  let [low, high] = [Infinity, -Infinity];
  for (let index = 0; index < values.length; index++) {
    const value = values[index] ?? 0;
    if (value < low) low = value;
    if (value > high) high = value;
  }
  const range = high - low;
  return range > 0 && Number.isFinite(range) ? range : Math.max(Math.abs(high), 1e-30);
}

/** Several comparisons as one. */
export function merged(parts: readonly Comparison[]): Comparison {
  return parts.reduce(
    (sum, part) => ({
      elements: sum.elements + part.elements,
      equal: sum.equal + part.equal,
      maxError: Math.max(sum.maxError, part.maxError),
      passed: sum.passed && part.passed,
    }),
    { elements: 0, equal: 0, maxError: 0, passed: true },
  );
}
