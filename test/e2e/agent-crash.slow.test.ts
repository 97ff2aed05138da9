import { afterAll, expect, test } from "@jest/globals";
import { crashLab } from "../support/crash-update.ts";

const lab = await crashLab();
afterAll(() => lab.close());

test.each([
  ["dies before", false],
  ["is torn in", true],
])(
  "a device whose process %s any step of the disk keeps a driver, completes the update, and reports it once",
  async (_name, torn) => {
    const violations: string[] = [];
    for (const [atStep, name] of lab.steps.entries()) {
      if (torn && name !== "write" && name !== "append") continue;
      const found = await lab.violations({ atStep, torn });
      violations.push(...found.map((why) => `step ${atStep} (${name}): ${why}`));
    }
    expect(violations).toEqual([]);
  },
);
