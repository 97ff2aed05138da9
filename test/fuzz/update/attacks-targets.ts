/** Attacks on targets, delegated targets and the small targets that only the top-level role may list. */
import { instant } from "../../../protocol/base/brand.ts";
import { utf8 } from "../../../protocol/base/bytes.ts";
import { canonicalJson } from "../../../protocol/base/canonical-json.ts";
import { sha256Hex, type Signer } from "../../../protocol/crypto/index.ts";
import {
  dateTime,
  describeFile,
  targetFilePath,
  type TargetsJson,
} from "../../../protocol/metadata/index.ts";
import { LATER, NOW, PAST } from "../../support/signed-metadata.ts";
import { SIX_MEGABYTES, type Attack } from "./attack.ts";
import {
  DELEGATE_NAME,
  KEY_SET,
  KEY_SET_PATH,
  KEYS,
  POLICY,
  POLICY_PATH,
  topTargets,
  WANTED_PATH,
  type Recipe,
} from "./recipe.ts";
import { HONEST_FILES, OLD_FILES } from "./world.ts";

/** The two roles that are attacked alike. */
const ROLES = [
  { role: "targets", draft: (recipe: Recipe) => recipe.targets, file: "3.targets.json" },
  { role: "delegate", draft: (recipe: Recipe) => recipe.delegate, file: `3.${DELEGATE_NAME}.json` },
] as const;

const metaName = { targets: "targets.json", delegate: `${DELEGATE_NAME}.json` } as const;

function onEither({ role, draft, file }: (typeof ROLES)[number]): Attack[] {
  const edited = (name: string, code: string, edit: (json: TargetsJson) => unknown): Attack => ({
    name: `${role}: ${name}`,
    code,
    recipe: (recipe) => {
      const target = draft(recipe);
      target.json = edit(target.json) as TargetsJson;
    },
  });
  const signedBy = (name: string, signers: readonly (Signer | undefined)[]): Attack => ({
    name: `${role}: signed by ${name}`,
    code: "TARGETS_BAD_SIGNATURES",
    recipe: (recipe) => void (draft(recipe).signers = signers as readonly Signer[]),
  });
  const served = (name: string, code: string, bytes: Uint8Array): Attack => ({
    name: `${role}: ${name}`,
    code,
    world: ({ files }) => void files.set(file, bytes),
  });
  const listing = (name: string, code: string, change: object): Attack => ({
    name: `${role}: ${name}`,
    code,
    recipe: (recipe) => {
      recipe.snapshot.edit = (json) => ({
        ...json,
        meta: { ...json.meta, [metaName[role]]: { version: 3, ...change } },
      });
    },
  });
  const other = role === "targets" ? KEYS.delegate : KEYS.targets;
  const own = KEYS[role];
  const short = (HONEST_FILES.get(file) as Uint8Array).slice(1);
  return [
    signedBy("strangers", [...KEYS.stranger, ...KEYS.revoked]),
    signedBy("one key where two must", [own[0]]),
    signedBy("the other one where two must", [own[1]]),
    signedBy("the keys of another role", other),
    signedBy("a good key and a revoked one", [own[0], KEYS.revoked[0]]),
    signedBy("the online keys", [...KEYS.snapshot, ...KEYS.timestamp, ...KEYS.director]),
    signedBy("nobody", []),
    edited("expired", "TARGETS_EXPIRED", (json) => ({ ...json, expires: dateTime(PAST) })),
    edited("without targets", "TARGETS_MALFORMED", (json) => ({ ...json, targets: null })),
    edited("that is a root", "TARGETS_MALFORMED", (json) => ({ ...json, _type: "root" })),
    edited("with a target of no hash", "TARGETS_MALFORMED", (json) => {
      return { ...json, targets: { evil: { length: 1, hashes: {} } } };
    }),
    listing("of another version than listed", "TARGETS_WRONG_VERSION", { version: 4 }),
    listing("mixed with another snapshot", "TARGETS_HASH_MISMATCH", {
      hashes: { sha256: "3".repeat(64) },
    }),
    served("shorter than listed", "TARGETS_LENGTH_MISMATCH", short),
    served("endless data", "FETCH_TOO_LARGE", SIX_MEGABYTES),
  ].map((attack) => withVersionFour(attack, file));
}

/** What a snapshot lists as version 4 must be there under that name, to be refused for what it is. */
function withVersionFour(attack: Attack, file: string): Attack {
  if (attack.code !== "TARGETS_WRONG_VERSION") return attack;
  return {
    ...attack,
    world: ({ files }) =>
      void files.set(file.replace("3.", "4."), HONEST_FILES.get(file) as Uint8Array),
  };
}

function replacedTarget(path: string, json: unknown): NonNullable<Attack["recipe"]> {
  return (recipe) => {
    const bytes = canonicalJson(json);
    recipe.contents.set(path, bytes);
    recipe.targets.json = topTargets(3, recipe.contents);
  };
}

const keySet = (name: string, code: string, change: object): Attack => ({
  name: `director's keys: ${name}`,
  code,
  recipe: replacedTarget(KEY_SET_PATH, { ...KEY_SET, ...change }),
});
const policy = (name: string, change: object): Attack => ({
  name: `hardware policy: ${name}`,
  code: "HARDWARE_POLICY_MALFORMED",
  recipe: replacedTarget(POLICY_PATH, { ...POLICY, ...change }),
});

const YEAR_MS = 365 * 24 * 3600 * 1000;

const OTHERS: readonly Attack[] = [
  {
    name: "targets: the delegate is listed nowhere",
    code: "TARGETS_NOT_IN_SNAPSHOT",
    recipe: (recipe) => {
      // A device that never heard of the delegate misses nothing.
      recipe.snapshot.edit = (json) => ({
        ...json,
        meta: { "targets.json": json.meta["targets.json"] },
      });
    },
    world: ({ kept }) => void ["snapshot", "timestamp"].forEach((role) => kept.delete(role)),
  },
  {
    name: "targets: longer than any may be, as the snapshot's thief lists it",
    code: "TARGETS_TOO_LARGE",
    recipe: (recipe) => {
      recipe.device.keepsLimits = false;
      recipe.snapshot.edit = (json) => ({
        ...json,
        meta: { ...json.meta, "targets.json": { version: 3, length: SIX_MEGABYTES.length } },
      });
    },
    world: ({ files }) => void files.set("3.targets.json", SIX_MEGABYTES),
  },
  {
    name: "wrong delegator: a role that the top level does not delegate to speaks of the path",
    code: "TARGET_NOT_FOUND",
    recipe: (recipe) => {
      const { json } = recipe.targets;
      const [role] = json.delegations?.roles ?? [];
      const roles = role ? [{ ...role, paths: ["kernels/acme/*"] }] : [];
      recipe.targets.json = { ...json, delegations: { keys: json.delegations?.keys ?? {}, roles } };
    },
  },
  {
    name: "wrong delegator: a terminating role before it says nothing of the path",
    code: "TARGET_NOT_FOUND",
    recipe: (recipe) => {
      recipe.delegate.json = { ...recipe.delegate.json, targets: {} };
    },
  },
  {
    name: "targets: the image is listed by a hash that we cannot check",
    code: "TARGET_HASH_UNSUPPORTED",
    recipe: (recipe) => {
      const { json } = recipe.delegate;
      const file = { ...json.targets[WANTED_PATH], length: 1, hashes: { md5: "00" } };
      recipe.delegate.json = { ...json, targets: { ...json.targets, [WANTED_PATH]: file } };
    },
  },
  {
    name: "targets: replayed, where the new ones are listed",
    code: "TARGETS_HASH_MISMATCH",
    world: ({ files }) => {
      const current = files.get("3.targets.json") as Uint8Array;
      const bytes = OLD_FILES.get("2.targets.json") as Uint8Array;
      const padded = new Uint8Array(current.length).fill(0x20);
      padded.set(bytes.subarray(0, current.length));
      files.set("3.targets.json", padded);
    },
  },
  {
    name: "director's keys: others in their place",
    code: "TARGET_HASH_MISMATCH",
    world: ({ files }) => {
      const honest = canonicalJson(KEY_SET);
      const forged = utf8(new TextDecoder().decode(honest).replace('"epoch":3', '"epoch":4'));
      files.set(targetFilePath({ path: KEY_SET_PATH, sha256: sha256Hex(honest) }), forged);
    },
  },
  {
    name: "director's keys: cut short",
    code: "TARGET_LENGTH_MISMATCH",
    world: ({ files }) => {
      const honest = canonicalJson(KEY_SET);
      const path = targetFilePath({ path: KEY_SET_PATH, sha256: sha256Hex(honest) });
      files.set(path, honest.slice(2));
    },
  },
  {
    name: "director's keys: listed by nobody",
    code: "TARGET_NOT_FOUND",
    recipe: (recipe) => {
      const targets = { ...recipe.targets.json.targets };
      delete targets[KEY_SET_PATH];
      recipe.targets.json = { ...recipe.targets.json, targets };
    },
  },
  {
    name: "director's keys: listed by a delegate, whose word on them does not count",
    code: "TARGET_NOT_FOUND",
    recipe: (recipe) => {
      const { [KEY_SET_PATH]: file, ...targets } = recipe.targets.json.targets;
      recipe.targets.json = { ...recipe.targets.json, targets };
      const more = {
        ...recipe.delegate.json.targets,
        [KEY_SET_PATH]: file ?? describeFile(utf8("")),
      };
      recipe.delegate.json = { ...recipe.delegate.json, targets: more };
    },
  },
  keySet("none", "DIRECTOR_KEYS_MALFORMED", { keys: 7 }),
  keySet("of another tenant", "DIRECTOR_KEYS_WRONG_TENANT", { tenant: "other" }),
  keySet("no longer valid", "DIRECTOR_KEYS_NOT_VALID", { validUntil: dateTime(NOW) }),
  keySet("not yet valid", "DIRECTOR_KEYS_NOT_VALID", {
    ...{ validFrom: dateTime(LATER), validUntil: dateTime(instant(LATER + YEAR_MS)) },
  }),
  keySet("of an epoch that is over", "DIRECTOR_KEYS_ROLLBACK", { epoch: 2 }),
  policy("no version", { securityFloor: "new" }),
  policy("of another chip", { family: "sm8350" }),
];

export const TARGETS_ATTACKS: readonly Attack[] = [...ROLES.flatMap(onEither), ...OTHERS];
