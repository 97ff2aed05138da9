/** `retile agent settings`: what the owner of a device lets updates do on it. */
import type { Command } from "commander";
import { InvalidArgumentError, Option } from "commander";
import type { OwnerSettings } from "../../device-agent/index.ts";
import { unwrap } from "../../protocol/base/result.ts";
import { handle, settingFlags, wholeNumber } from "../command.ts";
import { AGENT_SETTINGS } from "../settings.ts";

const AGREED_MAX = 64;

interface SettingsOptions {
  readonly bytesPerSecond?: number | "unlimited";
  readonly busySeconds?: number;
  readonly window?: string;
  readonly consent?: OwnerSettings["consent"];
  readonly agree?: string;
  readonly sandbox?: OwnerSettings["sandboxMin"];
  readonly reset?: boolean;
}

export function registerSettings(agent: Command): void {
  const command = agent
    .command("settings")
    .description(
      "Print what the owner lets updates do on this device, or set it; kept on the device",
    )
    .option("--bytes-per-second <count>", "cap of every download, or `unlimited`", speed)
    .option(
      "--busy-seconds <count>",
      "a download waits so long, piece by piece, while models are run",
      wholeNumber,
    )
    .option(
      "--window <times>",
      "when a driver may be compiled with and switched to: `22:00-04:30 Europe/Berlin`, or `always`. " +
        "Local times: in the hour that a change of the clocks leaves out the window does not open, " +
        "in the hour that comes twice it is open both times",
    )
    .addOption(
      new Option("--consent <when>", "whether a driver waits until it is agreed to").choices([
        ...["always", "ask"],
      ]),
    )
    .option("--agree <version>", "agree to a driver that waits")
    .addOption(
      new Option("--sandbox <least>", "the least sandbox that drivers are tried in").choices([
        ...["strong", "degraded"],
      ]),
    )
    .option("--reset", "first back to what a new device has");
  settingFlags(command, ...AGENT_SETTINGS).action(
    handle<SettingsOptions>(async ({ options, config, output }) => {
      const { OWNER_DEFAULTS } = await import("../../device-agent/index.ts");
      const { openAgent } = await import("../agent/open.ts");
      const opened = unwrap(await openAgent(config, output));
      // A device must be there: settings of none would be lost in a folder.
      unwrap(await opened.status());
      const before = options.reset ? OWNER_DEFAULTS : unwrap(await opened.ownerSettings());
      const isChange = Object.keys(options).some((name) => CHANGES.has(name));
      const settings = isChange
        ? unwrap(await opened.setByOwner(changed(before, options)))
        : before;
      output.report({ name: "agent settings", rows: [], summary: describeSettings(settings) });
    }),
  );
}

/** As the flags of `retile agent settings` spell them. */
export function describeSettings(settings: OwnerSettings) {
  const { bytesPerSecondMax, busySecondsMax, window, consent, agreed, sandboxMin } = settings;
  return {
    bytesPerSecond: bytesPerSecondMax ?? "unlimited",
    busySeconds: busySecondsMax,
    window: window ?? "always",
    consent,
    agreed: agreed.join(", "),
    sandbox: sandboxMin,
  };
}

function changed(before: OwnerSettings, options: SettingsOptions): OwnerSettings {
  const { bytesPerSecond, busySeconds, window, consent, agree, sandbox } = options;
  return {
    ...before,
    ...(bytesPerSecond !== undefined && {
      bytesPerSecondMax: bytesPerSecond === "unlimited" ? null : bytesPerSecond,
    }),
    ...(busySeconds !== undefined && { busySecondsMax: busySeconds }),
    ...(window !== undefined && { window: window === "always" ? null : window }),
    ...(consent !== undefined && { consent }),
    ...(agree !== undefined && { agreed: [...before.agreed, agree].slice(-AGREED_MAX) }),
    ...(sandbox !== undefined && { sandboxMin: sandbox }),
  };
}

const CHANGES: ReadonlySet<string> = new Set([
  ...["bytesPerSecond", "busySeconds", "window", "consent", "agree", "sandbox", "reset"],
]);

function speed(text: string): number | "unlimited" {
  if (text === "unlimited") return text;
  const count = wholeNumber(text);
  if (count > 0) return count;
  throw new InvalidArgumentError("At least 1, or unlimited.");
}
