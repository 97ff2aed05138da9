/** What a case of the ops table looks like, and the tensors that several of them share. */
import { tensorOf } from "../../../../compiler/ir/index.ts";
import type { Attribute, DType, Tensor } from "../../../../compiler/ir/index.ts";

export interface Case {
  readonly op: string;
  readonly inputs: readonly (Tensor | undefined)[];
  readonly attributes?: Readonly<Record<string, Attribute>>;
  readonly shape: readonly number[];
  readonly values: readonly (number | string)[];
}

export function f32(shape: readonly number[], values: readonly number[]): Tensor {
  return tensorOf({ dtype: "f32", shape }, values);
}

export function of(dtype: DType, shape: readonly number[], values: readonly number[]): Tensor {
  return tensorOf({ dtype, shape }, values);
}

export const IMAGE = f32([1, 1, 3, 3], [1, 2, 3, 4, 5, 6, 7, 8, 9]);
export const SQUARE = f32([1, 1, 2, 2], [1, 2, 3, 4]);
export const ROW = f32([4], [-2, -0.5, 0, 3]);
