/**
 * What the device's owner has set: a file beside the state, which no message of a server touches. While it is
 * damaged nothing is installed unasked; recalls still reach the device, and inferences go on.
 */
import { z } from "zod";
import { fromUtf8, utf8 } from "../../protocol/base/bytes.ts";
import { failed, succeeded, type Result } from "../../protocol/base/result.ts";
import { isSemver } from "../../protocol/base/semver.ts";
import { parseWindow, type FileSystem } from "../slots/index.ts";
import type { OwnerConsent } from "./context.ts";

const settingsSchema = z
  .strictObject({
    format: z.literal(1),
    /** Of every download; null: as fast as the network. */
    bytesPerSecondMax: z.int().min(1).nullable(),
    /** A download waits this long at most, piece by piece, for applications to leave the chip alone. */
    busySecondsMax: z.int().min(0).max(3600),
    /** As parseWindow reads it; null: always open. */
    window: z
      .string()
      .refine((text) => parseWindow(text).ok)
      .nullable(),
    /** With "ask" a driver waits until it is in `agreed`. */
    consent: z.enum(["always", "ask"]),
    /** Versions that the owner has said yes to. */
    agreed: z.array(z.string().refine(isSemver)).max(64).readonly(),
    sandboxMin: z.enum(["strong", "degraded"]),
  })
  .readonly();
export type OwnerSettings = z.output<typeof settingsSchema>;
export type OwnerSettingsCode =
  "OWNER_SETTINGS_DAMAGED" | "OWNER_SETTING_INVALID" | "WINDOW_MALFORMED";

export const OWNER_DEFAULTS: OwnerSettings = {
  format: 1,
  bytesPerSecondMax: null,
  busySecondsMax: 30,
  window: null,
  consent: "always",
  agreed: [],
  sandboxMin: "degraded",
};

const SETTINGS_FILE = "owner.json";

export async function readOwnerSettings(
  files: FileSystem,
): Promise<Result<OwnerSettings, OwnerSettingsCode>> {
  const bytes = await files.read(SETTINGS_FILE);
  if (!bytes) return succeeded(OWNER_DEFAULTS);
  try {
    return succeeded(settingsSchema.parse(JSON.parse(fromUtf8(bytes))));
  } catch (error) {
    const message =
      "The owner's settings are damaged; nothing is installed until they are set anew.";
    return failed("OWNER_SETTINGS_DAMAGED", message, { because: String(error).slice(0, 200) });
  }
}

export async function writeOwnerSettings(
  files: FileSystem,
  settings: OwnerSettings,
): Promise<Result<OwnerSettings, OwnerSettingsCode>> {
  const window = settings.window === null ? undefined : parseWindow(settings.window);
  if (window?.ok === false) return window;
  const checked = settingsSchema.safeParse(settings);
  if (!checked.success) {
    const { path = [], message = "" } = checked.error.issues[0] ?? {};
    const setting = path.join(".");
    return failed("OWNER_SETTING_INVALID", `${setting}: ${message}`, { setting });
  }
  await files.replaceFile(SETTINGS_FILE, utf8(JSON.stringify(checked.data)));
  return succeeded(checked.data);
}

/** What holds while nobody knows what the owner has set. */
export const NOTHING_ALLOWED: OwnerSettings = { ...OWNER_DEFAULTS, consent: "ask" };

/** As the update cycle asks for it. */
export function consentOf(settings: OwnerSettings): OwnerConsent {
  const { bytesPerSecondMax, busySecondsMax, consent, agreed, sandboxMin } = settings;
  const window = settings.window === null ? undefined : parseWindow(settings.window);
  return {
    pace: { bytesPerSecondMax: bytesPerSecondMax ?? Infinity, busyMsMax: busySecondsMax * 1000 },
    window: window?.ok ? window.value : null,
    mayInstall: ({ version }) => Promise.resolve(consent === "always" || agreed.includes(version)),
    sandboxMin,
  };
}
