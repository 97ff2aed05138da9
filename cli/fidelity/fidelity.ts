/** `retile fidelity score`: simulated against measured latency, a row a measurement. */
import { readFile } from "node:fs/promises";
import type { Graph } from "../../compiler/ir/index.ts";
import { FITTED, socNamed } from "../../device-agent/soc/index.ts";
import { failed, succeeded, unwrap } from "../../protocol/base/result.ts";
import type { Result } from "../../protocol/base/result.ts";
import type { SocDescription } from "../../protocol/isa/index.ts";
import type { Column, Output, Row } from "../output.ts";
import { lowerBoundUs } from "./lower-bound.ts";
import { readMeasurements } from "./measurements.ts";
import type { Measurement } from "./measurements.ts";
import { floatGraph } from "./networks.ts";
import { precisionOf, Programs, timingOf, typedGraph } from "./parity.ts";
import type { Precision } from "./parity.ts";
import { meanErrorPercent, spearman } from "./statistics.ts";
import type { Pair } from "./statistics.ts";

export interface Comparison extends Measurement {
  /** Null where the row could not be simulated; `reason` says why. */
  readonly simulatedUs: number | null;
  /** simulated / measured - 1. */
  readonly error: number | null;
  readonly lowerBoundUs: number | null;
  readonly reason: string;
}

export async function scoreFidelity(
  options: { readonly csv: string },
  output: Output,
): Promise<void> {
  const measurements = unwrap(readMeasurements(await fileText(options.csv)));
  const progress = output.progress("fidelity", measurements.length);
  const compared = await compareAll(measurements, (model) => progress.advance(1, model));
  progress.finish();
  const rows = compared.map((one): Row => ({ ...one }));
  output.table(GROUP_COLUMNS, groupRows(compared));
  output.report({ name: "fidelity", rows, summary: summaryOf(compared) }, COLUMNS);
}

export async function fileText(path: string): Promise<string> {
  try {
    return await readFile(path, "utf8");
  } catch (error) {
    const message = `there is no readable table ${path}`;
    return unwrap(failed("INPUT_NOT_FOUND", message, { cause: String(error) }));
  }
}

/** In the order of the measurements; one network is in memory at a time. */
export async function compareAll(
  measurements: readonly Measurement[],
  onRow: (model: string) => void,
): Promise<Comparison[]> {
  const compared = new Map<Measurement, Comparison>();
  for (const [model, rows] of groupedBy(measurements, (row) => row.model)) {
    const graph = await floatGraph(model);
    for (const [precision, same] of groupedBy(rows, (row) => row.precision)) {
      const subject = graph.ok ? subjectOf(graph.value, precision) : graph;
      for (const row of same) {
        compared.set(row, compare(row, subject));
        onRow(`${model} ${precision}`);
      }
    }
  }
  return measurements.flatMap((row) => compared.get(row) ?? []);
}

interface Subject {
  readonly precision: Precision;
  readonly programs: Programs;
  readonly boundUs: (soc: SocDescription) => number;
}

function subjectOf(graph: Graph, name: string): Result<Subject> {
  const precision = precisionOf(name);
  if (precision === undefined) return failed("USAGE", `there is no precision "${name}"`);
  const typed = typedGraph(graph, precision);
  if (!typed.ok) return typed;
  const boundUs = (soc: SocDescription): number => lowerBoundUs(graph, precision, soc);
  return succeeded({ precision, programs: new Programs(typed.value), boundUs });
}

function compare(row: Measurement, subject: Result<Subject>): Comparison {
  const simulated = subject.ok ? simulate(row, subject.value) : subject;
  if (!simulated.ok) {
    const reason = `${simulated.code}: ${simulated.message}`;
    return { ...row, simulatedUs: null, error: null, lowerBoundUs: null, reason };
  }
  const { simulatedUs } = simulated.value;
  return { ...row, ...simulated.value, error: simulatedUs / row.measuredUs - 1, reason: "" };
}

function simulate(
  row: Measurement,
  { precision, programs, boundUs }: Subject,
): Result<{ simulatedUs: number; lowerBoundUs: number }> {
  const soc = socNamed(row.soc);
  if (soc === undefined) return failed("SOC_UNKNOWN", `there is no chip "${row.soc}"`);
  if (precision === "float" && !soc.features.includes("fp16")) {
    return failed("UNSUPPORTED_FEATURE", `${soc.name} does not compute in fp16`);
  }
  const program = programs.weightless(soc);
  if (!program.ok) return program;
  const timing = timingOf(program.value, soc);
  if (!timing.ok) return timing;
  return succeeded({ simulatedUs: timing.value.microseconds, lowerBoundUs: boundUs(soc) });
}

export function groupedBy<T>(
  all: readonly T[],
  keyOf: (one: T) => string,
): ReadonlyMap<string, readonly T[]> {
  const groups = new Map<string, T[]>();
  for (const one of all) {
    const group = groups.get(keyOf(one));
    if (group === undefined) groups.set(keyOf(one), [one]);
    else group.push(one);
  }
  return groups;
}

function pairsOf(compared: readonly Comparison[]): Pair[] {
  return compared.flatMap(({ measuredUs, simulatedUs }) =>
    simulatedUs === null ? [] : [{ measured: measuredUs, simulated: simulatedUs }],
  );
}

function summaryOf(compared: readonly Comparison[]): Readonly<Record<string, unknown>> {
  const errorOf = (precision: string): number =>
    meanErrorPercent(pairsOf(compared.filter((row) => row.precision === precision)));
  return {
    mapeFloat: errorOf("float"),
    mapeW8a8: errorOf("w8a8"),
    mapeW8a16: errorOf("w8a16"),
    spearman: spearman(pairsOf(compared)),
    fittedConstants: FITTED,
    rows: compared.length,
    notSimulated: compared.filter(({ simulatedUs }) => simulatedUs === null).length,
  };
}

/** Per chip and precision. */
function groupRows(compared: readonly Comparison[]): Row[] {
  const groups = groupedBy(compared, ({ soc, precision }) => `${soc} ${precision}`);
  return [...groups.values()].map((group): Row => {
    const pairs = pairsOf(group);
    const { soc = "", precision = "" } = group[0] ?? {};
    const [mape, rank] = [meanErrorPercent(pairs), spearman(pairs)];
    return { soc, precision, count: pairs.length, of: group.length, mape, spearman: rank };
  });
}

const GROUP_COLUMNS: readonly Column[] = [
  { key: "soc", title: "chip" },
  { key: "precision", title: "precision" },
  { key: "count", title: "simulated" },
  { key: "of", title: "of" },
  { key: "mape", title: "MAPE %", digits: 1 },
  { key: "spearman", title: "Spearman", digits: 3 },
];

const COLUMNS: readonly Column[] = [
  { key: "model", title: "model" },
  { key: "precision", title: "precision" },
  { key: "soc", title: "chip" },
  { key: "measuredUs", title: "measured µs" },
  { key: "simulatedUs", title: "simulated µs" },
  { key: "error", title: "error", digits: 3 },
  { key: "lowerBoundUs", title: "lower bound µs" },
  { key: "reason", title: "" },
];
