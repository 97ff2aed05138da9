/** Nothing is faster than the lower bound of its network, in any precision, by any recipe, on any chip. */
import { expect, test } from "@jest/globals";
import { lowerBoundUs } from "../../../../cli/fidelity/lower-bound.ts";
import { compareAll } from "../../../../cli/fidelity/fidelity.ts";
import { floatGraph } from "../../../../cli/fidelity/networks.ts";
import { Programs, timingOf, typedGraph } from "../../../../cli/fidelity/parity.ts";
import { PARITY, RELEASES } from "../../../../compiler/releases/index.ts";
import { socNamed } from "../../../../device-agent/soc/index.ts";
import { present } from "../../../../protocol/base/assert.ts";
import { unwrap } from "../../../../protocol/base/result.ts";

/** The oldest chip that has the precision, and the newest. */
const CHIPS = { w8a8: ["qcm6490", "sm8850"], float: ["sm8450", "sm8850"] } as const;

test.each(["w8a8", "float"] as const)(
  "squeezenet1_1 in %s stays above its bound",
  async (precision) => {
    const chips = CHIPS[precision].map((name) => present(socNamed(name), name));
    const graph = unwrap(await floatGraph("squeezenet1_1"));
    const typed = unwrap(typedGraph(graph, precision));
    for (const recipe of [...RELEASES.values(), PARITY]) {
      const programs = new Programs(typed, recipe);
      for (const soc of chips) {
        const { microseconds } = unwrap(timingOf(unwrap(programs.for(soc)), soc));
        expect(microseconds).toBeGreaterThan(lowerBoundUs(graph, precision, soc));
      }
    }
  },
);

test("rows that cannot be simulated say why, and none is dropped", async () => {
  const row = (model: string, precision: string, soc: string) => ({
    model,
    precision,
    soc,
    measuredUs: 100,
  });
  const rows = [
    row("no_such_network", "float", "sm8550"),
    row("squeezenet1_1", "int4", "sm8550"),
    row("squeezenet1_1", "w8a8", "sm0000"),
    row("squeezenet1_1", "float", "sm8350"),
    row("squeezenet1_1", "w8a8", "sm8550"),
  ];
  const compared = await compareAll(rows, () => {});
  expect(compared.map(({ reason }) => reason.split(":")[0])).toEqual([
    "INPUT_NOT_FOUND",
    "USAGE",
    "SOC_UNKNOWN",
    "UNSUPPORTED_FEATURE",
    "",
  ]);
  expect(compared.map(({ simulatedUs }) => simulatedUs !== null)).toEqual([
    false,
    false,
    false,
    false,
    true,
  ]);
});
