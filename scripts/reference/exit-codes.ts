/** docs/reference/exit-codes.md, from the table in cli/exit-codes.ts. */
import { EXIT_CODES } from "../../cli/exit-codes.ts";
import { markdownTable } from "./markdown.ts";

export function exitCodesPage(): string {
  const rows = Object.values(EXIT_CODES).map(({ code, meaning }) => [String(code), meaning]);
  return ["# Exit codes", markdownTable(["code", "meaning"], rows)].join("\n\n");
}
