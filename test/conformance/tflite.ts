/** `npm run conformance:tflite -- --suite DIR|ARCHIVE [--json] [--model NAME] [--markdown FILE]`: single-operator models against their goldens. */
import { existsSync, readFileSync, readdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { parseArgs } from "node:util";
import { present } from "../../protocol/base/assert.ts";
import { isFloat } from "../../compiler/ir/index.ts";
import type { Tensor } from "../../compiler/ir/index.ts";
import type { Bar } from "./compare.ts";
import { readCase } from "./golden-case.ts";
import { runCases } from "./model-run.ts";
import { unpacked } from "./unpack.ts";
import { conformancePage, reportRows } from "./rows.ts";
import type { Row } from "./rows.ts";

/** Of the published suite. The two others are invalid: docs/reference/tflite-conformance.md. */
const PASSED_MIN = 76;

/** Whole numbers are exact; floats may differ by 1e-4 of the output's range. */
function barOf({ type }: Tensor): Bar {
  return isFloat(type.dtype) ? { kind: "range", share: 1e-4 } : { kind: "exact" };
}

function runTest(suite: string, name: string): Row {
  const started = performance.now();
  const folder = join(suite, name);
  const bytes = Uint8Array.from(readFileSync(join(folder, "model.tflite")));
  const outcome = runCases(bytes, [readCase(folder)], barOf);
  const seconds = (performance.now() - started) / 1000;
  const row = { model: name, status: outcome.status, bar: "by type", seconds };
  if (outcome.status === "unsupported") {
    return { ...row, maxError: null, exactShare: null, reason: outcome.reason };
  }
  const { maxError, equal, elements } = outcome.comparison;
  return { ...row, maxError, exactShare: elements === 0 ? 1 : equal / elements };
}

const { values } = parseArgs({
  options: {
    suite: { type: "string" },
    json: { type: "boolean" },
    model: { type: "string" },
    markdown: { type: "string" },
  },
});
const unpackedSuite = await unpacked(present(values.suite, "--suite DIR"));
// An archive holds one folder of tests, and their licence beside it.
const inner = join(unpackedSuite.folder, "tflite-op-tests");
const suite = existsSync(inner) ? inner : unpackedSuite.folder;
const names = readdirSync(suite)
  .filter((name) => existsSync(join(suite, name, "model.tflite")))
  .filter((name) => existsSync(join(suite, name, "case.json")))
  .filter((name) => name.includes(values.model ?? ""))
  .sort();
try {
  const rows = reportRows(names, (name) => runTest(suite, name), values.json === true);
  const passed = rows.filter(({ status }) => status === "pass").length;
  if (values.model === undefined && passed >= PASSED_MIN) process.exitCode = 0;
  if (values.markdown !== undefined) {
    writeFileSync(values.markdown, conformancePage("TFLite conformance", rows));
  }
} finally {
  unpackedSuite.remove();
}
