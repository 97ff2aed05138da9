/** What every command that signs offline takes, and what it makes of it. */
import { instant } from "../../protocol/base/brand.ts";
import { unwrap } from "../../protocol/base/result.ts";
import type { Config } from "../config.ts";
import { readPassphrase } from "./passphrase.ts";
import type { Signing } from "./sign-next.ts";

export interface SigningOptions {
  readonly offline: string;
  readonly passphraseFile?: string;
}

export const OFFLINE_OPTION = ["--offline <folder>", "folder of the offline keys"] as const;

export function signingFrom(
  { offline: folder, passphraseFile }: SigningOptions,
  config: Config,
): Signing {
  const passphrase = unwrap(readPassphrase(passphraseFile));
  const demo = !config["server.production"].value;
  return { folder, passphrase, demo, now: instant(Date.now()) };
}
