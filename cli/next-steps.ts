/** What a person can do about a failure, for the codes where there is something to do. */

const TOKEN =
  "Start `retile server` here, or pass what yours left in its admin-token file: --server-token, RETILE_SERVER_TOKEN.";

const NEXT_STEPS: ReadonlyMap<string, string> = new Map([
  ["USAGE", "`retile help COMMAND` lists what it takes."],
  ["CONFIG_FILE_UNREADABLE", "Check --config and RETILE_CONFIG, or leave both out."],
  ["CONFIG_INVALID", "`retile config` prints every value with where it comes from."],
  ["INPUT_NOT_FOUND", "Check the path; it is taken from the working folder."],
  ["DYNAMIC_SHAPE", "--shape gives them, for instance --shape x=1x3x48x192,mask=1x48."],

  ["SERVER_DOWN", "`retile server` starts one; --server-url or RETILE_SERVER_URL names yours."],
  ["TOKEN_MISSING", TOKEN],
  ["TOKEN_INVALID", TOKEN],
  ["ROLE_NOT_ALLOWED", "Ask an administrator of the server for a token with that role."],
  ["PORT_TAKEN", "--server-port names another one; 0 takes a free one."],
  ["DATABASE_LOCKED", "Stop the other server, or name another folder with --data-dir."],
  ["DATABASE_UNAVAILABLE", "Check DATABASE_URL; unset, `retile server` starts its own PostgreSQL."],
  ["KEY_FILE_OPEN_TO_OTHERS", "`chmod 600` it, and rotate the key if anybody may have read it."],
  [
    "DEMO_KEY_IN_PRODUCTION",
    "Start production on a fresh --data-dir; keys that a demo made stay there.",
  ],

  [
    "OWNER_SETTINGS_DAMAGED",
    "`retile agent settings --reset` begins anew; then set what you want.",
  ],

  ["KEYS_EXIST", "Name another --offline folder; keys that exist go on signing."],
  [
    "KEYS_MISSING",
    "`retile keys init --offline FOLDER` makes them; --offline names the folder of who holds them.",
  ],
  [
    "DRAFT_PENDING",
    "`retile keys sign FILE` where the other keys are, and once more here; or delete the file and start over.",
  ],
  ["METADATA_SUPERSEDED", "Delete the file: what it changes is to be made again on the newest."],
  ["TARGETS_ROLLBACK", "`retile keys fetch --offline FOLDER`, then make the change again."],
  [
    "AUTHORITY_MISSING",
    "--authority names the root, or for a delegated role the targets, that lists its keys.",
  ],
  [
    "ROLE_UNKNOWN",
    "`retile keys list` shows the roles; `retile keys delegate drivers-FAMILY` makes one.",
  ],
  ["ROLE_EXISTS", "`retile keys rotate ROLE` changes its keys, `retile keys retire ROLE` ends it."],
  ["KEY_NEEDED", "`retile keys rotate ROLE` puts fresh keys in the place of all of its keys."],
  ["KEY_UNKNOWN", "`retile keys list` prints every key's id."],
  [
    "POLICY_WEAKER",
    "What a policy forbids stays forbidden; a later version may be allowed only by its floor.",
  ],
  [
    "PROVENANCE_MISSING",
    "`retile driver build` writes it beside the bundle; --provenance names it where it is elsewhere.",
  ],
  ["SOURCE_DIRTY", "Commit, or --allow-dirty; devices see that the commit does not hold it all."],
  ["SIGNER_UNAVAILABLE", "Look after the program that --server-vault names; then try again."],
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
  ["ENROLMENT_TOKEN_INVALID", "`retile devices token` makes another; --uses and --hours widen it."],
  ["MODEL_NAME_TAKEN", "`retile agent unregister MODEL`, or --name gives this one another name."],
  ["MODEL_UNKNOWN", "`retile agent status` lists the models; `retile agent register` adds one."],
]);

export function nextStep(code: string): string | undefined {
  return NEXT_STEPS.get(code);
}
