/** Whole-number division whose rounding is in the name. */

export function divCeil(value: number, by: number): number {
  return Math.ceil(value / by);
}

export function alignUp(value: number, alignment: number): number {
  return Math.ceil(value / alignment) * alignment;
}

export function product(values: readonly number[]): number {
  return values.reduce((total, value) => total * value, 1);
}
