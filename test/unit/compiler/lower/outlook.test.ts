import { describe, expect, test } from "@jest/globals";
import { Outlook } from "../../../../compiler/lower/outlook.ts";

type Take = { readonly reads: string; readonly matrix?: number; readonly cycles?: number };

/** Steps of one row each, named by what they write: the context that each one's vector work goes to. */
function contextsOf(steps: Readonly<Record<string, Take>>, contexts = 2): (number | undefined)[] {
  const outlook = new Outlook(1, contexts);
  const names = Object.keys(steps);
  const rows = { first: 0, last: 0 };
  return Object.values(steps).map(({ reads, matrix, cycles }, index) => {
    const values = [...reads].map((name) => ({ value: names.indexOf(name), ...rows }));
    outlook.begin(values);
    if (matrix !== undefined) outlook.takeMatrix(matrix);
    const context = cycles === undefined ? undefined : outlook.takeContext(cycles);
    outlook.end({ value: index, ...rows });
    return context;
  });
}

describe("which context takes vector work", () => {
  const cases: Readonly<Record<string, readonly [Readonly<Record<string, Take>>, unknown[]]>> = {
    "independent steps share the contexts": [
      { a: { reads: "", cycles: 10 }, b: { reads: "", cycles: 10 }, c: { reads: "", cycles: 5 } },
      [0, 1, 0],
    ],
    "a chain stays where it is: no other context could begin it sooner": [
      {
        a: { reads: "", cycles: 10 },
        b: { reads: "a", cycles: 10 },
        c: { reads: "b", cycles: 10 },
      },
      [0, 0, 0],
    ],
    "a long step does not hold up what another context can begin": [
      { a: { reads: "", cycles: 90 }, b: { reads: "", cycles: 10 }, c: { reads: "b", cycles: 10 } },
      [0, 1, 1],
    ],
    "what waits for the matrix engine takes the context that would idle least": [
      { a: { reads: "", matrix: 50 }, b: { reads: "", cycles: 40 }, c: { reads: "a", cycles: 10 } },
      [undefined, 0, 0],
    ],
  };
  for (const [name, [steps, expected]] of Object.entries(cases)) {
    test(name, () => {
      expect(contextsOf(steps)).toEqual(expected);
    });
  }
});
