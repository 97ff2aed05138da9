/** What `retile driver bench` says of its measurements: gains, bars, and where the time goes. */
import type { Bar } from "../bars.ts";
import { judge } from "../bars.ts";
import type { ExitName } from "../exit-codes.ts";
import type { Column, Output, Row } from "../output.ts";
import { OPERATOR_COLUMNS, UTILISATION_COLUMNS } from "./operators.ts";
import type { OperatorTime, Utilisation } from "./operators.ts";

/** What the newest release must gain over the oldest on each chip, as a geometric mean over the models. */
const GAIN_MIN = 1.5;
/** How far above its roofline a layer-by-layer release may stay: a base that wastes time makes no fair gain. */
const ROOFLINE_RATIO_MAX = 1.3;
const SNR_DB_MIN = { model: "ocr-classifier", limit: 20 } as const;

export interface Measured extends Utilisation {
  readonly model: string;
  readonly soc: string;
  readonly release: string;
  readonly microseconds: number;
  /** What no driver can go below on the chip. */
  readonly lowerBoundUs: number;
  readonly ofPeak: number;
  /** Of a release that works layer by layer; null for others. */
  readonly rooflineUs: number | null;
  readonly rooflineRatio: number | null;
  readonly compileMs: number;
  readonly outputSnrDb: number;
  /** The slowest first. */
  readonly operators: readonly OperatorTime[];
}

export interface BenchReport {
  readonly measured: readonly Measured[];
  /** Oldest first. */
  readonly releases: readonly string[];
  /** Operators to show of each model. */
  readonly top: number;
  /** Operators of every release, not of the newest alone. */
  readonly profile: boolean;
}

export function reportBench(
  { measured, releases, top, profile }: BenchReport,
  output: Output,
): ExitName {
  const gains = gainsOf(measured, releases);
  const newest = releases.at(-1);
  for (const one of measured) {
    if (profile || one.release === newest) showOperators(one, top, output);
  }
  if (gains.length > 0)
    output.table(
      GAIN_COLUMNS,
      gains.map((gain): Row => ({ ...gain })),
    );
  const { exit, ...verdict } = judge(barsOf(measured, gains), output);
  const rows = measured.map(({ operators: _, ...row }): Row => ({ ...row }));
  const summary = {
    geometricMeanGain: gains.length > 0 ? geometricMean(gains.map(({ gain }) => gain)) : null,
    worstGain: gains.length > 0 ? Math.min(...gains.map(({ gain }) => gain)) : null,
    ...verdict,
    operators: measured.flatMap(({ model, soc, release, operators }) =>
      operators.slice(0, top).map((operator) => ({ model, soc, release, ...operator })),
    ),
  };
  output.report({ name: "driver bench", rows, summary }, COLUMNS);
  return exit;
}

function showOperators({ operators, ...one }: Measured, top: number, output: Output): void {
  if (top === 0) return;
  const { model, release, soc, microseconds, lowerBoundUs } = one;
  const times = `${microseconds.toFixed(1)} µs, at the least ${lowerBoundUs.toFixed(1)} µs`;
  output.say(`${model} by ${release} on ${soc}: ${times}`);
  output.table(
    OPERATOR_COLUMNS,
    operators.slice(0, top).map((operator): Row => ({ ...operator })),
  );
}

interface Gain {
  readonly model: string;
  readonly soc: string;
  readonly gain: number;
}

/** Oldest against newest release. */
function gainsOf(measured: readonly Measured[], releases: readonly string[]): Gain[] {
  const [oldest, newest] = [releases[0], releases.at(-1)];
  if (releases.length < 2) return [];
  return measured
    .filter(({ release }) => release === oldest)
    .map(({ model, soc, microseconds }) => {
      const after = measured.find(
        (other) => other.model === model && other.soc === soc && other.release === newest,
      );
      return { model, soc, gain: microseconds / (after?.microseconds ?? Number.NaN) };
    });
}

function geometricMean(values: readonly number[]): number {
  return Math.exp(values.reduce((sum, value) => sum + Math.log(value), 0) / values.length);
}

function barsOf(measured: readonly Measured[], gains: readonly Gain[]): Bar[] {
  const bars: Bar[] = [];
  for (const soc of new Set(gains.map((one) => one.soc))) {
    const value = geometricMean(gains.filter((one) => one.soc === soc).map(({ gain }) => gain));
    bars.push({ name: `gain on ${soc}`, value, demand: "at_least", limit: GAIN_MIN });
  }
  if (gains.length > 0) {
    const value = Math.min(...gains.map(({ gain }) => gain));
    bars.push({ name: "smallest gain of a model", value, demand: "at_least", limit: 1 });
  }
  const ratios = measured.flatMap(({ rooflineRatio }) => rooflineRatio ?? []);
  if (ratios.length > 0) {
    const name = "layer by layer, slowest against its roofline";
    bars.push({ name, value: Math.max(...ratios), demand: "below", limit: ROOFLINE_RATIO_MAX });
  }
  const value = Math.max(...measured.map(({ ofPeak }) => ofPeak));
  bars.push({ name: "largest share of the peak", value, demand: "below", limit: 1 });
  const { model, limit } = SNR_DB_MIN;
  const judged = measured.filter((one) => one.model === model);
  if (judged.length > 0) {
    const value = Math.min(...judged.map(({ outputSnrDb }) => outputSnrDb));
    bars.push({ name: `${model}, worst output SNR, dB`, value, demand: "at_least", limit });
  }
  return bars;
}

const GAIN_COLUMNS: readonly Column[] = [
  { key: "model", title: "model" },
  { key: "soc", title: "chip" },
  { key: "gain", title: "gain", digits: 2 },
];

const COLUMNS: readonly Column[] = [
  { key: "model", title: "model" },
  { key: "soc", title: "chip" },
  { key: "release", title: "release" },
  { key: "microseconds", title: "µs", digits: 1 },
  { key: "lowerBoundUs", title: "lower bound", digits: 1 },
  { key: "ofPeak", title: "of peak", bar: true },
  ...UTILISATION_COLUMNS,
  { key: "rooflineRatio", title: "to roofline", digits: 2 },
  { key: "outputSnrDb", title: "SNR dB", digits: 1 },
  { key: "compileMs", title: "compile ms" },
];
