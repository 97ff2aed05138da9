/** Narrow floats: every code is a number that encodes back to it, and halves round to even. */
import { describe, expect, test } from "@jest/globals";
import {
  decodeNarrow,
  encodeNarrow,
  encodeScale,
  narrowValues,
} from "../../../../compiler/ir/index.ts";
import type { NarrowFloat } from "../../../../compiler/ir/index.ts";

const FORMATS: readonly NarrowFloat[] = [
  ...(["f16", "bf16", "f8e4m3fn", "f8e4m3fnuz", "f8e5m2", "f8e5m2fnuz", "f4e2m1"] as const),
  "f8e8m0",
];

describe("narrow floats", () => {
  test.each(FORMATS)("%s: every code encodes back to itself", (format) => {
    for (const [code, value] of narrowValues(format).entries()) {
      if (Number.isNaN(value)) expect(decodeNarrow(format, encodeNarrow(format, value))).toBeNaN();
      else if (encodeNarrow(format, value, false) !== code) throw new Error(`${code} is ${value}`);
    }
  });

  const largest: readonly (readonly [NarrowFloat, number])[] = [
    ["f16", 65504],
    ["bf16", 2 ** 127 * (2 - 2 ** -7)],
    ["f8e4m3fn", 448],
    ["f8e4m3fnuz", 240],
    ["f8e5m2", 57344],
    ["f8e5m2fnuz", 57344],
    ["f4e2m1", 6],
  ];
  test.each(largest)("%s: the largest value is %d", (format, value) => {
    const finite = [...narrowValues(format)].filter(Number.isFinite);
    expect(Math.max(...finite)).toBe(value);
  });

  const encodings: readonly (readonly [NarrowFloat, number, boolean, number])[] = [
    ["f8e4m3fn", 1e6, true, 448],
    ["f8e4m3fn", 1e6, false, NaN],
    ["f8e5m2", -Infinity, false, -Infinity],
    ["f8e5m2", -Infinity, true, -57344],
    ["f16", 65519.99, true, 65504],
    ["f16", 65520, true, Infinity],
    ["f16", 1 + 2 ** -11, true, 1],
    ["f16", 1 + 3 * 2 ** -11, true, 1 + 2 ** -9],
    ["bf16", 1 + 2 ** -8, true, 1],
    ["f4e2m1", 2.5, true, 2],
    ["f8e4m3fnuz", -0, true, 0],
  ];
  test.each(encodings.map((each) => [each.join(" "), each] as const))(
    "format, number, saturating, result: %s",
    (_, [format, value, saturate, expected]) => {
      expect(decodeNarrow(format, encodeNarrow(format, value, saturate))).toBe(expected);
    },
  );

  test("a power-of-two scale rounds as it is told", () => {
    expect(encodeScale(3, "up")).toBe(129);
    expect(encodeScale(3, "down")).toBe(128);
    expect(encodeScale(2.9, "nearest")).toBe(128);
    expect(encodeScale(NaN, "nearest")).toBe(255);
  });
});
