/** The immediates that name a tile and tap of a window. */

/** The (dy, dx) of a window load's `tap`. */
export function tapOf(immediate: number): readonly [dy: number, dx: number] {
  return [immediate >> 8, immediate & 0xff];
}

export function tapImmediate(dy: number, dx: number): number {
  return dy * 256 + dx;
}

export interface WindowPlace {
  readonly tile: number;
  readonly dy: number;
  readonly dx: number;
}

/** A window load's `place`. */
export function placeOf(immediate: number): WindowPlace {
  return { tile: immediate >> 16, dy: (immediate >> 8) & 0xff, dx: immediate & 0xff };
}

export function placeImmediate({ tile, dy, dx }: WindowPlace): number {
  return tile * 65_536 + dy * 256 + dx;
}
