/** The passphrase of the offline keys: from a file or from the environment, never from the command line, which others can read. */
import { readFileSync } from "node:fs";
import { failed, succeeded } from "../../protocol/base/result.ts";
import type { Result } from "../../protocol/base/result.ts";

export const PASSPHRASE_OPTION = [
  "--passphrase-file <file>",
  "file whose first line opens the offline keys [RETILE_PASSPHRASE]",
] as const;

/** Undefined where none is given. */
export function readPassphrase(
  file: string | undefined,
  environment: NodeJS.ProcessEnv = process.env,
): Result<string | undefined, "INPUT_NOT_FOUND"> {
  if (file === undefined) return succeeded(environment["RETILE_PASSPHRASE"]);
  try {
    return succeeded(readFileSync(file, "utf8").split(/\r?\n/)[0]);
  } catch {
    return failed("INPUT_NOT_FOUND", `there is no file ${file}`, { path: file });
  }
}
