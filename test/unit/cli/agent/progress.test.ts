/** The agent's work as progress: a bar a step, none for what was there already. */
import { expect, test } from "@jest/globals";
import { agentProgress } from "../../../../cli/agent/progress.ts";
import { thisMachine } from "../../../../cli/agent/open.ts";
import type { AgentProgress } from "../../../../device-agent/index.ts";

function check(reports: readonly [string, string, number][], expected: readonly string[]): void {
  const events: string[] = [];
  const show = agentProgress({
    progress: (label, totalCount) => {
      events.push(`${label} of ${totalCount}`);
      return {
        advance: (count) => events.push(`+${count}`),
        finish: () => events.push("end"),
      };
    },
  });
  for (const [stage, subject, fraction] of reports) {
    show({ stage: stage as AgentProgress["stage"], subject, fraction });
  }
  expect(events).toEqual(expected);
}

test("one bar from its first report to its last", () =>
  check(
    [
      ["compile", "m", 0],
      ["compile", "m", 0.25],
      ["compile", "m", 1],
    ],
    ["compile m of 100", "+0", "+25", "+75", "end"],
  ));
test("another step ends the one before", () =>
  check(
    [
      ["measure", "a", 0.5],
      ["measure", "b", 0],
    ],
    ["measure a of 100", "+50", "end", "measure b of 100", "+0"],
  ));
test("what is over at once shows nothing", () => check([["download", "1.1.0", 1]], []));

test("a machine's name becomes a device's", () => {
  expect(thisMachine("Anna's laptop.local")).toBe("Anna-s-laptop.local");
  expect(thisMachine("...")).toBe("device");
});
