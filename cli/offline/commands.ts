/** `retile agent import` and `export-reports`: a stick in both directions. */
import { writeFile } from "node:fs/promises";
import type { Command } from "commander";
import { unwrap } from "../../protocol/base/result.ts";
import { handle, settingFlags } from "../command.ts";
import type { Output } from "../output.ts";
import { readInput } from "../read-input.ts";
import { AGENT_SETTINGS } from "../settings.ts";
import type { Agent } from "../../device-agent/index.ts";

interface ImportOptions {
  readonly reports?: string;
}

export function registerOffline(agent: Command): void {
  const command = agent
    .command("import")
    .description(
      "Install what `retile release export` wrote, verified as if it had come from a server",
    )
    .argument("<file>", "the file that was carried here")
    .option("--reports <file>", "write the signed reports there, for `retile reports import`");
  settingFlags(command, ...AGENT_SETTINGS).action(
    handle<ImportOptions>(async ({ options, args, config, output }) => {
      const { openAgent } = await import("../agent/open.ts");
      const { describeOutcome, updateOf, updateRows, UPDATE_COLUMNS } =
        await import("../agent/poll.ts");
      const opened = unwrap(await openAgent(config, output));
      const outcome = unwrap(await opened.importStick(unwrap(await readInput(args[0] ?? ""))));
      if (options.reports !== undefined) await writeReports(opened, options.reports, output);
      const update = updateOf(outcome);
      const summary = { outcome: outcome.kind, text: describeOutcome(outcome) };
      const rows = updateRows(update?.models ?? []);
      output.report({ name: "agent import", rows, summary }, UPDATE_COLUMNS);
      return outcome.kind === "refused" || outcome.kind === "waiting" ? "failed" : "ok";
    }),
  );
  const reports = agent
    .command("export-reports")
    .description("Write the signed reports that no server has yet, for `retile reports import`")
    .argument("<file>", "where to");
  settingFlags(reports, ...AGENT_SETTINGS).action(
    handle(async ({ args, config, output }) => {
      const { openAgent } = await import("../agent/open.ts");
      const opened = unwrap(await openAgent(config, output));
      const bytes = await writeReports(opened, args[0] ?? "", output);
      output.report({ name: "agent export-reports", rows: [], summary: { bytes } });
    }),
  );
}

/** They stay on the device until a server has acknowledged them: carrying them twice does no harm. */
async function writeReports(agent: Agent, file: string, output: Output): Promise<number> {
  const batch = unwrap(await agent.exportReports());
  if (!batch) output.say("There are no reports to carry.");
  else await writeFile(file, batch);
  return batch?.length ?? 0;
}
