/**
 * `retile fidelity fit`: fits the numbers that no source gives on the calibration set, and shows what they are worth:
 * in sample, on networks left out, on a chip left out.
 */
import { socsFittedWith } from "../../device-agent/soc/index.ts";
import type { Fitted } from "../../device-agent/soc/index.ts";
import type { Graph } from "../../compiler/ir/index.ts";
import { present } from "../../protocol/base/assert.ts";
import { unwrap } from "../../protocol/base/result.ts";
import type { Bar } from "../bars.ts";
import { judge } from "../bars.ts";
import type { ExitName } from "../exit-codes.ts";
import type { Column, Output, Row } from "../output.ts";
import { findSoc } from "../soc.ts";
import { fileText, groupedBy } from "./fidelity.ts";
import { solve } from "./least-squares.ts";
import { isMeasurement, readMeasurements } from "./measurements.ts";
import type { Measurement } from "./measurements.ts";
import { floatGraph } from "./networks.ts";
import { precisionOf, Programs, timingOf, typedGraph } from "./parity.ts";
import type { TimedProgram } from "./parity.ts";
import { meanErrorPercent, spearman } from "./statistics.ts";
import type { Pair } from "./statistics.ts";

/** A measurement with its compiled program: only the clock is run again while constants are tried. */
interface Case extends Measurement {
  readonly program: TimedProgram;
  /** By constants: fits without one network or chip try what the others tried. */
  readonly simulatedUs: Map<string, number>;
}

/**
 * Where every fit is held as far as measurements do not decide, so that the same file gives the same constants: orders
 * of magnitude, packets as the table counts them, and an output crouton of 64 positions in as many cycles.
 */
const PRIOR: Fitted = {
  hvxDispatchCycles: 1000,
  hvxPacketPercent: 100,
  hmxStoreCycles: 64,
  dmaLatencyNs: 300,
};
const NAMES = Object.keys(PRIOR) as (keyof Fitted)[];
/** What the set of float and w8a8 rows is judged by, percent; and the rank correlation. */
const BARS = { inSample: [8, 10], leftOut: [11, 13], otherChip: 12, spearman: 0.97 } as const;
const PRECISIONS = ["float", "w8a8"] as const;
const STEPS = { joint: 6, leftOut: 2 } as const;
const STEP_MAX = 0.7;
/** A drift by a factor of e counts as a tenth of an error in one row. */
const RIDGE = 0.01;

export async function fitConstants(
  options: { readonly csv: string },
  output: Output,
): Promise<ExitName> {
  const measurements = unwrap(readMeasurements(await fileText(options.csv)));
  const cases = await compiledCases(measurements.filter(isMeasurement), output);
  const models = [...new Set(cases.map(({ model }) => model))];
  const socs = [...new Set(cases.map(({ soc }) => soc))];
  const progress = output.progress("fit", 1 + models.length + socs.length);
  const joint = fitted(cases, { start: PRIOR, steps: STEPS.joint });
  progress.advance(1, "all");
  const leftOut = new Map<Case, number>();
  for (const model of models) {
    const rest = cases.filter((one) => one.model !== model);
    const constants = fitted(rest, { start: joint, steps: STEPS.leftOut });
    predict(
      cases.filter((one) => one.model === model),
      constants,
      leftOut,
    );
    progress.advance(1, `without ${model}`);
  }
  const otherChip = new Map<Case, number>();
  for (const soc of socs) {
    const rest = cases.filter((one) => one.soc !== soc);
    const constants = fitted(rest, { start: joint, steps: STEPS.leftOut });
    predict(
      cases.filter((one) => one.soc === soc),
      constants,
      otherChip,
    );
    progress.advance(1, `without ${soc}`);
  }
  progress.finish();
  const inSample = predict(cases, joint, new Map());
  const { exit, ...verdict } = judge(barsOf(cases, { inSample, leftOut, otherChip }), output);
  const rows = cases.map((one): Row => rowOf(one, { inSample, leftOut, otherChip }));
  output.report({ name: "fidelity fit", rows, summary: { constants: joint, ...verdict } }, COLUMNS);
  return exit;
}

/** Those of the measurements that count; says which of them cannot be compiled. */
async function compiledCases(
  measurements: readonly Measurement[],
  output: Output,
): Promise<readonly Case[]> {
  const counted = measurements.filter((row) => PRECISIONS.some((name) => name === row.precision));
  const progress = output.progress("compile", counted.length);
  const cases: Case[] = [];
  for (const [model, rows] of groupedBy(counted, (row) => row.model)) {
    const graph = await floatGraph(model);
    if (!graph.ok) output.say(`${model}: ${graph.message}`);
    for (const [name, same] of groupedBy(rows, (row) => row.precision)) {
      if (graph.ok) cases.push(...casesOf(graph.value, same, output));
      progress.advance(same.length, `${model} ${name}`);
    }
  }
  progress.finish();
  return cases;
}

/** Measurements of one network in one precision. */
function casesOf(graph: Graph, rows: readonly Measurement[], output: Output): readonly Case[] {
  const { model = "", precision = "" } = rows[0] ?? {};
  const typed = typedGraph(graph, present(precisionOf(precision), precision));
  if (!typed.ok) output.say(`${model} ${precision}: ${typed.message}`);
  if (!typed.ok) return [];
  const programs = new Programs(typed.value);
  return rows.flatMap((row): Case[] => {
    const program = programs.weightless(unwrap(findSoc(row.soc)));
    if (!program.ok) output.say(`${model} ${precision}: ${program.message}`);
    return program.ok ? [{ ...row, program: program.value, simulatedUs: new Map() }] : [];
  });
}

function fitted(
  cases: readonly Case[],
  options: { readonly start: Fitted; readonly steps: number },
): Fitted {
  const found = solve({
    residuals: (at) => errorsOf(cases, constantsOf(at)),
    start: logarithmsOf(options.start),
    prior: logarithmsOf(PRIOR),
    ...{ steps: options.steps, stepMax: STEP_MAX, ridge: RIDGE },
  });
  return constantsOf(found);
}

function errorsOf(cases: readonly Case[], constants: Fitted): number[] {
  return cases.map((one) => softened(Math.log(simulatedUs(one, constants) / one.measuredUs)));
}

/**
 * Squared, about the error itself beyond SOFTENED_FROM (pseudo-Huber): the sum of errors is judged, and one network
 * that is far off must not bend the constants for all others.
 */
function softened(error: number): number {
  const scaled = error / SOFTENED_FROM;
  return Math.sign(error) * SOFTENED_FROM * Math.sqrt(2 * (Math.sqrt(1 + scaled ** 2) - 1));
}

const SOFTENED_FROM = 0.1;

function logarithmsOf(constants: Fitted): number[] {
  return NAMES.map((name) => Math.log(constants[name]));
}

/** Whole numbers, as they are stored. */
function constantsOf(logarithms: readonly number[]): Fitted {
  const entries = NAMES.map((name, index) => [name, Math.round(Math.exp(logarithms[index] ?? 0))]);
  return Object.fromEntries(entries) as Fitted;
}

function simulatedUs(one: Case, constants: Fitted): number {
  const key = JSON.stringify(constants);
  const known = one.simulatedUs.get(key);
  if (known !== undefined) return known;
  const soc = present(socsFittedWith(constants).get(one.soc), one.soc);
  const { microseconds } = unwrap(timingOf(one.program, soc));
  one.simulatedUs.set(key, microseconds);
  return microseconds;
}

function predict(
  cases: readonly Case[],
  constants: Fitted,
  into: Map<Case, number>,
): ReadonlyMap<Case, number> {
  for (const one of cases) into.set(one, simulatedUs(one, constants));
  return into;
}

interface Predictions {
  readonly inSample: ReadonlyMap<Case, number>;
  readonly leftOut: ReadonlyMap<Case, number>;
  readonly otherChip: ReadonlyMap<Case, number>;
}

function barsOf(cases: readonly Case[], predictions: Predictions): Bar[] {
  const { inSample, leftOut, otherChip } = predictions;
  const pairs = (from: ReadonlyMap<Case, number>, precision?: string): Pair[] =>
    cases
      .filter((one) => precision === undefined || one.precision === precision)
      .map((one) => ({ measured: one.measuredUs, simulated: from.get(one) ?? NaN }));
  const bar = (name: string, value: number, limit: number): Bar => {
    return { name: `${name}, MAPE %`, value, demand: "below", limit };
  };
  return [
    ...PRECISIONS.flatMap((precision, index) => [
      bar(
        `in sample, ${precision}`,
        meanErrorPercent(pairs(inSample, precision)),
        BARS.inSample[index] ?? 0,
      ),
      bar(
        `network left out, ${precision}`,
        meanErrorPercent(pairs(leftOut, precision)),
        BARS.leftOut[index] ?? 0,
      ),
    ]),
    bar("fitted on the other chip", meanErrorPercent(pairs(otherChip)), BARS.otherChip),
    {
      name: "Spearman",
      value: spearman(pairs(inSample)),
      demand: "at_least",
      limit: BARS.spearman,
    },
  ];
}

function rowOf(one: Case, { inSample, leftOut, otherChip }: Predictions): Row {
  const error = (from: ReadonlyMap<Case, number>): number =>
    100 * ((from.get(one) ?? NaN) / one.measuredUs - 1);
  const { model, precision, soc, measuredUs } = one;
  return {
    ...{ model, precision, soc, measuredUs },
    simulatedUs: inSample.get(one) ?? null,
    inSample: error(inSample),
    leftOut: error(leftOut),
    otherChip: error(otherChip),
  };
}

const COLUMNS: readonly Column[] = [
  { key: "model", title: "model" },
  { key: "precision", title: "precision" },
  { key: "soc", title: "chip" },
  { key: "measuredUs", title: "measured µs" },
  { key: "simulatedUs", title: "simulated µs" },
  { key: "inSample", title: "error %", digits: 1 },
  { key: "leftOut", title: "network left out %", digits: 1 },
  { key: "otherChip", title: "other chip's fit %", digits: 1 },
];
