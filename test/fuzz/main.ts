/**
 * `npm run --silent fuzz:<name> -- [options]`: hostile input by the hundred thousand. With --json one object on
 * standard output; exit 0 when no rule was broken, 1 when one was, 2 when it could not run. A seed repeats a run.
 */
import { Command, CommanderError } from "commander";
import { handle, wholeNumber } from "../../cli/command.ts";
import { EXIT_CODES } from "../../cli/exit-codes.ts";
import type { ExitName } from "../../cli/exit-codes.ts";
import type { Output } from "../../cli/output.ts";
import type { FuzzOptions } from "./options.ts";

type Fuzzer = (options: FuzzOptions, output: Output) => Promise<ExitName>;

const FUZZERS: readonly (readonly [string, string, () => Promise<Fuzzer>])[] = [
  [
    "fuzz:models",
    "Damaged ONNX and TFLite files: they load or are refused with a code",
    async () => (await import("./models/index.ts")).fuzzModels,
  ],
  [
    "fuzz:update",
    "Hostile metadata, orders, bundles and downloads: refused with a code, nothing installed",
    async () => (await import("./update/index.ts")).fuzzUpdate,
  ],
];

const program = new Command("npm run --silent").exitOverride().showHelpAfterError();
for (const [name, description, load] of FUZZERS) {
  program
    .command(name)
    .description(description)
    .exitOverride()
    .showHelpAfterError()
    .option("--cases <number>", "how many", wholeNumber, 200_000)
    .option("--seed <number>", "seed of the run", wholeNumber, 1)
    .option("--corpus <dir...>", "folders of real files to damage; those at hand when absent")
    .option("--json", "print one JSON object on standard output")
    .action(handle<FuzzOptions>(async ({ options, output }) => (await load())(options, output)));
}

try {
  await program.parseAsync();
} catch (error) {
  if (!(error instanceof CommanderError)) throw error;
  process.exitCode = error.exitCode === 0 ? EXIT_CODES.ok.code : EXIT_CODES.couldNotRun.code;
}
