/** Nothing is faster than the lower bound of its network, in any precision, by any recipe, on any chip. */
import { expect, test } from "@jest/globals";
import { operatorTimes } from "../../../../cli/driver/operators.ts";
import { lowerBoundUs, nodeBoundsUs } from "../../../../cli/fidelity/lower-bound.ts";
import { compareAll } from "../../../../cli/fidelity/fidelity.ts";
import { floatGraph } from "../../../../cli/fidelity/networks.ts";
import { PRECISIONS, Programs, timingOf, typedGraph } from "../../../../cli/fidelity/parity.ts";
import { optimize } from "../../../../compiler/passes/index.ts";
import { PARITY, RELEASES } from "../../../../compiler/releases/index.ts";
import { SOCS, socNamed } from "../../../../device-agent/soc/index.ts";
import { present } from "../../../../protocol/base/assert.ts";
import { seededRandom } from "../../../../protocol/base/random.ts";
import { unwrap } from "../../../../protocol/base/result.ts";
import { fc, property } from "../../../support/property.ts";
import { randomNetwork } from "./random-network.ts";

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

test("no random network is faster than its bound, no operator does less work than its own, and operators are the whole", () => {
  property(
    fc.integer({ min: 0, max: 2 ** 31 - 1 }),
    (seed) => {
      const random = seededRandom(seed);
      const graph = optimize(randomNetwork(random));
      const pick = <T>(all: readonly T[]): T => present(all[random.below(all.length)], "one");
      const precision = pick(PRECISIONS);
      const soc = pick(SOCS.filter(({ features }) => features.includes("fp16_functions")));
      const typed = typedGraph(graph, precision);
      // Long functions of one element have no fp16 form: what is refused takes no time.
      if (!typed.ok) return;
      const recipe = pick([...RELEASES.values(), PARITY]);
      const program = unwrap(new Programs(typed.value, recipe).for(soc));
      const timing = unwrap(timingOf(program, soc));
      const boundUs = lowerBoundUs(graph, precision, soc);
      expect(timing.microseconds).toBeGreaterThanOrEqual(boundUs);
      const boundsUs = nodeBoundsUs(graph, precision, soc);
      const operators = operatorTimes({ program, timing, soc, boundsUs });
      for (const { operator, lowerBoundUs, dmaUs, hmxUs, hvxUs } of operators) {
        const workUs = Math.max(dmaUs, hmxUs, hvxUs) * (1 + 1e-9);
        expect({ operator, isBelow: workUs < (lowerBoundUs ?? 0) }).toMatchObject({
          isBelow: false,
        });
      }
      const wholeUs = operators.reduce((sum, { microseconds }) => sum + microseconds, 0);
      expect(wholeUs + soc.callFloorUs).toBeCloseTo(timing.microseconds, 6);
    },
    40,
  );
});

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
