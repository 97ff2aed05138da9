/** `retile run`: compile one model file and run it once. */
import type { Command } from "commander";
import { handle, settingFlags } from "../command.ts";
import type { RunOptions } from "../run/run-model.ts";

export function register(program: Command): void {
  const run = program
    .command("run")
    .description(
      "Compile a model and run it once on the simulated HTP, the CPU or the naive reference",
    )
    .argument("<model>", "an ONNX file, or the name of a zoo model")
    .option("--backend <name>", "htp, cpu or reference", "htp")
    .option("--release <version>", "driver release to compile with; the default is the newest")
    .option(
      "--inputs <folder>",
      "tensors.json and one raw .bin file a tensor; default: seeded values",
    )
    .option("--outputs <folder>", "write the outputs there, in the same form")
    .option(
      "--trace <file>",
      "write when each segment ran, for chrome://tracing or ui.perfetto.dev",
    )
    .option("--shape <shapes>", "shapes of inputs that the model leaves open: input=1x3x48x192,…");
  settingFlags(run, "soc").action(
    handle<Omit<RunOptions, "model" | "soc">>(async ({ options, args, config, output }) => {
      const { runModel } = await import("../run/run-model.ts");
      const request = { ...options, model: args[0] ?? "", soc: config.soc.value };
      return runModel(request, output);
    }),
  );
}
