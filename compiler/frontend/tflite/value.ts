/** Values while a model is imported: known ones, and computed ones in one or both layouts. */
import type { Tensor, TensorType } from "../../ir/index.ts";

/**
 * The model's images are [batch, height, width, channels] ("rows"), the ir's are [batch, channels,
 * height, width] ("planes"). A value is kept in the layout it was written in; the other one is made
 * where a reader needs it. Type and constant are in the model's order of axes.
 */
export interface Value {
  readonly type: TensorType;
  readonly name: string;
  readonly constant: Tensor | undefined;
  /** The variable that a handle names; a handle has no elements. */
  readonly resource?: string;
  /** Weights lie as the ir's row wants them, whatever the layout of the images. */
  readonly fixed?: boolean;
  /** Names of the graph values that hold it. */
  readonly held: { rows?: string; planes?: string };
}

export type Layout = "rows" | "planes";

/** perm of transpose from rows to planes and back. */
export const TO_PLANES = [0, 3, 1, 2] as const;
export const TO_ROWS = [0, 2, 3, 1] as const;

/** Where an axis of rows lies in planes. */
const PLANE_AXES = [0, 2, 3, 1] as const;

export function planeAxis(axis: number): number {
  return PLANE_AXES[axis] ?? axis;
}

/** A list with one entry an axis, from the order of rows to that of planes. */
export function planeOrder<Entry>(entries: readonly Entry[]): readonly Entry[] {
  return TO_PLANES.flatMap((axis) => entries.slice(axis, axis + 1));
}

export function planeShape(shape: readonly number[]): readonly number[] {
  return planeOrder(shape);
}

/** Whether the value has another order of axes in planes than in rows. */
export function isLaidOut({ type, fixed }: Value): boolean {
  return fixed !== true && type.shape.length === 4;
}
