/**
 * Arrangements: which part of the grid each axis of a tensor counts. An axis is a product of factors, outermost
 * first; splitting, merging and permuting axes only regroups factors, so that most reshapes and transposes move
 * nothing.
 */
import type { Grid } from "./grid.ts";

export interface Factor {
  readonly size: number;
  readonly counts: "pixel" | "channel";
  /** How far one step goes, in pixels (row by row) or channels of the grid. */
  readonly step: number;
}

/** By tensor axis. Axes of size 1 have no factors. */
export type Arrangement = readonly (readonly Factor[])[];

/** Channels second in [N,C,H,W], last in everything else. */
export function channelAxisOf({ length }: readonly number[]): number {
  return length === 4 ? 1 : length - 1;
}

/** Channels on their axis, the usual one unless told otherwise; pixels in the order of the other axes. */
export function canonicalArrangement(
  shape: readonly number[],
  grid: Grid,
  channelAxis = channelAxisOf(shape),
): Arrangement {
  let pixelStep = 1;
  const axes = [...shape].map((): Factor[] => []);
  for (let axis = shape.length - 1; axis >= 0; axis--) {
    const size = shape[axis] ?? 1;
    if (size === 1) continue;
    if (axis === channelAxis) axes[axis] = channelFactors(grid);
    else {
      axes[axis] = [{ size, counts: "pixel", step: pixelStep }];
      pixelStep *= size;
    }
  }
  return axes;
}

function channelFactors(grid: Grid): Factor[] {
  return [{ size: grid.channels, counts: "channel", step: 1 }];
}

export function permuted(arrangement: Arrangement, perm: readonly number[]): Arrangement {
  return perm.map((axis) => arrangement[axis] ?? []);
}

/** Undefined where an axis of the new shape cuts through a factor. */
export function regrouped(
  arrangement: Arrangement,
  shape: readonly number[],
): Arrangement | undefined {
  const open = arrangement.flat();
  const axes: Factor[][] = [];
  for (const size of shape) {
    const taken = takeFactors(open, size);
    if (taken === undefined) return undefined;
    axes.push(merged(taken));
  }
  return axes;
}

/** Takes factors that make up `size` from the front, splitting the last one where it is a multiple. */
function takeFactors(open: Factor[], size: number): Factor[] | undefined {
  const taken: Factor[] = [];
  let rest = size;
  while (rest > 1) {
    const next = open.shift();
    if (next === undefined) return undefined;
    if (rest % next.size === 0) {
      taken.push(next);
      rest /= next.size;
    } else if (next.size % rest === 0) {
      const inner = next.size / rest;
      taken.push({ ...next, size: rest, step: next.step * inner });
      open.unshift({ ...next, size: inner });
      rest = 1;
    } else return undefined;
  }
  return taken;
}

function merged(factors: readonly Factor[]): Factor[] {
  const result: Factor[] = [];
  for (const factor of factors) {
    const last = result.at(-1);
    if (last?.counts === factor.counts && last.step === factor.size * factor.step) {
      result[result.length - 1] = { ...factor, size: last.size * factor.size };
    } else result.push(factor);
  }
  return result;
}

export function sameArrangement(a: Arrangement, b: Arrangement): boolean {
  return JSON.stringify(a) === JSON.stringify(b);
}

/** Whether all channels of the grid are the one and only meaning of the axis. */
export function countsAllChannels(arrangement: Arrangement, axis: number, grid: Grid): boolean {
  const [factor, ...more] = arrangement[axis] ?? [];
  if (grid.channels === 1) return factor === undefined;
  return more.length === 0 && factor?.counts === "channel" && factor.size === grid.channels;
}

/** The step of an axis that counts one thing; undefined for a mixed one. */
export function onlyFactor(arrangement: Arrangement, axis: number): Factor | undefined {
  const factors = arrangement[axis] ?? [];
  return factors.length === 1 ? factors[0] : undefined;
}

/** Which grid position, in pixels or channels, the indices of an axis stand for. */
export function positionsOf(factors: readonly Factor[], counts: Factor["counts"]): number[] {
  let positions = [0];
  for (const { size, step, counts: what } of factors) {
    const stride = what === counts ? step : 0;
    positions = positions.flatMap((at) => Array.from({ length: size }, (_, i) => at + i * stride));
  }
  return positions;
}
