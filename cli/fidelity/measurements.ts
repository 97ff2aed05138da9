/** Measured latencies from a CSV file: which rows are compared, and by which runtime. */
import { failed, succeeded } from "../../protocol/base/result.ts";
import type { Result } from "../../protocol/base/result.ts";

export interface Measurement {
  readonly model: string;
  /** As the file has it; known are float, w8a8 and w8a16. */
  readonly precision: string;
  readonly soc: string;
  readonly measuredUs: number;
}

const REQUIRED = ["model", "precision", "soc", "latency_us"] as const;

/**
 * Where several runtimes measured the same, the first of these that did: the runtimes differ by more than a model
 * of the chip can explain, and the published stack is compared on its TFLite path.
 */
const RUNTIMES = ["tflite", "qnn_dlc", "onnx"] as const;

/** One measurement a line; every line of the file that no better runtime replaces. */
export function readMeasurements(text: string): Result<readonly Measurement[], "USAGE"> {
  const [header = "", ...lines] = text.trim().split(/\r?\n/);
  const columns = header.split(",").map((name) => name.trim());
  const missing = REQUIRED.find((name) => !columns.includes(name));
  if (missing !== undefined) return failed("USAGE", `the table has no column ${missing}`);
  const best = new Map<string, Measurement & { readonly rank: number }>();
  for (const [index, line] of lines.entries()) {
    const cells = line.split(",").map((cell) => cell.trim());
    const cell = (name: string): string => cells[columns.indexOf(name)] ?? "";
    const measuredUs = Number(cell("latency_us"));
    if (!(measuredUs > 0)) {
      return failed("USAGE", `line ${index + 2} has the latency "${cell("latency_us")}"`);
    }
    const [model, precision, soc] = [cell("model"), cell("precision"), cell("soc")];
    const rank = runtimeRank(cell("runtime"));
    // Without a runtime nothing tells two lines apart, so both are compared.
    const key = [model, precision, soc, columns.includes("runtime") ? "" : index].join();
    const known = best.get(key);
    if (known !== undefined && known.rank <= rank) continue;
    best.set(key, { model, precision, soc, measuredUs, rank });
  }
  return succeeded([...best.values()].map(({ rank: _, ...measurement }) => measurement));
}

function runtimeRank(runtime: string): number {
  const rank = RUNTIMES.findIndex((name) => name === runtime);
  return rank < 0 ? RUNTIMES.length : rank;
}
