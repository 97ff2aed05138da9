/** What a person can do about a failure, for the codes where there is something to do. */

const TOKEN =
  "--server-token or RETILE_SERVER_TOKEN takes what the server left in its admin-token file.";

const NEXT_STEPS: ReadonlyMap<string, string> = new Map([
  ["USAGE", "`retile help COMMAND` lists what it takes."],
  ["CONFIG_FILE_UNREADABLE", "Check --config and RETILE_CONFIG, or leave both out."],
  ["CONFIG_INVALID", "`retile config` prints every value with where it comes from."],
  ["INPUT_NOT_FOUND", "Check the path; it is taken from the working folder."],

  ["SERVER_DOWN", "`retile server` starts one; --server-url or RETILE_SERVER_URL names yours."],
  ["TOKEN_MISSING", TOKEN],
  ["TOKEN_INVALID", TOKEN],
  ["ROLE_NOT_ALLOWED", "Ask an administrator of the server for a token with that role."],
  ["PORT_TAKEN", "--server-port names another one; 0 takes a free one."],
  ["DATABASE_LOCKED", "Stop the other server, or name another folder with --data-dir."],
  [
    "DEMO_KEY_IN_PRODUCTION",
    "Start production on a fresh --data-dir; keys that a demo made stay there.",
  ],

  ["KEYS_EXIST", "Name another --offline folder; keys that exist go on signing."],
  ["KEYS_MISSING", "`retile keys init --offline FOLDER` makes them."],
  [
    "NO_ROOT_YET",
    "`retile keys init` makes and publishes it; `retile keys publish` what is signed.",
  ],
  [
    "RELEASE_NOT_PUBLISHED",
    "`retile release list` shows what is; `retile release publish` adds one.",
  ],
  ["ROLLOUT_EXISTS", "--id names another one; `retile rollout list` shows those there are."],
  ["ROLLOUT_ACTION_NOT_ALLOWED", "`retile rollout show ROLLOUT` says where it stands and why."],
  ["WATCH_TIMEOUT", "The rollout goes on; `retile rollout show ROLLOUT` says what it waits for."],

  ["NOT_INITIALISED", "`retile agent init --factory BUNDLE --root ROOT.json` installs one."],
  ["NOT_ENROLLED", "`retile devices token` gives a token, `retile agent enrol --token …` uses it."],
  ["MODEL_UNKNOWN", "`retile agent status` lists the models; `retile agent register` adds one."],
]);

export function nextStep(code: string): string | undefined {
  return NEXT_STEPS.get(code);
}

export const NEXT_STEP_CODES: readonly string[] = [...NEXT_STEPS.keys()];
