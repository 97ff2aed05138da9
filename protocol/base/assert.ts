/** Bugs stop the program here; failures of the outside world are values in result.ts. */

export function assert(condition: boolean, why: string): asserts condition {
  if (!condition) throw new Error(`bug: ${why}`);
}

/** Ends every switch over a `kind`: a new kind without a branch does not compile. */
export function unreachable(value: never): never {
  throw new Error(`bug: unreachable ${JSON.stringify(value)}`);
}

/** The value, where absence would be a bug. */
export function present<T>(value: T | null | undefined, what: string): T {
  if (value === undefined || value === null) throw new Error(`bug: missing ${what}`);
  return value;
}
