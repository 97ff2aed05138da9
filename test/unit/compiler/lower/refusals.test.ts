import { describe, expect, test } from "@jest/globals";
import { lowerGraph } from "../../../../compiler/lower/index.ts";
import type { Graph } from "../../../../compiler/ir/index.ts";
import type { SocDescription } from "../../../../protocol/isa/index.ts";
import { RELEASES } from "../../../../compiler/releases/index.ts";
import { kernels } from "../../../support/chip-run.ts";
import { checkGraph, CHIPS, int8Graph, TARGETS } from "./chip.ts";

const [soc] = CHIPS;

function outcome(graph: Graph, changes: Partial<SocDescription> = {}): string {
  const recipe = RELEASES.get("1.1.0");
  if (soc === undefined || recipe === undefined) throw new Error("no target");
  const chip = { ...soc, ...changes };
  const result = lowerGraph({ graph, soc: chip, options: recipe.lowering, kernels });
  return result.ok ? "fits" : `${result.code} ${String(result.details["node"])}`;
}

describe("what the HTP cannot do is refused with the node's name", () => {
  test("an operator without a lowering", () => {
    const g = int8Graph(1);
    const x = g.input([1, 8, 4, 4]);
    expect(outcome(g.finish(g.node("reduce_max", [x], { axes: [1] })))).toBe(
      "UNSUPPORTED_OP reduce_max1",
    );
  });
  test("a reshape that moves elements", () => {
    const g = int8Graph(1);
    const x = g.input([1, 8, 4, 4]);
    const y = g.node("reshape", [x], { shape: [1, 128] });
    expect(outcome(g.finish(y))).toBe("UNSUPPORTED_OP reshape1");
  });
  test("a product of two variables with a bias", () => {
    const g = int8Graph(1);
    const y = g.node("matmul", [g.input([4, 8]), g.input([8, 4]), g.bias(4)]);
    expect(outcome(g.finish(y))).toBe("UNSUPPORTED_OP matmul3");
  });
  test("fp16 on a chip that does not have it", () => {
    const { builder } = int8Graph(1);
    const x = builder.input("x", { dtype: "f16", shape: [1, 8, 4, 4] });
    builder.node({ op: "add", name: "y", inputs: [x, x] });
    expect(outcome(builder.finish(["y"]), { features: [] })).toBe("UNSUPPORTED_OP x");
  });
  test("a convolution of several images at once", () => {
    const g = int8Graph(1);
    const y = g.node("conv", [g.input([2, 8, 4, 4]), g.weights([8, 8, 1, 1], 0)]);
    expect(outcome(g.finish(y))).toBe("UNSUPPORTED_OP conv2");
  });
});

function wideConv(): Graph {
  const g = int8Graph(2);
  const x = g.node("conv", [g.input([1, 32, 40, 40]), g.weights([96, 32, 1, 1], 0)]);
  const y = g.node("conv", [x, g.weights([64, 96, 3, 3], 0)], { pads: [1, 1, 1, 1] });
  return g.finish(g.node("add", [y, g.node("lut", [y, g.table()])]));
}

test("with less VTCM than its tensors, a model works from DDR, until rows do not fit either", () => {
  const graph = wideConv();
  for (const kibibytes of [1024, 512]) {
    expect(outcome(graph, { vtcmBytes: kibibytes * 1024 })).toBe("fits");
    const targets = TARGETS.map(({ version, soc: chip }) => ({
      version,
      soc: { ...chip, vtcmBytes: kibibytes * 1024 },
    }));
    checkGraph(graph, 3, targets.slice(0, 2));
  }
  expect(outcome(graph, { vtcmBytes: 64 * 1024 })).toBe("DOES_NOT_FIT conv4");
});
