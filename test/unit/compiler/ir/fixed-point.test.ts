/** Fixed-point multiplication against exact arithmetic on BigInts. */
import { describe, expect, test } from "@jest/globals";
import {
  doublingHighMultiply,
  fixedMultiplier,
  roundingShift,
  scaleFixed,
  scaleFixedWide,
} from "../../../../compiler/ir/index.ts";
import { seededRandom } from "../../../../protocol/base/random.ts";

const SEED = 5;

function integers(count: number, bits: number): number[] {
  const random = seededRandom(SEED);
  return Array.from({ length: count }, () => {
    const share = (random.uint32() + random.uniform()) / 2 ** 32;
    return Math.floor((share * 2 - 1) * 2 ** bits);
  });
}

/** round(a * b / 2^31): the product nudged by half a step, then cut off towards zero. */
function exactHigh(a: number, b: number): number {
  const product = BigInt(a) * BigInt(b);
  const nudge = product >= 0n ? 2n ** 30n : 1n - 2n ** 30n;
  return Number((product + nudge) / 2n ** 31n);
}

describe("fixed point", () => {
  test("the high multiplication is exact for all 62 bits", () => {
    const [left, right] = [integers(500, 31), integers(1000, 31).slice(500)];
    const pairs = left.map((a, index) => [a, right[index] ?? 0] as const);
    expect(pairs.map(([a, b]) => doublingHighMultiply(a, b))).toEqual(
      pairs.map(([a, b]) => exactHigh(a, b)),
    );
    expect(doublingHighMultiply(-(2 ** 31), -(2 ** 31))).toBe(2 ** 31 - 1);
  });

  test("a multiplier is the nearest 31-bit one", () => {
    expect(fixedMultiplier(0.75)).toEqual({ mantissa: 0.75 * 2 ** 31, shift: 0 });
    expect(fixedMultiplier(1)).toEqual({ mantissa: 2 ** 30, shift: 1 });
    expect(fixedMultiplier(1 - 2 ** -40)).toEqual({ mantissa: 2 ** 30, shift: 1 });
    expect(fixedMultiplier(0)).toEqual({ mantissa: 0, shift: 0 });
    expect(fixedMultiplier(2 ** -40)).toEqual({ mantissa: 0, shift: 0 });
  });

  test("shifts round ties away from zero", () => {
    expect([3, 1, -1, -3, 5].map((x) => roundingShift(x, 1))).toEqual([2, 1, -1, -2, 3]);
  });

  test("scaling rounds twice", () => {
    // 0.3 is 0.6 / 2: five times 0.6 is 3 after the first rounding, half of it 2 after the second.
    expect(scaleFixed(5, fixedMultiplier(0.3))).toBe(2);
    expect(scaleFixed(-5, fixedMultiplier(0.3))).toBe(-2);
    expect(scaleFixed(100, fixedMultiplier(3.7))).toBe(370);
  });

  test("sums of 48 bits are scaled by the upper half of the multiplier, ties upwards", () => {
    for (const x of integers(500, 46)) {
      const multiplier = fixedMultiplier(0.0000123);
      const reduced = BigInt((multiplier.mantissa + 32768) >> 16);
      const total = BigInt(15 - multiplier.shift);
      const exact = (BigInt(x) * reduced + (1n << (total - 1n))) >> total;
      expect(scaleFixedWide(x, multiplier)).toBe(Number(BigInt.asIntN(32, exact)));
    }
  });
});
