/** `retile devices`: which there are, and tokens with which new ones enrol. */
import type { Command } from "commander";
import { unwrap } from "../../protocol/base/result.ts";
import { handle, settingFlags, wholeNumber } from "../command.ts";
import { connect, OPERATOR_SETTINGS } from "../operator/connect.ts";

interface TokenOptions {
  readonly uses: number;
  readonly hours: number;
}

export function register(program: Command): void {
  const devices = program.command("devices").description("List devices, let new ones enrol");
  registerList(devices);
  registerToken(devices);
}

function registerList(devices: Command): void {
  const list = devices.command("list").description("List the devices and the drivers they run");
  settingFlags(list, ...OPERATOR_SETTINGS).action(
    handle(async ({ config, output }) => {
      const found = unwrap(await unwrap(await connect(config)).devices());
      const rows = found.map(
        ({ id, soc, current, previous, sandbox, agentVersion, lastSeenAt }) => ({
          ...{ id, soc, current, previous, sandbox, agentVersion, lastSeenAt },
        }),
      );
      output.report({ name: "devices list", rows, summary: { devices: rows.length } });
    }),
  );
}

function registerToken(devices: Command): void {
  const token = devices
    .command("token")
    .description("Make a token with which devices may enrol; it is shown this once")
    .option("--uses <count>", "how many devices may enrol with it", wholeNumber, 1)
    .option("--hours <count>", "how long it is valid", wholeNumber, 24);
  settingFlags(token, ...OPERATOR_SETTINGS).action(
    handle<TokenOptions>(async ({ options, config, output }) => {
      const { uses, hours } = options;
      const text = unwrap(await unwrap(await connect(config)).enrolmentToken(uses, hours * 3600));
      output.report({ name: "devices token", rows: [], summary: { token: text, uses, hours } });
    }),
  );
}
