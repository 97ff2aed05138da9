/** `retile reports`: what devices without a network have to tell. */
import type { Command } from "commander";
import { unwrap } from "../../protocol/base/result.ts";
import { handle, settingFlags } from "../command.ts";
import { readInput } from "../read-input.ts";
import { connect, OPERATOR_SETTINGS } from "../operator/connect.ts";

export function register(program: Command): void {
  const reports = program
    .command("reports")
    .description("Bring in reports of devices without a network");
  const command = reports
    .command("import")
    .description(
      "Hand in signed reports that were carried here; those that the server has are dropped",
    )
    .argument("<file>", "from `retile agent import --reports` or `export-reports`");
  settingFlags(command, ...OPERATOR_SETTINGS).action(
    handle(async ({ args, config, output }) => {
      const client = unwrap(await connect(config));
      const batch = unwrap(await readInput(args[0] ?? ""));
      const acknowledgedSequence = unwrap(await client.importReports(batch));
      output.report({ name: "reports import", rows: [], summary: { acknowledgedSequence } });
    }),
  );
}
