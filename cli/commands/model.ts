/** `retile model`: look inside a model and at what backends make of it. */
import type { Command } from "commander";
import { handle, settingFlags } from "../command.ts";
import type { CompareOptions } from "../model/compare.ts";

export function register(program: Command): void {
  const model = program.command("model").description("Look inside models");
  registerCompare(model);
}

function registerCompare(model: Command): void {
  const compare = model
    .command("compare")
    .description("Compare what a backend computes with the naive reference, layer by layer")
    .argument("<model>", "an ONNX or TFLite file, or the name of a zoo model")
    .option("--backend <name>", "htp or cpu", "htp")
    .option(
      "--inputs <folder>",
      "tensors.json and one raw .bin file a tensor; default: seeded values",
    )
    .option("--shape <shapes>", "shapes of inputs that the model leaves open: input=1x3x48x192,…");
  settingFlags(compare, "soc").action(
    handle<Omit<CompareOptions, "model" | "soc">>(async ({ options, args, config, output }) => {
      const { compareModel } = await import("../model/compare.ts");
      return compareModel({ ...options, model: args[0] ?? "", soc: config.soc.value }, output);
    }),
  );
}
