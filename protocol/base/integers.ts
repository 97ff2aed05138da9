/** Whole-number division whose rounding is in the name. */
import { assert } from "./assert.ts";

export function divCeil(value: number, by: number): number {
  return Math.ceil(value / by);
}

export function divExact(value: number, by: number): number {
  assert(value % by === 0, `${value} is not a multiple of ${by}`);
  return value / by;
}

export function alignUp(value: number, alignment: number): number {
  return Math.ceil(value / alignment) * alignment;
}

export function product(values: readonly number[]): number {
  return values.reduce((total, value) => total * value, 1);
}
