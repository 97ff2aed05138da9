/** `retile demo`: the whole story on this machine, in under two minutes. */
import type { Command } from "commander";
import { handle, settingFlags, wholeNumber } from "../command.ts";
import type { DemoOptions } from "../demo/story.ts";

export function register(program: Command): void {
  const demo = program
    .command("demo")
    .description("Publish, roll out, measure and halt: the whole story on this machine")
    .option("--all", "all five networks instead of the three small ones")
    .option("--devices <count>", "light simulated devices beside the full agent", wholeNumber, 30)
    .option("--seed <number>", "seed of the simulated fleet", wholeNumber, 1);
  settingFlags(demo, "dataDir", "soc").action(
    handle<Omit<DemoOptions, "dataDir" | "soc">>(async ({ options, config, output }) => {
      const { tellStory } = await import("../demo/story.ts");
      const dataDir = config.dataDir.value;
      return tellStory({ ...options, dataDir, soc: config.soc.value }, output);
    }),
  );
}
