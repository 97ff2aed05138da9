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
    .description(
      "Compile every measured network as the published stack does, and compare times. Of rows that differ in the " +
        "runtime alone those of tflite count, else of qnn_dlc, onnx, any other; a row of an unknown model, precision " +
        "or chip, or without a latency, is reported with its reason and costs nothing else",
    )
    .requiredOption(
      "--csv <file>",
      "measurements: columns model, precision (float, w8a8, w8a16), soc, latency_us in any order; " +
        "runtime and others may stand beside them",
    )
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
