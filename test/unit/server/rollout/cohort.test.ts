/** Cohorts: the committed vectors, nesting, stability and the least number of every stratum. */
import { describe, expect, test } from "@jest/globals";
import fc from "fast-check";
import {
  cohortPosition,
  firstStageOf,
  reachedCount,
  stageCutoffs,
  type CohortMember,
} from "../../../../server/rollout/index.ts";

describe("cohort positions", () => {
  /** First eight bytes of SHA-256 over length-prefixed fields; any implementation must give these. */
  const VECTORS: readonly (readonly [string, string, string, string])[] = [
    ["default", "00", "device-1", "acc3772b55ca4b23"],
    ["default", "00", "device-2", "50354556fea2a0a9"],
    ["acme", "5eed", "gerät-3", "0f2d41a900ee0851"],
    ["", "", "", "15ec7bf0b50732b4"],
  ];
  for (const [tenant, salt, device, expected] of VECTORS) {
    test(`${tenant}, ${salt}, ${device} is at ${expected}`, () => {
      expect(cohortPosition(tenant, salt, device).toString(16).padStart(16, "0")).toBe(expected);
    });
  }

  test("moving a character from one field to the next gives another place", () => {
    expect(cohortPosition("ab", "c", "d")).not.toBe(cohortPosition("a", "bc", "d"));
  });
});

test("a stage reaches its percentage, at least the minimum, at most everybody", () => {
  const cases = [
    [100, 10, 1, 10],
    [31, 10, 3, 4],
    [15, 10, 3, 3],
    [2, 10, 3, 2],
    [1000, 0.1, 1, 1],
    [0, 50, 3, 0],
    [7, 100, 1, 7],
  ] as const;
  for (const [count, percent, minimumDevices, expected] of cases) {
    expect(reachedCount(count, { percent, minimumDevices })).toBe(expected);
  }
});

const STAGES = [
  { percent: 10, minimumDevices: 3 },
  { percent: 50, minimumDevices: 2 },
  { percent: 100, minimumDevices: 3 },
];
const OPTIONS = { tenant: "default", salt: "5a17", stages: STAGES };

const fleet = fc.uniqueArray(
  fc.record({
    device: fc.string({ minLength: 1, maxLength: 12 }),
    hardwareClass: fc.constantFrom("sm8350", "sm8650"),
    models: fc.subarray(["a", "b", "c"]),
  }),
  { selector: ({ device }) => device, maxLength: 60 },
);

function stageOf(member: CohortMember, members: readonly CohortMember[]): number | undefined {
  const position = cohortPosition(OPTIONS.tenant, OPTIONS.salt, member.device);
  return firstStageOf(position, member, stageCutoffs(members, OPTIONS));
}

test("every device is reached by the last stage, and by none before its first", () => {
  fc.assert(
    fc.property(fleet, (members) => {
      for (const member of members) expect(stageOf(member, members)).toBeLessThan(STAGES.length);
    }),
  );
});

test("the order in which devices are listed does not matter", () => {
  fc.assert(
    fc.property(fleet, (members) => {
      const reversed = [...members].reverse();
      for (const member of members) {
        expect(stageOf(member, reversed)).toBe(stageOf(member, members));
      }
    }),
  );
});

test("the first stage reaches three devices of every class and of every model on it, where there are three", () => {
  fc.assert(
    fc.property(fleet, (members) => {
      const cutoffs = stageCutoffs(members, OPTIONS);
      const reached = members.filter((member) => {
        const position = cohortPosition(OPTIONS.tenant, OPTIONS.salt, member.device);
        return firstStageOf(position, member, cutoffs) === 0;
      });
      for (const hardwareClass of ["sm8350", "sm8650"]) {
        for (const model of ["a", "b", "c"]) {
          const has = (member: CohortMember): boolean =>
            member.hardwareClass === hardwareClass && member.models.includes(model);
          const owners = members.filter(has).length;
          expect(reached.filter(has).length).toBeGreaterThanOrEqual(Math.min(3, owners));
        }
      }
    }),
  );
});

test("a device of a class that was not counted is reached by no stage", () => {
  const cutoffs = stageCutoffs([], OPTIONS);
  expect(firstStageOf(0n, { hardwareClass: "sm8650", models: [] }, cutoffs)).toBeUndefined();
});
