/** docs/reference/operators.md: what the compiler's graph can hold, from the ops table. */
import { DTYPE_BYTES, OPS } from "../../compiler/ir/index.ts";
import type { Attribute, AttributeRule, Operator } from "../../compiler/ir/index.ts";
import { code } from "./markdown.ts";

const HEAD = `# Operators of the compiler's graph

One section an operator. Inputs that may be absent are written \`_\` in the text form. An attribute without a
default must be given; one that is only known when the graph runs is written \`name=late value\`.`;

export function operatorsPage(): string {
  const rows = Object.entries<Operator>(OPS).sort(([a], [b]) => (a < b ? -1 : 1));
  const types = Object.keys(DTYPE_BYTES).map(code).join(", ");
  return [HEAD, `Element types: ${types}.`, ...rows.map(section)].join("\n\n");
}

function section([name, row]: [string, Operator]): string {
  const facts = [
    `- inputs: ${countOf(row.inputs)}`,
    ...Object.entries(row.attributes).map(([key, rule]) => `- ${attributeLine(key, rule)}`),
    ...(row.regions === undefined ? [] : [`- regions: ${row.regions.map(code).join(", ")}`]),
    ...(row.quantized === "none" ? [] : [`- on int8: ${row.quantized}`]),
  ];
  return [`## ${code(name)}`, row.docs, facts.join("\n")].join("\n\n");
}

/** As many inputs as a node may have are written as "or more". */
const OPEN_ENDED = 64;

function countOf([fewest, most]: readonly [number, number]): string {
  if (most >= OPEN_ENDED) return `${fewest} or more`;
  return fewest === most ? String(fewest) : `${fewest} to ${most}`;
}

function attributeLine(name: string, rule: AttributeRule): string {
  const fallback = rule.fallback === undefined ? "" : `, default ${code(plain(rule.fallback))}`;
  return `${code(name)}: ${rule.type}${fallback}`;
}

function plain(value: Attribute): string {
  if (typeof value === "object") return `[${value.map(plain).join(", ")}]`;
  return typeof value === "string" ? JSON.stringify(value) : String(value);
}
