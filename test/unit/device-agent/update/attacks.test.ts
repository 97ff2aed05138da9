/** Every attack of the fuzzing run once: refused with its own code, nothing of its own staged, no pointer moved. */
import { expect, test } from "@jest/globals";
import { seededRandom } from "../../../../protocol/base/random.ts";
import { sha256Hex } from "../../../../protocol/crypto/index.ts";
import { ATTACKS, REFUSAL_CODES } from "../../../fuzz/update/index.ts";
import { attemptUpdate } from "../../../fuzz/update/device.ts";
import { honestRecipe, WANTED } from "../../../fuzz/update/recipe.ts";
import { worldOf } from "../../../fuzz/update/world.ts";

test.each(ATTACKS.map((attack) => [attack.name, attack] as const))("%s", async (_name, attack) => {
  const random = seededRandom(1);
  const recipe = honestRecipe();
  attack.recipe?.(recipe, random);
  const world = await worldOf(recipe);
  await attack.world?.(world, random);
  const attempt = await attemptUpdate(world, recipe.device);
  expect([attempt.code, ...attempt.deltaCodes]).toContain(attack.code);
  expect(attempt.staged).toBe(attack.hasAnotherWay ? sha256Hex(WANTED) : null);
  expect(attempt.isMoved).toBe(false);
});

test("there is an attack for every refusal code that a device can give", () => {
  const reached = new Set(ATTACKS.map(({ code }) => code));
  expect(REFUSAL_CODES.filter((code) => !reached.has(code))).toEqual([]);
});
