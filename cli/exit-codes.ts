/** What the process's exit code tells a script. */

export const EXIT_CODES = {
  ok: { code: 0, meaning: "Done; every bar the command checks holds." },
  failed: { code: 1, meaning: "The operation failed, or a bar does not hold." },
  couldNotRun: {
    code: 2,
    meaning:
      "Nothing was attempted: wrong usage, configuration or input, no server or no right to ask it, or a bug in retile itself.",
  },
} as const;

export type ExitName = keyof typeof EXIT_CODES;

/** Failures that mean the command never got to its work; every other coded failure is `failed`. */
const COULD_NOT_RUN: ReadonlySet<string> = new Set([
  "USAGE",
  "CONFIG_FILE_UNREADABLE",
  "CONFIG_INVALID",
  "INPUT_NOT_FOUND",
  "SERVER_DOWN",
  "TOKEN_MISSING",
  "TOKEN_INVALID",
  "ROLE_NOT_ALLOWED",
  "PORT_TAKEN",
  "DATABASE_LOCKED",
  "DEMO_KEY_IN_PRODUCTION",
  "KEY_FILE_OPEN_TO_OTHERS",
  "KEY_FILE_MALFORMED",
  "OWNER_SETTING_INVALID",
  "WINDOW_MALFORMED",
]);

export function exitNameOf(failureCode: string): ExitName {
  return COULD_NOT_RUN.has(failureCode) ? "couldNotRun" : "failed";
}
