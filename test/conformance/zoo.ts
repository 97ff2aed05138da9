/** `npm run conformance:zoo -- --zoo DIR [--json] [--model NAME]`: every model of a folder against its goldens. */
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { parseArgs } from "node:util";
import { present } from "../../protocol/base/assert.ts";
import type { Bar } from "./compare.ts";
import { readCases } from "./golden-case.ts";
import { runCases } from "./model-run.ts";

interface ManifestEntry {
  readonly name: string;
  readonly file: string;
  readonly format: string;
  readonly quantized: string;
  readonly golden?: {
    readonly cross?: Readonly<Record<string, { readonly maxRelToRange?: number }>>;
  };
}

export interface ZooRow {
  readonly model: string;
  readonly status: "pass" | "fail" | "unsupported";
  /** Largest difference to a golden: a share of the output's range for TFLite, absolute for ONNX. */
  readonly maxError: number | null;
  /** Share of the elements that are equal bit for bit. */
  readonly exactShare: number | null;
  readonly bar: string;
  readonly seconds: number;
  readonly reason?: string;
}

/** Where two runtimes differ by more than this share of the range, the numbers judge nobody. */
const DISAGREEMENT = 0.1;

/** What a model is held to, from what the manifest says of its numbers. */
export function barOf(entry: ManifestEntry): Bar {
  const crosses = Object.values(entry.golden?.cross ?? {});
  if (crosses.some(({ maxRelToRange = 0 }) => maxRelToRange > DISAGREEMENT))
    return { kind: "finite" };
  if (entry.quantized.includes("dynamic range")) return { kind: "range", share: 0.02 };
  if (/^(u?int8|int16)/.test(entry.quantized)) return { kind: "exact" };
  if (entry.format === "tflite") return { kind: "range", share: 1e-4 };
  return { kind: "relative", relative: 1e-3, absolute: 1e-4 };
}

function runModel(zoo: string, entry: ManifestEntry): ZooRow {
  const started = performance.now();
  const bar = barOf(entry);
  const bytes = Uint8Array.from(readFileSync(join(zoo, "models", entry.file)));
  const outcome = runCases(bytes, readCases(join(zoo, "golden", entry.name)), () => bar);
  const seconds = (performance.now() - started) / 1000;
  const row = { model: entry.name, status: outcome.status, bar: bar.kind, seconds };
  if (outcome.status === "unsupported") {
    return { ...row, maxError: null, exactShare: null, reason: outcome.reason };
  }
  const { maxError, equal, elements } = outcome.comparison;
  return { ...row, maxError, exactShare: elements === 0 ? 1 : equal / elements };
}

const { values } = parseArgs({
  options: { zoo: { type: "string" }, json: { type: "boolean" }, model: { type: "string" } },
});
const zoo = present(values.zoo, "--zoo DIR");
const manifest = JSON.parse(readFileSync(join(zoo, "manifest.json"), "utf8")) as ManifestEntry[];
const rows: ZooRow[] = [];
for (const entry of manifest) {
  if (values.model !== undefined && !entry.name.includes(values.model)) continue;
  const row = runModel(zoo, entry);
  rows.push(row);
  if (values.json !== true) {
    const { model, status, maxError, exactShare, seconds, reason = "" } = row;
    const figures = `error ${maxError?.toExponential(2)} equal ${((exactShare ?? 0) * 100).toFixed(2)} %`;
    console.log(`${status} ${model} ${figures} ${seconds.toFixed(1)} s ${reason}`);
  }
}
const summary = {
  models: rows.length,
  passed: rows.filter(({ status }) => status === "pass").length,
};
console.log(values.json === true ? JSON.stringify({ rows, summary }) : JSON.stringify(summary));
process.exitCode = summary.passed === summary.models ? 0 : 1;
