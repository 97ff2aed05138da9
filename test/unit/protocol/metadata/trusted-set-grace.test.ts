/** Metadata that was carried: the online roles may have run out, within a bound, and the set says that they have. */
import { describe, expect, test } from "@jest/globals";
import { instant } from "../../../../protocol/base/brand.ts";
import { unwrap } from "../../../../protocol/base/result.ts";
import { AIR_GAPPED_MS_MAX, TrustedSet } from "../../../../protocol/metadata/index.ts";
import {
  makeRoot,
  makeSnapshot,
  makeTargets,
  makeTimestamp,
  NOW,
} from "../../../support/signed-metadata.ts";
import { codeOf } from "../../../support/trusted-sets.ts";

const DAY_MS = 24 * 3600 * 1000;
const FAR = instant(NOW + 400 * DAY_MS);

interface Carried {
  /** Days from the signing of the online roles to now. */
  readonly days: number;
  readonly graceMs?: number;
  readonly rootExpires?: typeof NOW;
  readonly targetsExpires?: typeof NOW;
}

/** Every step of the workflow; the first code that refuses, or whether the set is stale. */
async function carried({
  days,
  graceMs = AIR_GAPPED_MS_MAX,
  rootExpires = FAR,
  targetsExpires = FAR,
}: Carried): Promise<string> {
  const now = instant(NOW + days * DAY_MS);
  const online = instant(NOW + DAY_MS);
  const targets = await makeTargets({ expires: targetsExpires });
  const snapshot = await makeSnapshot({ expires: online, roles: new Map([["targets", targets]]) });
  const root = await makeRoot({ expires: rootExpires });
  const set = unwrap(TrustedSet.start(root, now, { onlineGraceMs: graceMs }));
  const steps = [
    set.finishRoots(),
    set.updateTimestamp(await makeTimestamp({ expires: online, snapshot, signedAt: NOW })),
  ];
  const failed = steps.find((step) => !step.ok);
  if (failed) return codeOf(failed);
  for (const step of [
    () => set.updateSnapshot(snapshot.bytes),
    () => set.updateTargets(targets.bytes),
  ]) {
    const outcome = step();
    if (!outcome.ok) return outcome.code;
  }
  return set.isStale ? "stale" : "fresh";
}

describe("with grace", () => {
  test.each<[string, Carried, string]>([
    ["what has not run out is fresh", { days: 0.5 }, "fresh"],
    ["what ran out a week ago is stale", { days: 8 }, "stale"],
    ["what ran out before the bound is refused", { days: 33 }, "TIMESTAMP_EXPIRED"],
    ["root gets none", { days: 8, rootExpires: instant(NOW + DAY_MS) }, "ROOT_EXPIRED"],
    ["targets get none", { days: 8, targetsExpires: instant(NOW + 2 * DAY_MS) }, "TARGETS_EXPIRED"],
    [
      "and without it nothing that has run out passes",
      { days: 1, graceMs: 0 },
      "TIMESTAMP_EXPIRED",
    ],
  ])("%s", async (_what, situation, expected) => {
    expect(await carried(situation)).toBe(expected);
  });
});
