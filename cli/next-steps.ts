/** What a person can do about a failure, for the codes where there is something to do. */

const NEXT_STEPS: ReadonlyMap<string, string> = new Map([
  ["USAGE", "`retile help COMMAND` lists what it takes."],
  ["CONFIG_FILE_UNREADABLE", "Check --config and RETILE_CONFIG, or leave both out."],
  ["CONFIG_INVALID", "`retile config` prints every value with where it comes from."],
  ["INPUT_NOT_FOUND", "Check the path; it is taken from the working folder."],
]);

export function nextStep(code: string): string | undefined {
  return NEXT_STEPS.get(code);
}

export const NEXT_STEP_CODES: readonly string[] = [...NEXT_STEPS.keys()];
