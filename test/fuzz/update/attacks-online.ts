/** Attacks on root, timestamp and snapshot: what a thief of the online keys, or of too few root keys, could try. */
import { instant } from "../../../protocol/base/brand.ts";
import {
  dateTime,
  signMetadata,
  type SnapshotJson,
  type TimestampJson,
} from "../../../protocol/metadata/index.ts";
import { NOW, PAST } from "../../support/signed-metadata.ts";
import { pick, THREE_MEGABYTES, type Attack } from "./attack.ts";
import { NO_ANSWER } from "./device.ts";
import { honestRecipe, KEYS, rootJson, type Recipe } from "./recipe.ts";
import { OLD_FILES, worldOf } from "./world.ts";

const EXPIRED = dateTime(PAST);
const [first, second, third] = KEYS.root;
const NEW_ROOT_KEYS = [KEYS.stranger[0], KEYS.revoked[0], KEYS.delegate[0]];

const root = (name: string, code: string, recipe: Attack["recipe"]): Attack => {
  return { name: `root: ${name}`, code, ...(recipe && { recipe }) };
};
const signRoot = (json: unknown, signers: Recipe["timestamp"]["signers"]): Attack["recipe"] => {
  return (recipe) => (recipe.root = { json: json as never, signers });
};
const onlyWithNewKeys = rootJson(3, {
  keys: rootJson(3).keys,
  roles: { ...rootJson(3).roles, root: { keyids: [], threshold: 1 } },
});

const ROOT_ATTACKS: readonly Attack[] = [
  root("signed by one key where two must", "ROOT_BAD_SIGNATURES", (recipe, random) => {
    recipe.root = { json: rootJson(3), signers: [pick(KEYS.root, random)] };
  }),
  root("signed by strangers", "ROOT_BAD_SIGNATURES", signRoot(rootJson(3), NEW_ROOT_KEYS as never)),
  root(
    "signed by keys of other roles",
    "ROOT_BAD_SIGNATURES",
    signRoot(rootJson(3), [...KEYS.targets, ...KEYS.snapshot, ...KEYS.timestamp]),
  ),
  root(
    "not signed by the keys that it names itself",
    "ROOT_BAD_SIGNATURES",
    signRoot(onlyWithNewKeys, KEYS.root),
  ),
  root("signed twice by one key", "ROOT_MALFORMED", signRoot(rootJson(3), [first, first] as never)),
  root("of a version too high", "ROOT_WRONG_VERSION", signRoot(rootJson(4), KEYS.root)),
  root("replayed", "ROOT_WRONG_VERSION", signRoot(rootJson(2), [second, third] as never)),
  root("the first one", "ROOT_WRONG_VERSION", signRoot(rootJson(1), KEYS.root)),
  root(
    "expired",
    "ROOT_EXPIRED",
    signRoot(rootJson(3, { expires: EXPIRED }), [first, third] as never),
  ),
  root("without roles", "ROOT_MALFORMED", signRoot({ ...rootJson(3), roles: {} }, KEYS.root)),
  root(
    "that calls itself targets",
    "ROOT_MALFORMED",
    signRoot({ ...rootJson(3), _type: "targets" }, KEYS.root),
  ),
  {
    name: "root: endless data",
    code: "FETCH_TOO_LARGE",
    world: ({ files }) => void files.set("3.root.json", THREE_MEGABYTES),
  },
  {
    name: "root: endless data over a way that keeps no limits",
    code: "ROOT_TOO_LARGE",
    recipe: ({ device }) => void (device.keepsLimits = false),
    world: ({ files }) => void files.set("3.root.json", THREE_MEGABYTES),
  },
  {
    name: "root: the device lost its own",
    code: "ROOT_MISSING",
    world: ({ kept }) => void kept.delete("root"),
  },
];

type Edit<Json> = (json: Json) => unknown;
const timestamp = (name: string, code: string, edit: Edit<TimestampJson>): Attack => {
  return { name: `timestamp: ${name}`, code, recipe: (recipe) => (recipe.timestamp.edit = edit) };
};
const timestampBy = (name: string, signers: Recipe["timestamp"]["signers"]): Attack => ({
  name: `timestamp: ${name}`,
  code: "TIMESTAMP_BAD_SIGNATURES",
  recipe: (recipe) => void (recipe.timestamp.signers = signers),
});
const names = (change: object): Edit<TimestampJson> => {
  return (json) => ({
    ...json,
    meta: { "snapshot.json": { ...json.meta["snapshot.json"], ...change } },
  });
};

const TIMESTAMP_ATTACKS: readonly Attack[] = [
  timestampBy("signed by a stranger", KEYS.stranger),
  timestampBy("signed by a revoked key", KEYS.revoked),
  timestampBy("signed by the snapshot's key", KEYS.snapshot),
  timestampBy("signed by the director", KEYS.director),
  timestampBy("signed by nobody", []),
  timestamp("expired", "TIMESTAMP_EXPIRED", (json) => ({ ...json, expires: EXPIRED })),
  timestamp("expires this moment", "TIMESTAMP_EXPIRED", (json) => {
    return { ...json, expires: dateTime(NOW) };
  }),
  timestamp("older than ours", "TIMESTAMP_ROLLBACK", (json) => ({ ...json, version: 1 })),
  timestamp("names an older snapshot", "SNAPSHOT_ROLLBACK", names({ version: 1 })),
  timestamp(
    "names other content for our snapshot",
    "EQUAL_VERSION_DIFFERENT_CONTENT",
    names({ version: 2, hashes: { sha256: "0".repeat(64) } }),
  ),
  timestamp("names no snapshot", "TIMESTAMP_MALFORMED", (json) => ({ ...json, meta: {} })),
  timestamp("of version zero", "TIMESTAMP_MALFORMED", (json) => ({ ...json, version: 0 })),
  timestamp("that is a snapshot", "TIMESTAMP_MALFORMED", (json) => {
    return { ...json, _type: "snapshot" };
  }),
  timestamp("names a snapshot that is not there", "NOT_FOUND", names({ version: 9 })),
  {
    name: "timestamp: held back",
    code: "NOT_FOUND",
    world: ({ files }) => void files.delete("timestamp.json"),
  },
  {
    name: "timestamp: the connection breaks",
    code: "FETCH_FAILED",
    world: ({ files }) => void files.set("timestamp.json", NO_ANSWER),
  },
  {
    name: "timestamp: endless data",
    code: "FETCH_TOO_LARGE",
    world: ({ files }) => void files.set("timestamp.json", THREE_MEGABYTES),
  },
  {
    name: "timestamp: endless data over a way that keeps no limits",
    code: "TIMESTAMP_TOO_LARGE",
    recipe: ({ device }) => void (device.keepsLimits = false),
    world: ({ files }) => void files.set("timestamp.json", THREE_MEGABYTES),
  },
  {
    name: "freeze: an old timestamp, after it expired",
    code: "ROOT_EXPIRED",
    recipe: ({ device }) => void (device.now = instant(NOW + 400 * 24 * 3600 * 1000)),
    world: ({ files }) => void files.set("timestamp.json", old("timestamp.json")),
  },
];

function old(path: string): Uint8Array {
  return OLD_FILES.get(path) as Uint8Array;
}

const snapshot = (name: string, code: string, edit: Edit<SnapshotJson>): Attack => {
  return { name: `snapshot: ${name}`, code, recipe: (recipe) => (recipe.snapshot.edit = edit) };
};
const snapshotBy = (name: string, signers: Recipe["snapshot"]["signers"]): Attack => ({
  name: `snapshot: ${name}`,
  code: "SNAPSHOT_BAD_SIGNATURES",
  recipe: (recipe) => void (recipe.snapshot.signers = signers),
});
const lists = (name: string, change: object): Edit<SnapshotJson> => {
  return (json) => ({ ...json, meta: { ...json.meta, [name]: { ...json.meta[name], ...change } } });
};
const without = (name: string): Edit<SnapshotJson> => {
  return (json) => {
    const meta = Object.entries(json.meta).filter(([listed]) => listed !== name);
    return { ...json, meta: Object.fromEntries(meta) };
  };
};

const SNAPSHOT_ATTACKS: readonly Attack[] = [
  snapshotBy("signed by a stranger", KEYS.stranger),
  snapshotBy("signed by a revoked key", KEYS.revoked),
  snapshotBy("signed by the timestamp's key", KEYS.timestamp),
  snapshotBy("signed by nobody", []),
  snapshot("expired", "SNAPSHOT_EXPIRED", (json) => ({ ...json, expires: EXPIRED })),
  snapshot("of another version than named", "SNAPSHOT_WRONG_VERSION", (json) => {
    return { ...json, version: 9 };
  }),
  snapshot("without its table", "SNAPSHOT_MALFORMED", (json) => ({ ...json, meta: 7 })),
  snapshot("that is a timestamp", "SNAPSHOT_MALFORMED", (json) => {
    return { ...json, _type: "timestamp" };
  }),
  snapshot("no longer lists targets", "TARGETS_REMOVED", without("targets.json")),
  snapshot("no longer lists a delegate", "TARGETS_REMOVED", without(`drivers-sm8650.json`)),
  snapshot("lists older targets", "TARGETS_ROLLBACK", lists("targets.json", { version: 1 })),
  snapshot(
    "lists an older delegate",
    "TARGETS_ROLLBACK",
    lists("drivers-sm8650.json", { version: 1 }),
  ),
  snapshot(
    "lists other content for our targets",
    "EQUAL_VERSION_DIFFERENT_CONTENT",
    lists("targets.json", { version: 2, hashes: { sha256: "1".repeat(64) } }),
  ),
  {
    name: "snapshot: mixed with the timestamp of another",
    code: "SNAPSHOT_HASH_MISMATCH",
    recipe: (recipe) => {
      recipe.timestamp.edit = (json) => {
        const { version, length } = json.meta["snapshot.json"];
        const meta = { "snapshot.json": { version, length, hashes: { sha256: "2".repeat(64) } } };
        return { ...json, meta };
      };
    },
  },
  {
    name: "snapshot: shorter than named",
    code: "SNAPSHOT_LENGTH_MISMATCH",
    world: ({ files }) =>
      void files.set("3.snapshot.json", (files.get("3.snapshot.json") as Uint8Array).slice(1)),
  },
  {
    name: "snapshot: endless data",
    code: "FETCH_TOO_LARGE",
    world: ({ files }) => void files.set("3.snapshot.json", THREE_MEGABYTES),
  },
  {
    name: "snapshot: longer than any may be, as its thief lists it",
    code: "SNAPSHOT_TOO_LARGE",
    recipe: (recipe) => {
      const length = THREE_MEGABYTES.length;
      recipe.device.keepsLimits = false;
      recipe.timestamp.edit = (json) => ({
        ...json,
        meta: { "snapshot.json": { version: 3, length } },
      });
    },
    world: ({ files }) => void files.set("3.snapshot.json", THREE_MEGABYTES),
  },
  {
    name: "fast-forward: every version at its maximum, then back",
    code: "TIMESTAMP_ROLLBACK",
    world: async ({ kept }) => {
      const version = 2 ** 31 - 1;
      const recipe = honestRecipe();
      recipe.timestamp.edit = (json) => ({ ...json, version });
      const forward = await worldOf(recipe);
      kept.set("timestamp", forward.files.get("timestamp.json") as Uint8Array);
    },
  },
  {
    name: "mix and match: our snapshot's file under the new name",
    code: "SNAPSHOT_LENGTH_MISMATCH",
    world: ({ files }) => {
      const bytes = old("2.snapshot.json");
      const current = files.get("3.snapshot.json") as Uint8Array;
      // Of equal length the hash tells them apart; either way it is not taken.
      files.set("3.snapshot.json", bytes.length === current.length ? bytes.slice(1) : bytes);
    },
  },
  {
    name: "kept files of somebody else: the device fetches its own, and finds the thief's key",
    code: "TIMESTAMP_BAD_SIGNATURES",
    world: async ({ kept, files }) => {
      const forged = JSON.parse(new TextDecoder().decode(old("timestamp.json"))).signed;
      const bytes = await signMetadata(forged, KEYS.stranger);
      kept.set("timestamp", bytes);
      files.set("timestamp.json", bytes);
    },
  },
];

export const ONLINE_ATTACKS: readonly Attack[] = [
  ...ROOT_ATTACKS,
  ...TIMESTAMP_ATTACKS,
  ...SNAPSHOT_ATTACKS,
];
