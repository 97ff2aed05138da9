/** Random graphs on random chips; `npm run exact:graphs` runs them by the thousand. */
import { expect, test } from "@jest/globals";
import { compareGraph } from "../../exact/graphs.ts";

const CASES = 120;
/** The same graphs in every run: new ones are looked for by the command. */
const SEED = Number(process.env["RETILE_SEED"] ?? 1);

test(`random graphs from seed ${SEED} on give the evaluator's bits, or are refused`, () => {
  const rows = Array.from({ length: CASES }, (_, index) => compareGraph(SEED + index));
  expect(rows.filter(({ status }) => status === "wrong")).toEqual([]);
  expect(rows.filter(({ status }) => status === "equal").length).toBeGreaterThan(CASES / 3);
}, 300_000);
