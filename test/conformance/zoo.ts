/** `npm run conformance:zoo -- --zoo DIR [--json] [--model NAME]`: every model of a folder against its goldens. */
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { parseArgs } from "node:util";
import { present } from "../../protocol/base/assert.ts";
import type { Bar } from "./compare.ts";
import { readCases } from "./golden-case.ts";
import { runCases } from "./model-run.ts";
import { reportRows } from "./rows.ts";
import type { Row } from "./rows.ts";

interface ManifestEntry {
  readonly name: string;
  readonly file: string;
  readonly format: string;
  readonly quantized: string;
  readonly golden?: {
    readonly cross?: Readonly<Record<string, { readonly maxRelToRange?: number }>>;
  };
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

function runModel(zoo: string, entry: ManifestEntry): Row {
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
const entries = manifest.filter(({ name }) => name.includes(values.model ?? ""));
reportRows(entries, (entry) => runModel(zoo, entry), values.json === true);
