/** A few steps of agent-crash.slow.test.ts: one of every kind, chosen by a seed. */
import { afterAll, expect, test } from "@jest/globals";
import { seededRandom } from "../../protocol/base/random.ts";
import { crashLab } from "../support/crash-update.ts";

const lab = await crashLab();
afterAll(() => lab.close());

test("a device that dies at a step of the disk keeps a driver, completes the update, and reports it once", async () => {
  const seed = Number(process.env["RETILE_SEED"] ?? Date.now() % 0x7fffffff);
  const random = seededRandom(seed);
  const violations: string[] = [];
  for (const kind of new Set(lab.steps)) {
    const places = lab.steps.flatMap((name, step) => (name === kind ? [step] : []));
    const atStep = places[random.below(places.length)] ?? 0;
    const found = await lab.violations({ atStep, torn: kind === "write" || kind === "append" });
    violations.push(...found.map((why) => `seed ${seed}, step ${atStep} (${kind}): ${why}`));
  }
  expect(violations).toEqual([]);
}, 240_000);
