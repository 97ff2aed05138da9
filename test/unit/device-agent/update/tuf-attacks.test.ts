/** The attacks of TUF 1.5.2, "Goals to protect against specific attacks", by their names, against the agent's own check-in. */
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { afterAll, describe, expect, test } from "@jest/globals";
import { instant } from "../../../../protocol/base/brand.ts";
import { utf8 } from "../../../../protocol/base/bytes.ts";
import { seededRandom } from "../../../../protocol/base/random.ts";
import { sha256Hex } from "../../../../protocol/crypto/index.ts";
import { refresh, refreshFromMirrors } from "../../../../device-agent/update/index.ts";
import { machineClock } from "../../../../device-agent/shell/clock.ts";
import { machineHttp } from "../../../../device-agent/shell/http.ts";
import { serverClient } from "../../../../device-agent/shell/server-client.ts";
import { ATTACKS } from "../../../fuzz/update/index.ts";
import { attemptUpdate } from "../../../fuzz/update/device.ts";
import {
  assignment,
  bundle,
  honestRecipe,
  KEYS,
  rootJson,
  WANTED,
  WANTED_PATH,
  type Recipe,
} from "../../../fuzz/update/recipe.ts";
import { worldOf } from "../../../fuzz/update/world.ts";
import {
  KEYS as OWN_KEYS,
  LATER,
  makeRepository,
  makeRoot,
  makeSnapshot,
  makeTargets,
  makeTimestamp,
  testSigner,
} from "../../../support/signed-metadata.ts";
import { codeOf } from "../../../support/trusted-sets.ts";
import { memoryWorld } from "./memory-ports.ts";

const EVIL = bundle("6.6.6");

/** What becomes of a recipe; nothing is staged and no pointer moves unless it says so. */
async function outcome(change: (recipe: Recipe) => void): Promise<string> {
  const recipe = honestRecipe();
  change(recipe);
  const attempt = await attemptUpdate(await worldOf(recipe), recipe.device);
  return attempt.staged === null && !attempt.isMoved ? attempt.code : "installed";
}

/** The attacks of the fuzzing run whose name begins so. */
async function outcomesOf(prefix: RegExp): Promise<Record<string, string>> {
  const outcomes: Record<string, string> = {};
  for (const attack of ATTACKS.filter(({ name }) => prefix.test(name))) {
    const recipe = honestRecipe();
    attack.recipe?.(recipe, seededRandom(1));
    const world = await worldOf(recipe);
    await attack.world?.(world, seededRandom(1));
    outcomes[attack.name] = (await attemptUpdate(world, recipe.device)).code;
  }
  return outcomes;
}

test("the honest update is staged: what follows can fail", async () => {
  expect(await outcome(() => undefined)).toBe("installed");
});

test("arbitrary installation: a server that signs its own image with every online key installs nothing", async () => {
  const code = await outcome((recipe) => {
    recipe.contents.set(WANTED_PATH, EVIL);
    const target = { path: WANTED_PATH, sha256: sha256Hex(EVIL), length: EVIL.length };
    recipe.order = { json: assignment({ target }), signers: KEYS.director };
  });
  expect(code).toBe("ASSIGNMENT_DISAGREES_WITH_IMAGE");
});

test("endless data: every file has a limit, and so has every answer", async () => {
  const codes = Object.values(await outcomesOf(/endless data$|longer than signed$/));
  expect(new Set(codes)).toEqual(new Set(["FETCH_TOO_LARGE", "DOWNLOAD_TOO_LONG"]));
});

test("extraneous dependencies: an image that nobody assigned is not fetched, whoever lists it", async () => {
  const recipe = honestRecipe();
  const { json } = recipe.delegate;
  const extra = json.targets[WANTED_PATH] as (typeof json.targets)[string];
  recipe.delegate.json = { ...json, targets: { ...json.targets, "drivers/sm8650/9.9.9": extra } };
  const world = await worldOf(recipe);
  const attempt = await attemptUpdate(world, recipe.device);
  expect(attempt.staged).toBe(sha256Hex(WANTED));
});

test("fast-forward: after every version was driven to its maximum, a new root sets the device free", async () => {
  const [snapshot, timestamp] = [testSigner(71), testSigner(72)];
  const version = 2 ** 31 - 1;
  const made = memoryWorld(await makeRoot(), await makeRepository({ version }));
  expect(codeOf(await refresh(made.ports))).toBe("ok");
  for (const [path, bytes] of await makeRepository({ version: 2 })) made.files.set(path, bytes);
  expect(codeOf(await refresh(made.ports))).toBe("TIMESTAMP_ROLLBACK");
  const keys = { snapshot: [snapshot], timestamp: [timestamp] };
  const roles = new Map([["targets", await makeTargets({ version: 2 })]]);
  const fresh = await makeSnapshot({ version: 2, roles, signers: [snapshot] });
  made.files.set("2.root.json", await makeRoot({ version: 2, keys, signers: [OWN_KEYS.root] }));
  made.files.set("2.snapshot.json", fresh.bytes);
  const signers = [timestamp];
  made.files.set("timestamp.json", await makeTimestamp({ version: 2, snapshot: fresh, signers }));
  expect(codeOf(await refresh(made.ports))).toBe("ok");
});

test("indefinite freeze: a repository that stands still is noticed when its timestamp expires", async () => {
  const code = await outcome((recipe) => {
    recipe.root = { json: rootJson(3, { expires: "2030-01-01T00:00:00Z" }), signers: KEYS.root };
    recipe.device.now = instant(LATER);
  });
  expect(code).toBe("TIMESTAMP_EXPIRED");
});

describe("malicious mirrors", () => {
  test.each(["first", "last"])(
    "that is the %s prevents no update from a good one",
    async (where) => {
      const good = memoryWorld(await makeRoot(), await makeRepository({ version: 2 }));
      const frozen = await makeRepository({ version: 1 });
      const bad: typeof good.ports.fetch = (path) => {
        const bytes = frozen.get(path) ?? utf8("{");
        return Promise.resolve({ ok: true, value: bytes });
      };
      const { fetch } = good.ports;
      const mirrors = where === "first" ? ([bad, fetch] as const) : ([fetch, bad] as const);
      const found = await refreshFromMirrors([...mirrors], good.ports);
      expect(found.ok && found.value.trusted.timestamp?.version).toBe(2);
    },
  );

  test("that are all there is are refused", async () => {
    const made = memoryWorld(await makeRoot(), new Map());
    const { fetch } = made.ports;
    expect(codeOf(await refreshFromMirrors([fetch, fetch], made.ports))).toBe("NOT_FOUND");
  });
});

test("mix and match: files of two publications are no third one", async () => {
  const codes = Object.values(await outcomesOf(/mix/));
  expect(codes.length).toBeGreaterThanOrEqual(4);
  for (const code of codes) expect(code).toMatch(/^(SNAPSHOT|TARGETS)_(HASH|LENGTH)_MISMATCH$/);
});

test("rollback: nothing older than what the device has seen, in any role", async () => {
  const outcomes = await outcomesOf(/\bolder|replayed$/);
  expect(new Set(Object.values(outcomes))).toEqual(
    new Set([
      ...["ROOT_WRONG_VERSION", "TIMESTAMP_ROLLBACK", "SNAPSHOT_ROLLBACK", "TARGETS_ROLLBACK"],
      ...["ASSIGNMENT_REPLAYED", "DOWNLOAD_CORRUPT"],
    ]),
  );
});

describe("slow retrieval", () => {
  const server = createServer((_request, response) => {
    response.writeHead(200);
    const timer = setInterval(() => response.write(" "), 20);
    response.on("close", () => clearInterval(timer));
  });
  afterAll(() => {
    server.closeAllConnections();
    server.close();
  });

  test("a file that comes a byte at a time, for ever, is given up", async () => {
    await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
    const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}/`;
    const limits = { bytesMax: 1 << 20, silenceMsMax: 10_000, durationMsMax: 200 };
    const answer = await machineHttp.send({ method: "GET", url, headers: {}, ...limits });
    expect(answer).toMatchObject({ ok: false, code: "SERVER_TIMEOUT" });
  });

  test("all metadata is asked for with such a limit", async () => {
    const durations: (number | undefined)[] = [];
    const http: typeof machineHttp = {
      send: ({ durationMsMax }) => {
        durations.push(durationMsMax);
        return Promise.resolve({ ok: false, code: "SERVER_DOWN", message: "", details: {} });
      },
    };
    const client = serverClient({ serverUrl: "http://x/", http, clock: machineClock });
    await client.fetch("timestamp.json", 100);
    expect(durations[0]).toBeGreaterThan(0);
  });
});

describe("vulnerability to key compromises", () => {
  type Thief = readonly [string, (recipe: Recipe) => void];
  const evil = (recipe: Recipe): void => {
    const file = { length: EVIL.length, hashes: { sha256: sha256Hex(EVIL) } };
    const { json } = recipe.delegate;
    const custom = json.targets[WANTED_PATH]?.custom ?? {};
    const targets = { ...json.targets, [WANTED_PATH]: { ...file, custom } };
    recipe.delegate = { ...recipe.delegate, json: { ...json, targets } };
    recipe.contents.set(WANTED_PATH, EVIL);
  };
  const assignEvil = (recipe: Recipe): void => {
    const target = { path: WANTED_PATH, sha256: sha256Hex(EVIL), length: EVIL.length };
    recipe.order = { json: assignment({ target }), signers: KEYS.director };
  };

  test.each<Thief>([
    [
      "the keys of snapshot, timestamp and director together",
      (recipe) => {
        evil(recipe);
        assignEvil(recipe);
        recipe.delegate.signers = [...KEYS.snapshot, ...KEYS.timestamp, ...KEYS.director];
      },
    ],
    [
      "one image key of two, with all online keys",
      (recipe) => {
        evil(recipe);
        assignEvil(recipe);
        recipe.delegate.signers = KEYS.delegate.slice(0, 1);
      },
    ],
    ["both image keys, without the director's", evil],
    [
      "one root key of three",
      (recipe) => {
        recipe.root = { json: rootJson(3), signers: KEYS.root.slice(0, 1) };
        assignEvil(recipe);
      },
    ],
  ])("%s install nothing of their own", async (_who, change) => {
    expect(await outcome(change)).not.toBe("installed");
  });
});

describe("wrong software", () => {
  test("a signed file in the place of another one is not what was asked for", async () => {
    const outcomes = await outcomesOf(/^download: an older bundle|^assignment: of other bytes/);
    expect(Object.values(outcomes).sort()).toEqual([
      "ASSIGNMENT_DISAGREES_WITH_IMAGE",
      "DOWNLOAD_CORRUPT",
    ]);
  });

  test("an image for another chip is refused twice: by what the offline keys say, and by itself", async () => {
    const outcomes = await outcomesOf(/another chip$/);
    expect(Object.values(outcomes).filter((code) => code === "WRONG_HARDWARE")).toHaveLength(2);
  });
});
