/**
 * The entry point of `retile`.
 *
 * To add a command: write cli/commands/<name>.ts that exports `register(program: Command): void` and add it to
 * COMMANDS in cli/program.ts. In `register`, declare the command with commander, offer the settings it reads with
 * `settingFlags(command, "soc", …)`, and end in `.action(handle(async ({ options, args, config, output }) => …))`.
 *
 * - `config.soc.value` is the resolved setting: flag, then environment, then file, then default.
 * - End with `output.report({ name, rows, summary })`, once. `--json` and `--config` are added to every command.
 * - Return "failed" when a bar does not hold. For failures, `unwrap` a Result or throw a CodedError: the frame in
 *   cli/command.ts prints code, message, details and the next step, and picks the exit code (cli/exit-codes.ts).
 * - Import what is heavy (compiler, server, agent) inside the action: `retile --help` must not load it.
 * - Anything over two seconds shows `output.progress(label, totalCount)`.
 */
import { CommanderError } from "commander";
import { EXIT_CODES } from "./exit-codes.ts";
import { buildProgram } from "./program.ts";

try {
  await buildProgram().parseAsync();
} catch (error) {
  if (!(error instanceof CommanderError)) throw error;
  // Commander has printed its message; it also ends --help and --version this way.
  process.exitCode = error.exitCode === 0 ? EXIT_CODES.ok.code : EXIT_CODES.couldNotRun.code;
}
