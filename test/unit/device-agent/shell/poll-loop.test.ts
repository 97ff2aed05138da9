import { expect, test } from "@jest/globals";
import { pollDelayMs, pollUntilAborted } from "../../../../device-agent/shell/poll-loop.ts";
import type { Agent, PollOutcome } from "../../../../device-agent/index.ts";
import { instant } from "../../../../protocol/base/brand.ts";
import { seededRandom } from "../../../../protocol/base/random.ts";
import { failed, succeeded, type Result } from "../../../../protocol/base/result.ts";

const random = seededRandom(1);

test("a good poll is followed by the server's interval, ten percent more or less", () => {
  for (let at = 0; at < 100; at++) {
    const delay = pollDelayMs({ pollIntervalSeconds: 600, failures: 0, random });
    expect(delay).toBeGreaterThanOrEqual(540_000);
    expect(delay).toBeLessThanOrEqual(660_000);
  }
});

test.each([
  [1, 2_500, 5_000],
  [3, 10_000, 20_000],
  [50, 1_800_000, 3_600_000],
])("after %d failures the delay is between %d and %d ms", (failures, least, most) => {
  const delay = pollDelayMs({ pollIntervalSeconds: 86_400, failures, random });
  expect(delay).toBeGreaterThanOrEqual(least);
  expect(delay).toBeLessThanOrEqual(most);
});

test("a server that wants to be asked often is asked so even after failures", () => {
  const delay = pollDelayMs({ pollIntervalSeconds: 2, failures: 10, random });
  expect(delay).toBeLessThanOrEqual(2000);
});

test("the loop backs off while the server is down, recovers, and ends when it is told to", async () => {
  const held = succeeded<PollOutcome>({ kind: "held", code: "UP_TO_DATE", because: "" });
  const down = failed("SERVER_DOWN", "no connection");
  const script: Result<PollOutcome>[] = [down, down, held];
  const delays: number[] = [];
  const seen: string[] = [];
  const controller = new AbortController();
  const agent = {
    poll: () => Promise.resolve(script.shift() ?? held),
    status: () => Promise.resolve(succeeded({ pollIntervalSeconds: 100 })),
  } as unknown as Agent;
  await pollUntilAborted({
    agent,
    random,
    clock: {
      now: () => instant(0),
      after: (milliseconds, act) => {
        delays.push(milliseconds);
        const timer = setTimeout(act, 0);
        return () => clearTimeout(timer);
      },
    },
    signal: controller.signal,
    onOutcome: (outcome) => {
      seen.push(outcome.ok ? outcome.value.kind : outcome.code);
      if (seen.length === 3) controller.abort();
    },
  });
  expect(seen).toEqual(["SERVER_DOWN", "SERVER_DOWN", "held"]);
  expect(delays[0]).toBeLessThanOrEqual(5000);
  expect(delays[1]).toBeGreaterThanOrEqual(5000);
});
