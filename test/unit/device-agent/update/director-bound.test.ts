/**
 * What somebody can do who owns the whole server: every online key, every file, every answer. Whatever they order,
 * a device ends on a bundle that offline keys signed for it, at or above the floor, neither revoked nor recalled.
 */
import { expect, test } from "@jest/globals";
import { brand } from "../../../../protocol/base/brand.ts";
import { canonicalJson } from "../../../../protocol/base/canonical-json.ts";
import { seededRandom, type Random } from "../../../../protocol/base/random.ts";
import { sha256Hex } from "../../../../protocol/crypto/index.ts";
import { driverPath } from "../../../../protocol/metadata/index.ts";
import { pick } from "../../../fuzz/update/attack.ts";
import { attemptUpdate } from "../../../fuzz/update/device.ts";
import {
  assignment,
  bundle,
  CURRENT,
  FACTORY,
  FAMILY,
  familyTargets,
  honestRecipe,
  KEYS,
  POLICY,
  POLICY_PATH,
  recall,
  topTargets,
  WANTED,
  type Recipe,
} from "../../../fuzz/update/recipe.ts";
import { worldOf } from "../../../fuzz/update/world.ts";

const ORDERS = 300;
const [BELOW, REVOKED, RECALLED] = [bundle("1.0.5"), bundle("1.3.0"), bundle("1.4.0")] as const;
const [OTHER_CHIP, UNSIGNED] = [bundle("1.5.0", { socs: ["sm8350"] }), bundle("6.6.6")] as const;
const SIGNED = [FACTORY, BELOW, CURRENT, WANTED, REVOKED, RECALLED];
/** In the order of their versions. */
const ALL = [...SIGNED, OTHER_CHIP, UNSIGNED];
const ALLOWED: ReadonlySet<string> = new Set([sha256Hex(CURRENT), sha256Hex(WANTED)]);
/** The one driver that a device may always fall back to. */
const FALLBACK = sha256Hex(FACTORY);
const VERSIONS = ["1.0.0", "1.0.5", "1.1.0", "1.2.0", "1.3.0", "1.4.0", "1.5.0", "6.6.6"];

function offlineWorld(): Recipe {
  const recipe = honestRecipe();
  const policy = { ...POLICY, securityFloor: "1.1.0", revoked: [sha256Hex(REVOKED)] };
  recipe.contents.set(POLICY_PATH, canonicalJson(policy));
  for (const [index, bytes] of ALL.entries()) {
    const version = VERSIONS[index] ?? "";
    recipe.contents.set(driverPath({ family: FAMILY, version }), bytes);
  }
  recipe.targets.json = topTargets(3, recipe.contents);
  recipe.delegate.json = familyTargets(3, SIGNED);
  recipe.device.slots = { recalled: { epoch: 3, sha256s: [sha256Hex(RECALLED)] } };
  return recipe;
}

/** Any order that a director's key can sign. */
function anyOrder(random: Random): unknown {
  const at = random.below(ALL.length);
  const bytes = ALL[at] as Uint8Array;
  const version = random.below(4) > 0 ? (VERSIONS[at] ?? "") : pick(VERSIONS, random);
  const path = driverPath({ family: pick([FAMILY, FAMILY, FAMILY, "sm8350"], random), version });
  const length = pick([bytes.length, bytes.length, bytes.length, WANTED.length], random);
  const target = { path, sha256: sha256Hex(bytes), length };
  const number = { epoch: pick([3, 3, 3, 4], random), sequence: 8 + random.below(5) };
  if (random.below(3) > 0) {
    const rollout = brand<never>(`rollout-${random.below(9)}`);
    return assignment({ ...number, rollout, target });
  }
  const recalled = SIGNED.filter(() => random.below(3) === 0).map((one) => sha256Hex(one));
  const returnTo = random.below(2) ? target : null;
  return recall({ ...number, returnTo, recalled: recalled.length > 0 ? recalled : [FALLBACK] });
}

test("a compromised director chooses among what offline keys signed, at or above the floor", async () => {
  const seed = Number(process.env["RETILE_SEED"] ?? 1);
  const random = seededRandom(seed);
  const ends = new Map<string, number>();
  for (let index = 0; index < ORDERS; index++) {
    const recipe = offlineWorld();
    recipe.order = { json: anyOrder(random), signers: KEYS.director };
    const { staged, current } = await attemptUpdate(await worldOf(recipe), recipe.device);
    const end = staged ?? current;
    ends.set(end, (ends.get(end) ?? 0) + 1);
    expect([...ALLOWED, FALLBACK]).toContain(end);
    expect(staged === null || ALLOWED.has(staged)).toBe(true);
  }
  // Each of the three is reached, or the test would show nothing.
  expect([...ends.keys()].sort()).toEqual([...ALLOWED, FALLBACK].sort());
});

test("nor does a key set of their own help: it is the offline keys that publish it", async () => {
  const recipe = offlineWorld();
  recipe.order = { json: assignment({}), signers: KEYS.stranger };
  const attempt = await attemptUpdate(await worldOf(recipe), recipe.device);
  expect(attempt.code).toBe("ASSIGNMENT_BAD_SIGNATURES");
});
