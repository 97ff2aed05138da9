/** docs/reference/configuration.md: every setting, from the table in cli/settings.ts. */
import { CONFIG_FILE_NAME } from "../../cli/config.ts";
import { environmentName, flagName, SETTING_KEYS, SETTINGS } from "../../cli/settings.ts";
import { code, markdownTable } from "./markdown.ts";

export function configurationPage(): string {
  const rows = SETTING_KEYS.map((key) => {
    const { description, fallback } = SETTINGS[key];
    const value = fallback === "" ? "" : code(String(fallback));
    return [code(key), value, description, code(flagName(key)), code(environmentName(key))];
  });
  return [
    "# Configuration",
    "A setting is taken from the first of these that has it: the flag, the environment, the file, the " +
      "default. `retile config` prints every value with where it comes from.",
    `The file is \`${CONFIG_FILE_NAME}\` in the working folder, or the one named by \`--config\` or ` +
      "`RETILE_CONFIG`. Keys with a point are nested; a key that is no setting is refused:",
    "```yaml\nsoc: sm8350\nserver:\n  port: 9000\n```",
    markdownTable(["setting", "default", "meaning", "flag", "environment"], rows),
    "A command takes the flags of the settings it reads; `retile help COMMAND` lists them.",
  ].join("\n\n");
}
