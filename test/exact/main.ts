/**
 * `npm run --silent exact -- [options]`: what the simulated chips give is, bit for bit, what the evaluator says. With
 * --json one object on standard output; exit 0 when nothing differs, 1 when something does, 2 when it could not run.
 */
import { Command, CommanderError, Option } from "commander";
import { handle, wholeNumber } from "../../cli/command.ts";
import { EXIT_CODES } from "../../cli/exit-codes.ts";
import { NETWORKS } from "../../cli/fidelity/networks.ts";
import { PRECISIONS } from "../../cli/fidelity/parity.ts";
import { SOCS } from "../../device-agent/soc/index.ts";
import { VERSIONS } from "../support/chip-run.ts";
import type { GraphOptions } from "./graphs.ts";
import type { ExactOptions } from "./networks.ts";

const CHIP_NAMES = SOCS.map(({ name }) => name);
/** Of the releases only the newest, and parity. */
const USUAL_VERSIONS = VERSIONS.slice(-2);
/** The chip that most is known of, and the smallest. */
const USUAL_CHIPS = ["sm8650", "qcm6490"];

function several(flag: string, known: readonly string[], usual = known): Option {
  return new Option(`--${flag} <name...>`).choices(known).default(usual);
}

const program = new Command("npm run --silent").exitOverride().showHelpAfterError();
program
  .command("exact")
  .description("Published networks, quantised and compiled, on the simulated chips")
  .exitOverride()
  .showHelpAfterError()
  .addOption(several("network", NETWORKS))
  .addOption(several("precision", PRECISIONS))
  .addOption(several("chip", CHIP_NAMES, USUAL_CHIPS))
  .addOption(several("release", VERSIONS, USUAL_VERSIONS))
  .option("--layers", "compare every value, not the outputs alone")
  .option("--seed <number>", "seed of weights and images", wholeNumber, 7)
  .option("--json", "print one JSON object on standard output")
  .action(
    handle<ExactOptions>(async ({ options, output }) =>
      (await import("./networks.ts")).exactNetworks(options, output),
    ),
  );

program
  .command("exact:graphs")
  .description("Random small graphs, each in one precision on one chip")
  .exitOverride()
  .showHelpAfterError()
  .option("--cases <number>", "how many", wholeNumber, 1000)
  .option("--seed <number>", "seed of the first case", wholeNumber, 1)
  .option("--json", "print one JSON object on standard output")
  .action(
    handle<GraphOptions>(async ({ options, output }) =>
      (await import("./graphs.ts")).exactGraphs(options, output),
    ),
  );

try {
  await program.parseAsync();
} catch (error) {
  if (!(error instanceof CommanderError)) throw error;
  process.exitCode = error.exitCode === 0 ? EXIT_CODES.ok.code : EXIT_CODES.couldNotRun.code;
}
