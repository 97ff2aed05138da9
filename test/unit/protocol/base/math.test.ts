/** Elementary functions without the engine's: close to the engine's, which is accurate enough to judge them. */
import { describe, expect, test } from "@jest/globals";
import * as math from "../../../../protocol/base/math.ts";

const GRID = Array.from({ length: 4001 }, (_, index) => (index - 2000) / 100);

function check(ours: (x: number) => number, engine: (x: number) => number): void {
  const wrong = GRID.filter((x) => {
    const expected = engine(x);
    const tolerance = 4e-15 * Math.abs(expected) + 1e-18;
    return Math.abs(ours(x) - expected) > tolerance;
  });
  expect(wrong).toEqual([]);
}

describe("elementary functions", () => {
  test("exp, expm1 and log agree with the engine", () => {
    check(math.exp, Math.exp);
    check(math.expm1, Math.expm1);
    check(
      (x) => math.log(Math.abs(x) + 1e-9),
      (x) => Math.log(Math.abs(x) + 1e-9),
    );
  });

  test("tanh and the sigmoid agree with the engine", () => {
    check(math.tanh, Math.tanh);
    check(math.sigmoid, (x) => 1 / (1 + Math.exp(-x)));
  });

  test("sine and cosine agree within a few units of the last place of one", () => {
    const far = (a: number, b: number): boolean => Math.abs(a - b) > 5e-16;
    expect(GRID.filter((x) => far(math.sin(x), Math.sin(x)))).toEqual([]);
    expect(GRID.filter((x) => far(math.cos(x), Math.cos(x)))).toEqual([]);
  });

  test("whole powers are exact, others within a few units of the last place", () => {
    expect(math.pow(3, 13)).toBe(1594323);
    expect(math.pow(-2, 3)).toBe(-8);
    expect(math.pow(2, -3)).toBe(0.125);
    expect(math.pow(9, 0.5)).toBe(3);
    expect(math.pow(-8, 1 / 3)).toBeNaN();
    expect(math.pow(7, 0.3) / Math.pow(7, 0.3)).toBeCloseTo(1, 14);
  });

  test("erf has its published values", () => {
    const published = [
      [0, 0],
      [0.5, 0.520499877813046],
      [1, 0.842700792949715],
      [2, 0.995322265018953],
      [-1.5, -0.966105146475311],
      [4, 0.999999984582742],
    ] as const;
    for (const [x, value] of published) expect(math.erf(x)).toBeCloseTo(value, 14);
  });

  test("infinities and not-a-number come out as they should", () => {
    expect(math.exp(Infinity)).toBe(Infinity);
    expect(math.exp(-Infinity)).toBe(0);
    expect(math.exp(NaN)).toBeNaN();
    expect(math.exp(-740)).toBeGreaterThan(0);
    expect(math.log(0)).toBe(-Infinity);
    expect(math.log(-1)).toBeNaN();
    expect(math.log(5e-324)).toBeCloseTo(-744.4400719213812, 10);
    expect(math.tanh(-40)).toBe(-1);
    expect(math.sin(Infinity)).toBeNaN();
  });

  test("rounding goes to the nearest whole number, ties to the even one", () => {
    const cases = [
      [0.5, 0],
      [1.5, 2],
      [2.5, 2],
      [-0.5, -0],
      [-1.5, -2],
      [2.4999, 2],
      [-2.5001, -3],
      [1e300, 1e300],
    ] as const;
    for (const [x, rounded] of cases) expect(math.roundHalfEven(x) + 0).toBe(rounded + 0);
    expect(math.roundHalfEven(-Infinity)).toBe(-Infinity);
  });
});
