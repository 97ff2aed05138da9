/** `retile fidelity`: how well the simulated chips agree with silicon. */
import type { Command } from "commander";
import { handle } from "../command.ts";

interface ScoreOptions {
  readonly csv: string;
}

export function register(program: Command): void {
  const fidelity = program
    .command("fidelity")
    .description("Compare the simulated chips with measurements of real ones");
  fidelity
    .command("score")
    .description("Compile every measured network as the published stack does, and compare times")
    .requiredOption("--csv <file>", "measurements: at least model, precision, soc, latency_us")
    .action(
      handle<ScoreOptions>(async ({ options, output }) => {
        const { scoreFidelity } = await import("../fidelity/fidelity.ts");
        return scoreFidelity(options, output);
      }),
    );
}
