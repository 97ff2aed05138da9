/** Poll outcomes for people, and update rows that JSON can say. */
import { describe, expect, test } from "@jest/globals";
import {
  describeOutcome,
  pollUntilStopped,
  updateOf,
  updateRows,
} from "../../../../cli/agent/poll.ts";
import type { Output } from "../../../../cli/output.ts";
import type { Agent, ModelRow, PollOutcome } from "../../../../device-agent/index.ts";
import { failed, succeeded, type Result } from "../../../../protocol/base/result.ts";
import type { DriverRef } from "../../../../protocol/wire/index.ts";

const driver = (version: string) => ({ version, sha256: "" }) as unknown as DriverRef;
const refused: PollOutcome = {
  kind: "refused",
  from: driver("1.0.0"),
  to: driver("1.1.0"),
  code: "MODEL_SLOWER",
  message: "m: 10 µs became 20 µs",
  summary: null,
};

test("every outcome is one sentence", () => {
  expect(describeOutcome(refused)).toBe("refused 1.1.0 (MODEL_SLOWER): m: 10 µs became 20 µs");
  expect(describeOutcome({ kind: "held", code: "UP_TO_DATE", because: "b" })).toBe(
    "held (UP_TO_DATE): b",
  );
});

test("only what was measured has a summary", () => {
  expect(updateOf(refused)).toBeNull();
  expect(updateOf({ kind: "nothing", because: "" })).toBeNull();
});

test("outputs equal to the old driver's are exact, and no number is infinite", () => {
  const row = { outputSnrDb: 20, beforeSnrDb: 20, againstBeforeSnrDb: Infinity } as ModelRow;
  const [shown] = updateRows([row, { ...row, outputSnrDb: Infinity }]);
  expect(shown).toMatchObject({ exact: true, outputSnrDb: 20 });
  expect(JSON.stringify(updateRows([{ ...row, outputSnrDb: Infinity }]))).toContain(
    '"outputSnrDb":null',
  );
});

describe("polling until told to stop", () => {
  /** What is said when polls end so, one after the other; after the last one it is told to stop. */
  async function watched(polls: readonly Result<PollOutcome>[]) {
    const [left, said, stop] = [[...polls], [] as string[], new AbortController()];
    const agent = {
      poll: () => {
        if (left.length === 1) stop.abort();
        return Promise.resolve(left.shift());
      },
      status: () => Promise.resolve(succeeded({ pollIntervalSeconds: 3600 })),
    } as unknown as Agent;
    const output = { say: (text: string) => said.push(text) } as unknown as Output;
    const last = await pollUntilStopped(agent, { everySeconds: 0.001, stop: stop.signal }, output);
    return { last, said: said.map((text) => text.split(":")[0]), unasked: left.length };
  }
  const held = succeeded<PollOutcome>({ kind: "held", code: "UP_TO_DATE", because: "" });

  test("goes on after what may pass", async () => {
    const ended = await watched([failed("SERVER_DOWN", ""), failed("SNAPSHOT_EXPIRED", ""), held]);
    expect(ended).toMatchObject({
      last: held,
      said: ["SERVER_DOWN", "SNAPSHOT_EXPIRED", "held (UP_TO_DATE)"],
    });
  });

  test("ends where no later poll can help", async () => {
    const ended = await watched([failed("NOT_ENROLLED", ""), held, held]);
    expect(ended).toMatchObject({ last: { code: "NOT_ENROLLED" }, unasked: 2 });
  });
});
