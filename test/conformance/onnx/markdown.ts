/** The table of tests that are not passed, for docs/reference/onnx-conformance.md. */
import type { ConformanceRow } from "./evaluate.ts";

export function conformancePage(rows: readonly ConformanceRow[]): string {
  const passed = rows.filter(({ status }) => status === "pass").length;
  const others = rows.filter(({ status }) => status !== "pass");
  return [
    "# ONNX conformance",
    "",
    `${passed} of ${rows.length} tests of the ONNX backend suite pass (\`npm run conformance:onnx\`).`,
    "These do not:",
    "",
    "| test | group | status | reason |",
    "| --- | --- | --- | --- |",
    ...others.map((row) => `| ${row.test} | ${row.group} | ${row.status} | ${cell(row.reason)} |`),
    "",
  ].join("\n");
}

function cell(text: string): string {
  return text.replace(/\s+/g, " ").replaceAll("|", "\\|").slice(0, 200);
}
