import { expect, test } from "@jest/globals";
import { simulateTiming } from "../../../../device-agent/soc/index.ts";
import { layerRoofline, lowerGraph } from "../../../../compiler/lower/index.ts";
import { assemble } from "../../../../compiler/codegen/htp/index.ts";
import { RELEASES } from "../../../../compiler/releases/index.ts";
import { unwrap } from "../../../../protocol/base/result.ts";
import { kernels } from "../../../support/chip-run.ts";
import { CHIPS, int8Graph } from "./chip.ts";

/** Expand, depthwise, project, add: the block that mobile networks repeat. */
function blocks(count: number) {
  const g = int8Graph(1);
  let x = g.input([1, 32, 56, 56]);
  for (let block = 0; block < count; block++) {
    const wide = g.node("conv", [x, g.weights([144, 32, 1, 1], 0)], { clamp_min: 0 });
    const window = { pads: [1, 1, 1, 1], group: 144 };
    const deep = g.node("conv", [wide, g.weights([144, 1, 3, 3], 0)], window);
    x = g.node("add", [g.node("conv", [deep, g.weights([32, 144, 1, 1], 0)]), x]);
  }
  return g.finish(x);
}

test("1.0.0 is within 1.3x of its layers' rooflines, and 1.1.0 is at least 1.5x faster beyond the call floor", () => {
  const graph = blocks(3);
  for (const soc of CHIPS) {
    const cycles = [...RELEASES.values()].map(({ lowering: options, version }) => {
      const { listing } = unwrap(lowerGraph({ graph, soc, kernels, options }));
      const tables = { vtcmOffset: 0, bytes: 0, region: 1, regionOffset: 0 };
      const segment = { kind: "htp", tables, streams: assemble(listing) } as const;
      const timing = unwrap(simulateTiming(segment, soc));
      const bound = layerRoofline(listing, soc).microseconds;
      const ratio = timing.microseconds / bound;
      if (version === "1.0.0")
        expect({ ratio, isNear: ratio >= 1 && ratio < 1.3 }).toMatchObject({ isNear: true });
      return timing.cycles;
    });
    expect((cycles[0] ?? 0) / (cycles[1] ?? 1)).toBeGreaterThan(1.5);
  }
});

test("the same graph gives the same program", () => {
  const [soc] = CHIPS;
  const recipe = RELEASES.get("1.1.0");
  if (soc === undefined || recipe === undefined) throw new Error("no target");
  const streams = () => {
    const { listing, blob } = unwrap(
      lowerGraph({ graph: blocks(1), soc, kernels, options: recipe.lowering }),
    );
    return { streams: assemble(listing), blob };
  };
  expect(streams()).toEqual(streams());
});
