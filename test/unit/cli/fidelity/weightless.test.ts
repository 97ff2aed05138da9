/** A program that is only timed needs no weights: what it executes takes as long as the program with them. */
import { expect, test } from "@jest/globals";
import { floatGraph } from "../../../../cli/fidelity/networks.ts";
import { PRECISIONS, Programs, timingOf, typedGraph } from "../../../../cli/fidelity/parity.ts";
import { isFetched } from "../../../../compiler/ir/index.ts";
import { socNamed } from "../../../../device-agent/soc/index.ts";
import { present } from "../../../../protocol/base/assert.ts";
import { unwrap } from "../../../../protocol/base/result.ts";

const SOC = present(socNamed("sm8550"), "sm8550");
const SEED = 1;

test.each(PRECISIONS)(
  "shufflenet_v2 in %s: weights change no cycle of any engine",
  async (precision) => {
    const graph = unwrap(await floatGraph("shufflenet_v2", SEED));
    const programs = new Programs(unwrap(typedGraph(graph, precision)));
    const whole = unwrap(timingOf(unwrap(programs.for(SOC)), SOC));
    expect(unwrap(timingOf(unwrap(programs.weightless(SOC)), SOC))).toEqual(whole);
  },
);

test.each(PRECISIONS)(
  "in %s no filter is computed before somebody looks at it",
  async (precision) => {
    const graph = unwrap(await floatGraph("squeezenet1_1"));
    const typed = unwrap(typedGraph(graph, precision));
    unwrap(new Programs(typed).weightless(SOC));
    const filters = typed.nodes
      .filter(({ op }) => op === "conv")
      .map(({ inputs }) => inputs[1] ?? "");
    expect(filters).toHaveLength(26);
    for (const name of filters)
      expect(isFetched(present(typed.constants.get(name), name))).toBe(false);
  },
);
