/** Outcomes of many devices as one row for every model on every chip. */
import { exp, log } from "../../protocol/base/math.ts";
import type { ModelOutcomeView } from "../../protocol/wire/index.ts";
import type { Column } from "../output.ts";

export interface OutcomeRow {
  readonly model: string;
  readonly soc: string;
  readonly devices: number;
  /** Medians over the devices. */
  readonly beforeUs: number | null;
  readonly afterUs: number | null;
  /** Geometric mean of before/after: above one is faster. */
  readonly gain: number | null;
  /** The worst; null: exact on every device, or measured on none. */
  readonly snrDb: number | null;
  /** Each verdict with how many devices gave it, the worst first. */
  readonly verdict: string;
}

export const OUTCOME_COLUMNS: readonly Column[] = [
  { key: "model", title: "model" },
  { key: "soc", title: "chip" },
  { key: "devices", title: "devices" },
  { key: "beforeUs", title: "before µs", digits: 1 },
  { key: "afterUs", title: "after µs", digits: 1 },
  { key: "gain", title: "gain", digits: 3 },
  { key: "snrDb", title: "SNR dB", digits: 1 },
  { key: "verdict", title: "verdict" },
];

const WORST_FIRST = [
  "failed",
  "refused_wrong",
  "refused_slower",
  "kept",
] as const satisfies readonly ModelOutcomeView["verdict"][];

export function outcomeRows(outcomes: readonly ModelOutcomeView[]): OutcomeRow[] {
  const groups = new Map<string, ModelOutcomeView[]>();
  for (const outcome of outcomes) {
    const key = `${outcome.model}\n${outcome.soc}`;
    groups.set(key, [...(groups.get(key) ?? []), outcome]);
  }
  return [...groups].sort(([a], [b]) => (a < b ? -1 : 1)).map(([key, group]) => rowOf(key, group));
}

function rowOf(key: string, group: readonly ModelOutcomeView[]): OutcomeRow {
  const [model = "", soc = ""] = key.split("\n");
  const ratios = known(group.map(({ outputSnrDb }) => outputSnrDb));
  return {
    model,
    soc,
    devices: new Set(group.map(({ device }) => device)).size,
    beforeUs: median(known(group.map(({ beforeMicroseconds }) => beforeMicroseconds))),
    afterUs: median(known(group.map(({ afterMicroseconds }) => afterMicroseconds))),
    gain: geometricMean(known(group.map(({ gain }) => gain))),
    snrDb: ratios.length > 0 ? Math.min(...ratios) : null,
    verdict: verdicts(group),
  };
}

function verdicts(group: readonly ModelOutcomeView[]): string {
  const counts = WORST_FIRST.map(
    (verdict) => [verdict, group.filter((outcome) => outcome.verdict === verdict).length] as const,
  );
  return counts
    .filter(([, count]) => count > 0)
    .map(([verdict, count]) => `${verdict} ${count}`)
    .join(", ");
}

function known(values: readonly (number | null)[]): number[] {
  return values.filter((value) => value !== null);
}

function median(values: readonly number[]): number | null {
  const sorted = [...values].sort((a, b) => a - b);
  const middle = sorted.length >> 1;
  const [low, high] = [sorted[sorted.length % 2 === 0 ? middle - 1 : middle], sorted[middle]];
  return low === undefined || high === undefined ? null : (low + high) / 2;
}

function geometricMean(values: readonly number[]): number | null {
  if (values.length === 0) return null;
  return exp(values.reduce((sum, value) => sum + log(value), 0) / values.length);
}
