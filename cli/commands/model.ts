/** `retile model`: look inside a model and at what backends make of it. */
import type { Command } from "commander";
import { handle, settingFlags } from "../command.ts";
import type { CompareOptions } from "../model/compare.ts";
import type { InspectOptions } from "../model/inspect.ts";

export function register(program: Command): void {
  const model = program.command("model").description("Look inside models");
  registerInspect(model);
  registerCompare(model);
}

function registerInspect(model: Command): void {
  const inspect = model
    .command("inspect")
    .description("Operators, parameters, work, memory; what runs where and why not elsewhere")
    .argument("<model>", "an ONNX or TFLite file, or the name of a zoo model")
    .option("--shape <shapes>", "shapes of inputs that the model leaves open: input=1x3x48x192,…")
    .option("--dot <file>", "write the graph there in Graphviz's language")
    .option("--svg <file>", "draw the graph there, coloured by where nodes run");
  settingFlags(inspect, "soc").action(
    handle<Omit<InspectOptions, "model" | "soc">>(async ({ options, args, config, output }) => {
      const { inspectModel } = await import("../model/inspect.ts");
      return inspectModel({ ...options, model: args[0] ?? "", soc: config.soc.value }, output);
    }),
  );
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
