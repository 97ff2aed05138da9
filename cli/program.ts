/** The command tree: each command registers itself; what all commands share is added here, once. */
import { readFileSync } from "node:fs";
import { Command } from "commander";
import * as agent from "./commands/agent.ts";
import * as audit from "./commands/audit.ts";
import * as config from "./commands/config.ts";
import * as demo from "./commands/demo.ts";
import * as devices from "./commands/devices.ts";
import * as driver from "./commands/driver.ts";
import * as fidelity from "./commands/fidelity.ts";
import * as keys from "./commands/keys.ts";
import * as model from "./commands/model.ts";
import * as release from "./commands/release.ts";
import * as reports from "./commands/reports.ts";
import * as rollout from "./commands/rollout.ts";
import * as run from "./commands/run.ts";
import * as server from "./commands/server.ts";

const COMMANDS: readonly { readonly register: (program: Command) => void }[] = [
  demo,
  driver,
  fidelity,
  run,
  server,
  model,
  keys,
  release,
  rollout,
  devices,
  reports,
  agent,
  audit,
  config,
];

export function buildProgram(): Command {
  const program = new Command("retile")
    .description(
      "Ships AI accelerator drivers over the air and proves each update made the device faster",
    )
    .version(packageVersion())
    .showHelpAfterError()
    .exitOverride();
  for (const { register } of COMMANDS) register(program);
  for (const leaf of leavesOf(program)) addCommonOptions(leaf);
  return program;
}

/** The commands that do something: groups such as `driver` only hold others. */
export function leavesOf(command: Command): readonly Command[] {
  return command.commands.flatMap((child) =>
    child.commands.length === 0 ? [child] : leavesOf(child),
  );
}

function addCommonOptions(command: Command): void {
  command
    .exitOverride()
    .showHelpAfterError()
    .option("--config <file>", "configuration file (default: retile.config.yaml, if there is one)")
    .option(
      "--json",
      "print one JSON object on standard output, everything else on standard error",
    );
}

function packageVersion(): string {
  const manifest = JSON.parse(readFileSync(new URL("../package.json", import.meta.url), "utf8"));
  return manifest.version;
}
