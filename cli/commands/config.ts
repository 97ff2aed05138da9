/** `retile config`: every setting, its value and where the value comes from. */
import type { Command } from "commander";
import { handle, settingFlags } from "../command.ts";
import { describeOrigin } from "../config.ts";
import { environmentName, SECRET_SETTINGS, SETTING_KEYS } from "../settings.ts";

export function register(program: Command): void {
  const command = program
    .command("config")
    .description("Print every setting with its value and where that comes from");
  settingFlags(command, ...SETTING_KEYS).action(
    handle(async ({ config, output }) => {
      const rows = SETTING_KEYS.map((key) => {
        const { value, origin } = config[key];
        const hidden = SECRET_SETTINGS.has(key) && value !== "";
        return {
          key,
          value: hidden ? "(hidden)" : value,
          origin: origin.kind,
          from: describeOrigin(origin),
          environment: environmentName(key),
        };
      });
      output.report({ name: "config", rows, summary: {} });
    }),
  );
}
