/** The confidence sequence: exact sums, coverage while peeking, and what few or equal measurements allow. */
import { describe, expect, test } from "@jest/globals";
import fc from "fast-check";
import { seededRandom } from "../../../../protocol/base/random.ts";
import {
  addMoments,
  confidenceInterval,
  logRatioBillionths,
  momentsOf,
  NO_MEASUREMENTS,
  type Moments,
} from "../../../../server/rollout/index.ts";

describe("log-ratios", () => {
  test("are natural logarithms in whole billionths; a gain is positive", () => {
    expect(logRatioBillionths(1000, 1000)).toBe(0n);
    expect(logRatioBillionths(2000, 1000)).toBe(693147181n);
    expect(logRatioBillionths(1000, 2000)).toBe(-693147181n);
  });
  test("are capped: a broken clock must not overflow the sums", () => {
    expect(logRatioBillionths(Number.MAX_VALUE, 1)).toBe(20_000_000_000n);
    expect(logRatioBillionths(1, Number.MAX_VALUE)).toBe(-20_000_000_000n);
  });
});

const measurements = fc.array(fc.bigInt({ min: -20_000_000_000n, max: 20_000_000_000n }), {
  maxLength: 50,
});

test("sums do not depend on the order or the grouping", () => {
  fc.assert(
    fc.property(measurements, fc.nat(50), (all, cut) => {
      const [head, tail] = [all.slice(0, cut), all.slice(cut)];
      const grouped = addMoments(momentsOf([...tail].reverse()), momentsOf(head));
      expect(grouped).toEqual(momentsOf(all));
    }),
  );
});

describe("the interval", () => {
  const equal = (count: number): Moments => momentsOf(Array.from({ length: count }, () => 0n));
  test("says nothing before the third measurement", () => {
    expect(confidenceInterval(NO_MEASUREMENTS, 0.05).lower).toBe(-Infinity);
    expect(confidenceInterval(equal(2), 0.05).lower).toBe(-Infinity);
    expect(confidenceInterval(equal(3), 0.05).lower).toBeGreaterThan(-0.02);
  });
  test("of measurements without noise still has the width of the noise floor", () => {
    const { lower, upper } = confidenceInterval(equal(100), 0.05);
    expect(upper - lower).toBeGreaterThan(0.001);
  });
  test("narrows with the number of measurements and widens with confidence", () => {
    const width = (count: number, alpha: number): number => {
      const { lower, upper } = confidenceInterval(equal(count), alpha);
      return upper - lower;
    };
    for (let count = 3; count < 60; count++) {
      expect(width(count + 1, 0.05)).toBeLessThan(width(count, 0.05));
      expect(width(count, 0.01)).toBeGreaterThan(width(count, 0.05));
    }
  });
});

/** The share of simulated rollouts in which the interval ever lost the true mean, peeking after every report. */
function everWrong({
  mean,
  deviation,
  alpha,
}: Record<"mean" | "deviation" | "alpha", number>): number {
  const random = seededRandom(20_260_601);
  const runs = 400;
  let wrong = 0;
  for (let run = 0; run < runs; run++) {
    let moments = NO_MEASUREMENTS;
    for (let count = 0; count < 60; count++) {
      const x = BigInt(Math.round((mean + deviation * random.normal()) * 1e9));
      moments = addMoments(moments, momentsOf([x]));
      const { lower, upper } = confidenceInterval(moments, alpha);
      if (lower <= mean && mean <= upper) continue;
      wrong += 1;
      break;
    }
  }
  return wrong / runs;
}

describe("looking after every report keeps the promised error", () => {
  for (const deviation of [0.01, 0.1, 1]) {
    test(`with noise of ${deviation}`, () => {
      expect(everWrong({ mean: 0.05, deviation, alpha: 0.1 })).toBeLessThanOrEqual(0.1);
    });
  }
  test("while an interval for one look only would be wrong far more often", () => {
    expect(everWrong({ mean: 0, deviation: 0.1, alpha: 0.9 })).toBeGreaterThan(0.1);
  });
});
