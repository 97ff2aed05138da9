/** Measured latencies from a CSV file: which rows are compared, and by which runtime. */
import { failed, succeeded } from "../../protocol/base/result.ts";
import type { Result } from "../../protocol/base/result.ts";
import { readCsv } from "./csv.ts";
import type { CsvRecord } from "./csv.ts";

/** What was measured, as the file names it; which names are known is for the comparison to say. */
interface Subject {
  readonly model: string;
  /** Known are float, w8a8 and w8a16. */
  readonly precision: string;
  readonly soc: string;
}

export interface Measurement extends Subject {
  readonly measuredUs: number;
}

/** A row that cannot be compared with anything. */
export interface RefusedRow extends Subject {
  readonly measuredUs: null;
  /** A code, and what is wrong. */
  readonly reason: string;
}

export type TableRow = Measurement | RefusedRow;

const REQUIRED = ["model", "precision", "soc", "latency_us"] as const;

/**
 * Where several runtimes measured the same, the first of these that did, else whichever there are: the runtimes
 * differ by more than a model of the chip can explain, and the published stack is compared on its TFLite path.
 */
const RUNTIMES = ["tflite", "qnn_dlc", "onnx"] as const;

/** Every row of the file that no better runtime replaces, in the order of the file. Refused only without its columns. */
export function readMeasurements(text: string): Result<readonly TableRow[], "USAGE"> {
  const { columns, records } = readCsv(text);
  const missing = REQUIRED.find((name) => !columns.includes(name));
  if (missing !== undefined) return failed("USAGE", `the table has no column ${missing}`);
  const rows = records.map((record) => ({ row: rowOf(record), rank: rankOf(record) }));
  const best = new Map<string, number>();
  for (const { row, rank } of rows) {
    if (isMeasurement(row)) best.set(keyOf(row), Math.min(rank, best.get(keyOf(row)) ?? rank));
  }
  const kept = rows.filter(({ row, rank }) => !isMeasurement(row) || rank === best.get(keyOf(row)));
  return succeeded(kept.map(({ row }) => row));
}

export function isMeasurement(row: TableRow): row is Measurement {
  return row.measuredUs !== null;
}

function rowOf({ line, cell }: CsvRecord): TableRow {
  const subject = { model: cell("model"), precision: cell("precision"), soc: cell("soc") };
  const latency = cell("latency_us");
  const measuredUs = Number(latency);
  if (measuredUs > 0 && measuredUs < Infinity) return { ...subject, measuredUs };
  const { code, message } = failed("BAD_LATENCY", `line ${line} has the latency "${latency}"`);
  return { ...subject, measuredUs: null, reason: `${code}: ${message}` };
}

function keyOf({ model, precision, soc }: Subject): string {
  return JSON.stringify([model, precision, soc]);
}

function rankOf({ cell }: CsvRecord): number {
  const rank = RUNTIMES.findIndex((name) => name === cell("runtime"));
  return rank < 0 ? RUNTIMES.length : rank;
}
