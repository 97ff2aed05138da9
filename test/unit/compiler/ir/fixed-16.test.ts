/** Sums and products in 16 bits against real arithmetic. */
import { expect, test } from "@jest/globals";
import {
  narrowed,
  productFactor,
  productOf,
  sumFactors,
  sumOf,
} from "../../../../compiler/ir/index.ts";
import { seededRandom } from "../../../../protocol/base/random.ts";

const SEED = 16;
const DRAWS = 20_000;

/** The largest distance from the real result, in steps of the output, where that fits int8. */
function largestError(
  scaleOf: (random: ReturnType<typeof seededRandom>) => number,
  errorOf: (scales: readonly [number, number], a: number, b: number) => readonly [number, number],
): number {
  const random = seededRandom(SEED);
  let largest = 0;
  for (let draw = 0; draw < DRAWS; draw++) {
    const scales = [scaleOf(random), scaleOf(random)] as const;
    const [a, b] = [random.below(511) - 255, random.below(511) - 255];
    const [real, got] = errorOf(scales, a, b);
    if (Math.abs(real) > 127) continue;
    largest = Math.max(largest, Math.abs(real - got));
  }
  return largest;
}

const encoding = (scale: number) => ({ scale, zeroPoint: 0 });

test("a sum is within half a step and a hundredth", () => {
  const error = largestError(
    (random) => 2 ** (4 * random.uniform() - 4),
    ([scaleA, scaleB], a, b) => {
      const factors = sumFactors([encoding(scaleA), encoding(scaleB)], encoding(1), [1, -1]);
      return [a * scaleA - b * scaleB, sumOf(factors, a, b)];
    },
  );
  expect(error).toBeLessThan(0.51);
});

test("a product whose operands use their range is within half a step and a fiftieth", () => {
  const error = largestError(
    (random) => 2 ** (-3 - 2 * random.uniform()),
    ([scaleA, scaleB], a, b) => {
      const factor = productFactor(encoding(scaleA), encoding(scaleB), encoding(1));
      return [a * b * scaleA * scaleB, productOf(factor, a, b)];
    },
  );
  expect(error).toBeLessThan(0.52);
});

test("what is far beyond the output saturates with its sign", () => {
  const sums = sumFactors([encoding(1e6), encoding(1)], encoding(1), [1, 1]);
  expect([sumOf(sums, 1, 0), sumOf(sums, -1, 255), sumOf(sums, 0, 0)]).toEqual([32767, -32512, 0]);
  const factor = productFactor(encoding(1e3), encoding(1e3), encoding(1));
  expect([productOf(factor, 1, -1), productOf(factor, 255, 255)]).toEqual([-256, 32767]);
});

test.each([
  [5, 1, 3],
  [-5, 1, -2],
  [-6, 2, -1],
  [2 ** 31 - 1, 15, 32767],
  [-(2 ** 31), 15, -32768],
  [-40_000, 0, -32768],
])("%d narrowed by %d bits is %d", (x, shift, expected) => {
  expect(narrowed(x, shift)).toBe(expected);
});
