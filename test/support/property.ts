/** Runs a fast-check property with a seed of the day, printed when it fails; RETILE_SEED repeats one. */
import fc from "fast-check";

export function property<T>(
  arbitrary: fc.Arbitrary<T>,
  holds: (value: T) => boolean | void,
  runs = 100,
): void {
  const seed = Number(process.env["RETILE_SEED"] ?? Date.now() % 0x7fffffff);
  fc.assert(fc.property(arbitrary, holds), { seed, numRuns: runs });
}

export { fc };
