/** The frame around every command: settings as flags, output, failures and exit codes. */
import type { Command } from "commander";
import { InvalidArgumentError, Option } from "commander";
import { CodedError, toFailure, unwrap } from "../protocol/base/result.ts";
import type { Config } from "./config.ts";
import { loadConfig } from "./config.ts";
import type { ExitName } from "./exit-codes.ts";
import { EXIT_CODES, exitNameOf } from "./exit-codes.ts";
import type { Output } from "./output.ts";
import { createOutput } from "./output.ts";
import type { SettingKey } from "./settings.ts";
import { environmentName, flagName, SETTING_KEYS, SETTINGS } from "./settings.ts";

export interface Invocation<Options> {
  /** The command's own options, as commander parsed them. */
  readonly options: Options;
  readonly args: readonly string[];
  readonly config: Config;
  readonly output: Output;
}

/** What ran well returns `ok` (or nothing); bars that do not hold return `failed`; failures are thrown by `unwrap`. */
export type Handler<Options> = (invocation: Invocation<Options>) => Promise<ExitName | void>;

/** Offers settings as flags of this command: `--server-port <value>` for `server.port`. */
export function settingFlags(command: Command, ...keys: SettingKey[]): Command {
  for (const key of keys) {
    const { description, fallback } = SETTINGS[key];
    const flag = typeof fallback === "boolean" ? flagName(key) : `${flagName(key)} <value>`;
    command.addOption(new Option(flag, `${description} [${environmentName(key)}]`));
  }
  return command;
}

/** Parses a whole number option, for commander's third argument. */
export function wholeNumber(text: string): number {
  if (!/^\d{1,15}$/.test(text)) throw new InvalidArgumentError("Not a whole number.");
  return Number(text);
}

/** Wraps a handler for `command.action`. */
export function handle<Options>(handler: Handler<Options>) {
  return async (...received: unknown[]): Promise<void> => {
    const command = received.at(-1) as Command;
    const output = createOutput(command.opts()["json"] === true);
    const exit = await settle(command, output, handler);
    process.exitCode = EXIT_CODES[exit].code;
  };
}

async function settle<Options>(
  command: Command,
  output: Output,
  handler: Handler<Options>,
): Promise<ExitName> {
  const options = command.opts();
  try {
    const config = unwrap(loadConfig(flagsOf(command), options["config"]));
    const invocation = { options: options as Options, args: command.args, config, output };
    return (await handler(invocation)) ?? "ok";
  } catch (error) {
    if (error instanceof CodedError) {
      output.failure(fullName(command), toFailure(error));
      return exitNameOf(error.code);
    }
    output.say(`retile: this is a bug in retile: ${(error as Error)?.stack ?? String(error)}`);
    return "couldNotRun";
  }
}

function flagsOf(command: Command): Map<SettingKey, string | boolean> {
  const flags = new Map<SettingKey, string | boolean>();
  const byFlag = new Map(SETTING_KEYS.map((key) => [flagName(key), key]));
  for (const option of command.options) {
    const key = byFlag.get(option.long ?? "");
    const value = command.opts()[option.attributeName()];
    if (key !== undefined && value !== undefined) flags.set(key, value);
  }
  return flags;
}

/** `driver build`, without the program's own name. */
export function fullName(command: Command): string {
  const names: string[] = [];
  for (let at: Command | null = command; at?.parent; at = at.parent) names.unshift(at.name());
  return names.join(" ");
}
