/** The instruction set's manual, as Markdown: a fold over the table. */
import type { IsaRow } from "./table.ts";
import { ISA, ISA_VERSION, MICRO_OPS } from "./table.ts";

const featureNote = (row: Pick<IsaRow, "doc" | "feature">): string[] =>
  row.feature === undefined ? [] : ["", `Needs the feature ${row.feature}.`];

export function isaManual(): string {
  const instructions = Object.entries(ISA).flatMap(([op, row]) => [
    `### ${op} (0x${row.code.toString(16)}, ${row.engine})`,
    "",
    row.doc,
    ...featureNote(row),
    "",
    "| field | type |",
    "| --- | --- |",
    ...Object.entries(row.fields).map(([name, type]) => `| ${name} | ${String(type)} |`),
    "",
  ]);
  const micro = Object.entries(MICRO_OPS).map(([op, row]) => {
    const resources = Object.entries(row.uses).filter(([, count]) => count > 0);
    const text = resources.map(([name, count]) => `${name} ${count}`).join(", ");
    const shape = [row.d, row.a, row.b, row.immediate].join(" ");
    const doc = [row.doc, ...featureNote(row)].join(" ").trim();
    return `| ${op} | 0x${row.code.toString(16)} | ${shape} | ${text} | ${doc} |`;
  });
  return [
    `# Instruction set ${ISA_VERSION.major}.${ISA_VERSION.minor}`,
    "",
    "Generated from protocol/isa/table.ts and micro-table.ts. All values little-endian.",
    "Every instruction also carries waits (semaphore, count), signals and the index of the model's node it works for.",
    "",
    "## Instructions",
    "",
    ...instructions,
    "## HVX micro-ops",
    "",
    "| micro-op | code | d, a, b, immediate | resources | meaning |",
    "| --- | --- | --- | --- | --- |",
    ...micro,
    "",
  ].join("\n");
}
