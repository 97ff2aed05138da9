import { expect, test } from "@jest/globals";
import { countMutants } from "../../../mutants/main.ts";

test("a thousand damaged programs that matter are caught, none by timing", () => {
  const { rows, missed } = countMutants(1000, 2);
  expect(missed).toEqual([]);
  for (const { damage, matter } of rows)
    expect({ damage, some: matter > 50 }).toEqual({ damage, some: true });
});
