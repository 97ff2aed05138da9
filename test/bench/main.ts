/**
 * `npm run --silent bench:<name> -- [options]`: one measurement with its bars. With --json one object on standard
 * output; exit 0 when the bars hold, 1 when not, 2 when it could not run.
 */
import { Command, CommanderError } from "commander";
import { handle, wholeNumber } from "../../cli/command.ts";
import { EXIT_CODES } from "../../cli/exit-codes.ts";
import type { ExitName } from "../../cli/exit-codes.ts";
import type { Output } from "../../cli/output.ts";
import type { BenchOptions } from "./options.ts";

type Bench = (options: BenchOptions, output: Output) => Promise<ExitName>;

const BENCHES: readonly (readonly [string, string, () => Promise<Bench>])[] = [
  [
    "bench:chip",
    "How long the simulated chip takes on this machine for one inference, in int8 and fp16, and for its timing alone",
    async () => (await import("./chip.ts")).benchChip,
  ],
  [
    "bench:compile",
    "Compile time and peak memory of a released driver in its sandboxed child",
    async () => (await import("./compile.ts")).benchCompile,
  ],
  [
    "bench:delta",
    "What an update between adjacent releases costs on the wire, and what applying it costs the device",
    async () => (await import("./delta.ts")).benchDelta,
  ],
  [
    "bench:load",
    "Loading a model file: time and memory until every shape is known",
    async () => (await import("./load.ts")).benchLoad,
  ],
  [
    "bench:reproducible",
    "The same driver bytes from two folders and two Node versions",
    async () => (await import("./reproducible.ts")).benchReproducible,
  ],
  [
    "mutants:chip",
    "A thousand damaged programs that matter: all caught by happens-before or by their output",
    async () => (await import("../mutants/main.ts")).benchMutants,
  ],
];

const program = new Command("npm run --silent").exitOverride().showHelpAfterError();
for (const [name, description, load] of BENCHES) {
  program
    .command(name)
    .description(description)
    .exitOverride()
    .showHelpAfterError()
    .option("--only <pattern>", "rows whose name matches this regular expression")
    .option("--seed <number>", "seed of the input images", wholeNumber, 1)
    .option("--json", "print one JSON object on standard output")
    .action(handle<BenchOptions>(async ({ options, output }) => (await load())(options, output)));
}

try {
  await program.parseAsync();
} catch (error) {
  if (!(error instanceof CommanderError)) throw error;
  process.exitCode = error.exitCode === 0 ? EXIT_CODES.ok.code : EXIT_CODES.couldNotRun.code;
}
