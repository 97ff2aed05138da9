/** Poll outcomes for people, and update rows that JSON can say. */
import { expect, test } from "@jest/globals";
import { describeOutcome, updateOf, updateRows } from "../../../../cli/agent/poll.ts";
import type { ModelRow, PollOutcome } from "../../../../device-agent/index.ts";
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
