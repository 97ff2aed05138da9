/** Bars: what a bench demands of its numbers. They stand in its summary and decide its exit code. */
import { failed, succeeded } from "../protocol/base/result.ts";
import type { Result } from "../protocol/base/result.ts";
import type { ExitName } from "./exit-codes.ts";
import type { Column, Output, Row } from "./output.ts";

export interface Bar {
  /** What is measured, with its unit. */
  readonly name: string;
  /** NaN, which stands for nothing measured, never holds. */
  readonly value: number;
  readonly demand: "below" | "at_least";
  readonly limit: number;
}

export function holds({ value, demand, limit }: Bar): boolean {
  return demand === "below" ? value < limit : value >= limit;
}

/** Shows the bars to people; gives what the report's summary and the exit code say of them. */
export function judge(
  bars: readonly Bar[],
  output: Output,
): { readonly exit: ExitName; readonly barsHeld: boolean; readonly bars: readonly Row[] } {
  const rows = bars.map((bar): Row => ({ ...bar, holds: holds(bar) }));
  if (rows.length > 0) output.table(COLUMNS, rows);
  const barsHeld = bars.every(holds);
  return { exit: barsHeld ? "ok" : "failed", barsHeld, bars: rows };
}

const COLUMNS: readonly Column[] = [
  { key: "name", title: "bar" },
  { key: "value", title: "measured", digits: 2 },
  { key: "demand", title: "must be" },
  { key: "limit", title: "limit", digits: 2 },
  { key: "holds", title: "holds" },
];

/** `--only PATTERN`: those whose name the regular expression matches, at least one. */
export function narrowed<T>(
  all: readonly T[],
  pattern: string | undefined,
  nameOf: (one: T) => string,
): Result<readonly T[], "USAGE"> {
  if (pattern === undefined) return succeeded(all);
  let expression: RegExp;
  try {
    expression = new RegExp(pattern);
  } catch (error) {
    return failed("USAGE", `--only ${pattern}: ${(error as Error).message}`);
  }
  const found = all.filter((one) => expression.test(nameOf(one)));
  if (found.length > 0) return succeeded(found);
  return failed("USAGE", `--only ${pattern} matches none of ${all.map(nameOf).join(", ")}`);
}
