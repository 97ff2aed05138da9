/** `retile fidelity`: how well the simulated chips agree with silicon. */
import type { Command } from "commander";
import { handle } from "../command.ts";

interface TableOptions {
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
      handle<TableOptions>(async ({ options, output }) => {
        const { scoreFidelity } = await import("../fidelity/fidelity.ts");
        return scoreFidelity(options, output);
      }),
    );
  fidelity
    .command("fit")
    .description("Fit what no source gives on the calibration set, and show what it is worth")
    .requiredOption("--csv <file>", "the calibration set")
    .action(
      handle<TableOptions>(async ({ options, output }) => {
        const { fitConstants } = await import("../fidelity/fit.ts");
        return fitConstants(options, output);
      }),
    );
  fidelity
    .command("layers")
    .description("Order the layers of MobileNetV2 by simulated time, against a log of a real DSP")
    .action(
      handle<object>(async ({ output }) => {
        const { compareLayers } = await import("../fidelity/layers.ts");
        return compareLayers(output);
      }),
    );
}
