import { describe, test } from "@jest/globals";
import fc from "fast-check";
import type { NodeCase } from "./compare.ts";
import { checkNode } from "./compare.ts";

const small = (min: number, max: number): fc.Arbitrary<number> => fc.integer({ min, max });

interface ConvSpec {
  readonly batch: number;
  readonly perGroup: number;
  readonly outPerGroup: number;
  readonly group: number;
  readonly size: readonly [number, number];
  readonly kernel: readonly [number, number];
  readonly strides: readonly [number, number];
  readonly dilations: readonly [number, number];
  readonly pads: readonly [number, number, number, number];
  readonly bias: boolean;
  readonly seed: number;
}

const convSpec: fc.Arbitrary<ConvSpec> = fc.record({
  batch: small(1, 2),
  perGroup: fc.constantFrom(1, 2, 3, 4, 7, 8),
  outPerGroup: fc.constantFrom(1, 2, 4, 5, 8, 12, 13),
  group: fc.constantFrom(1, 1, 2, 3),
  size: fc.tuple(small(1, 9), small(1, 11)),
  kernel: fc.tuple(small(1, 4), small(1, 4)),
  strides: fc.tuple(small(1, 3), small(1, 3)),
  dilations: fc.tuple(small(1, 2), small(1, 2)),
  pads: fc.tuple(small(0, 2), small(0, 2), small(0, 2), small(0, 2)),
  bias: fc.boolean(),
  seed: small(1, 1e6),
});

function convCase(spec: ConvSpec): NodeCase | undefined {
  const [height, width] = spec.size;
  const [top, left, bottom, right] = spec.pads;
  const coveredY = spec.dilations[0] * (spec.kernel[0] - 1) + 1;
  const coveredX = spec.dilations[1] * (spec.kernel[1] - 1) + 1;
  if (height + top + bottom < coveredY || width + left + right < coveredX) return undefined;
  const outChannels = spec.outPerGroup * spec.group;
  const bias = spec.bias ? [{ shape: [outChannels], constant: true }] : [];
  return {
    op: "conv",
    operands: [
      { shape: [spec.batch, spec.perGroup * spec.group, height, width] },
      { shape: [outChannels, spec.perGroup, ...spec.kernel], constant: true },
      ...bias,
    ],
    attributes: {
      strides: spec.strides,
      dilations: spec.dilations,
      pads: spec.pads,
      group: spec.group,
      clamp_min: -1,
      clamp_max: 6,
    },
    seed: spec.seed,
  };
}

describe("conv", () => {
  test("any window, stride, dilation, padding and grouping", () => {
    fc.assert(
      fc.property(convSpec, (spec) => {
        const nodeCase = convCase(spec);
        if (nodeCase !== undefined) checkNode(nodeCase);
      }),
      { numRuns: 60 },
    );
  });

  test("depthwise, over channel counts that do and do not fill vectors", () => {
    const spec = convSpec.map((base) => ({ ...base, perGroup: 1, outPerGroup: 1 }));
    fc.assert(
      fc.property(spec, fc.constantFrom(2, 3, 4, 8, 9), (base, group) => {
        const nodeCase = convCase({ ...base, group });
        if (nodeCase !== undefined) checkNode(nodeCase);
      }),
      { numRuns: 60 },
    );
  });

  test("more rows and weights than one cache block", () => {
    checkNode({
      op: "conv",
      operands: [{ shape: [1, 300, 9, 21] }, { shape: [20, 300, 1, 1], constant: true }],
      tolerance: 1e-4,
    });
    checkNode({
      op: "conv",
      operands: [{ shape: [1, 64, 30, 23] }, { shape: [10, 64, 3, 3], constant: true }],
      attributes: { pads: [1, 1, 1, 1], strides: [2, 2] },
      tolerance: 1e-4,
    });
  });
});

describe("conv_transpose", () => {
  test("any window, stride, dilation, padding, output padding and grouping", () => {
    fc.assert(
      fc.property(convSpec, fc.tuple(small(0, 1), small(0, 1)), (spec, [extraY, extraX]) => {
        const extra = [extraY % spec.strides[0], extraX % spec.strides[1]];
        const outputSize = [0, 1].map((axis) => {
          const full = (spec.size[axis]! - 1) * spec.strides[axis]!;
          const covered = spec.dilations[axis]! * (spec.kernel[axis]! - 1) + 1;
          return full + covered + extra[axis]! - spec.pads[axis]! - spec.pads[axis + 2]!;
        });
        if (outputSize.some((size) => size <= 0)) return;
        const channels = spec.perGroup * spec.group;
        const bias = spec.bias ? [{ shape: [spec.outPerGroup * spec.group], constant: true }] : [];
        checkNode({
          op: "conv_transpose",
          operands: [
            { shape: [spec.batch, channels, ...spec.size] },
            { shape: [channels, spec.outPerGroup, ...spec.kernel], constant: true },
            ...bias,
          ],
          attributes: {
            strides: spec.strides,
            dilations: spec.dilations,
            pads: spec.pads,
            output_padding: extra,
            group: spec.group,
          },
          seed: spec.seed,
        });
      }),
      { numRuns: 60 },
    );
  });
});
