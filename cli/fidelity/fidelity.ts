/** `retile fidelity score`: simulated against measured latency, a row a measurement. */
import { readFile } from "node:fs/promises";
import type { Graph } from "../../compiler/ir/index.ts";
import { PARITY } from "../../compiler/releases/index.ts";
import { FITTED } from "../../device-agent/soc/index.ts";
import { failed, succeeded, unwrap } from "../../protocol/base/result.ts";
import type { Result } from "../../protocol/base/result.ts";
import type { Column, Output, Row } from "../output.ts";
import { findSoc } from "../soc.ts";
import { lowerBoundUs } from "./lower-bound.ts";
import { isMeasurement, readMeasurements } from "./measurements.ts";
import type { Measurement, TableRow } from "./measurements.ts";
import { floatGraph } from "./networks.ts";
import { PRECISIONS, precisionOf, Programs, timingOf, typedGraph } from "./parity.ts";
import type { Precision } from "./parity.ts";
import { meanErrorPercent, spearman } from "./statistics.ts";
import type { Pair } from "./statistics.ts";

export interface Comparison {
  readonly model: string;
  readonly precision: string;
  readonly soc: string;
  readonly measuredUs: number | null;
  /** Null where the row could not be compared; `reason` says why. */
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
  const compared = await compareAll(measurements, (what) => progress.advance(1, what));
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

/** In the order of the rows; one network and one program are in memory at a time. */
export async function compareAll(
  rows: readonly TableRow[],
  onRow: (what: string) => void,
): Promise<Comparison[]> {
  const compared = new Map<TableRow, Comparison>();
  for (const row of rows) if (!isMeasurement(row)) compared.set(row, refused(row, row.reason));
  for (const [model, ofModel] of groupedBy(rows.filter(isMeasurement), (row) => row.model)) {
    const graph = await floatGraph(model);
    for (const [precision, same] of groupedBy(ofModel, (row) => row.precision)) {
      const subject = graph.ok ? subjectOf(graph.value, precision) : graph;
      const simulated = memoized((soc) => (subject.ok ? simulate(subject.value, soc) : subject));
      for (const row of same) {
        compared.set(row, compare(row, simulated(row.soc)));
        onRow(`${model} ${precision}`);
      }
    }
  }
  return rows.flatMap((row) => compared.get(row) ?? []);
}

function memoized<T>(act: (name: string) => T): (name: string) => T {
  const known = new Map<string, T>();
  return (name) => {
    const value = known.get(name) ?? act(name);
    known.set(name, value);
    return value;
  };
}

interface Subject {
  /** As it was before it was given the types of the precision. */
  readonly graph: Graph;
  readonly precision: Precision;
  readonly typed: Graph;
}

function subjectOf(graph: Graph, name: string): Result<Subject> {
  const precision = precisionOf(name);
  if (precision === undefined) {
    const known = PRECISIONS.join(", ");
    return failed("USAGE", `there is no precision "${name}"; there are ${known}`);
  }
  const typed = typedGraph(graph, precision);
  return typed.ok ? succeeded({ graph, precision, typed: typed.value }) : typed;
}

interface Simulated {
  readonly simulatedUs: number;
  readonly lowerBoundUs: number;
}

function simulate({ graph, precision, typed }: Subject, name: string): Result<Simulated> {
  const found = findSoc(name);
  if (!found.ok) return found;
  const soc = found.value;
  if (precision === "float" && !soc.features.includes("fp16")) {
    return failed("UNSUPPORTED_FEATURE", `${soc.name} does not compute in fp16`);
  }
  const program = new Programs(typed).weightless(soc);
  if (!program.ok) return program;
  const timing = timingOf(program.value, soc);
  if (!timing.ok) return timing;
  const bound = lowerBoundUs(graph, precision, soc);
  return succeeded({ simulatedUs: timing.value.microseconds, lowerBoundUs: bound });
}

function compare(row: Measurement, simulated: Result<Simulated>): Comparison {
  if (!simulated.ok) return refused(row, `${simulated.code}: ${simulated.message}`);
  const { simulatedUs, lowerBoundUs } = simulated.value;
  const error = simulatedUs / row.measuredUs - 1;
  return { ...row, simulatedUs, lowerBoundUs, error, reason: "" };
}

function refused(row: TableRow, reason: string): Comparison {
  const { model, precision, soc, measuredUs } = row;
  const nothing = { simulatedUs: null, error: null, lowerBoundUs: null };
  return { model, precision, soc, measuredUs, ...nothing, reason };
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
    simulatedUs === null || measuredUs === null
      ? []
      : [{ measured: measuredUs, simulated: simulatedUs }],
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
    // The recipe's own uncited number is counted with the chips'.
    fittedConstants: { ...FITTED, weightChunkBytes: PARITY.lowering.weightChunkBytes },
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
