/** docs/reference/cli.md: every command, from commander's own definitions. */
import type { Argument, Command, Option } from "commander";
import { fullName } from "../../cli/command.ts";
import { buildProgram, leavesOf } from "../../cli/program.ts";
import { code, markdownTable } from "./markdown.ts";

/** On every command; described once at the top. */
const COMMON: ReadonlySet<string | undefined> = new Set(["--json", "--config", "--help"]);

export function cliPage(): string {
  const commands = [...leavesOf(buildProgram())].sort((a, b) =>
    fullName(a) < fullName(b) ? -1 : 1,
  );
  const common = commands[0]?.options.filter(isCommon) ?? [];
  return [
    "# Command line",
    "Run `npx retile COMMAND` in the checkout, or `npm run retile -- COMMAND`. Every command takes:",
    optionTable(common),
    "With `--json`, standard output holds one object, " +
      "`{ name, commit, machine, rows, summary }`; on failure `summary.error` is " +
      "`{ code, message, details }`. See also [exit codes](exit-codes.md), [errors](errors.md) and " +
      "[configuration](configuration.md).",
    ...commands.map(section),
  ].join("\n\n");
}

function section(command: Command): string {
  const args = command.registeredArguments;
  const own = command.options.filter((option) => !isCommon(option));
  const usage = ["retile", fullName(command), ...args.map(argumentUsage)].join(" ");
  const parts = [`## retile ${fullName(command)}`, `${command.description()}.`, code(usage)];
  if (args.length > 0) {
    const rows = args.map((argument) => [code(argument.name()), argument.description]);
    parts.push(markdownTable(["argument", "meaning"], rows));
  }
  if (own.length > 0) parts.push(optionTable(own));
  return parts.join("\n\n");
}

function argumentUsage(argument: Argument): string {
  const name = argument.variadic ? `${argument.name()}...` : argument.name();
  return argument.required ? `<${name}>` : `[${name}]`;
}

function optionTable(options: readonly Option[]): string {
  const rows = options.map((option) => [
    code(option.flags),
    option.description,
    option.defaultValue === undefined ? "" : code(String(option.defaultValue)),
  ]);
  return markdownTable(["option", "meaning", "default"], rows);
}

function isCommon(option: Option): boolean {
  return COMMON.has(option.long);
}
