/** Spans of memory, and those that a window of activations reads. */
import { CROUTON_BYTES, VTCM_REGION } from "./table.ts";
import type { Address, Window } from "./table.ts";

/** A run of bytes; whole croutons where access goes through a pointer table. */
export interface Span {
  readonly region: number;
  readonly offset: number;
  readonly bytes: number;
}

export interface Accesses {
  readonly reads: readonly Span[];
  readonly writes: readonly Span[];
}

/** The u32 at a VTCM offset inside the program's declared pointer tables; undefined outside them. */
export type ReadPointer = (vtcmOffset: number) => number | undefined;

export function span(address: Address, bytes: number): Span {
  return { region: address.region, offset: address.offset, bytes };
}

/** Whether the spans share a byte. */
export function spansMeet(a: Span, b: Span): boolean {
  if (a.region !== b.region) return false;
  return a.offset < b.offset + b.bytes && b.offset < a.offset + a.bytes;
}

/** A span under construction. */
export type OpenSpan = { -readonly [Field in keyof Span]: Span[Field] };

/** Adds a run of bytes, to the last span where it continues it. */
export function appendRun(
  spans: OpenSpan[],
  base: Address,
  run: Pick<Span, "offset" | "bytes">,
): void {
  const last = spans.at(-1);
  if (last?.region === base.region && last.offset + last.bytes === run.offset) {
    last.bytes += run.bytes;
  } else spans.push({ region: base.region, offset: run.offset, bytes: run.bytes });
}

/** Pixel offsets from the window's origin, both ends included. */
export interface WindowArea {
  readonly yFirst: number;
  readonly yLast: number;
  readonly xFirst: number;
  readonly xLast: number;
}

export interface WindowRead {
  readonly window: Window;
  /** Bits of an element: croutons of 16-bit elements are four columns wide. */
  readonly pixelBits: 8 | 16;
  readonly tile: number;
  readonly area: WindowArea;
  readonly pointer: ReadPointer;
}

/** False when the window leaves the pointer tables or names a negative pixel. */
export function appendWindow(reads: Span[], read: WindowRead): boolean {
  const { window, area } = read;
  const yFirst = window.originY + area.yFirst;
  const xFirst = window.originX + area.xFirst;
  if (yFirst < 0 || xFirst < 0) return false;
  const shift = read.pixelBits === 8 ? 3 : 2;
  const columnFirst = xFirst >> shift;
  const columnLast = (window.originX + area.xLast) >> shift;
  for (let row = yFirst >> 3; row <= (window.originY + area.yLast) >> 3; row++) {
    const entry = read.tile * window.tilePitch + row * window.rowPitch + columnFirst;
    const at = window.table.offset + 4 * entry;
    reads.push({
      region: window.table.region,
      offset: at,
      bytes: 4 * (columnLast - columnFirst + 1),
    });
    for (let column = columnFirst; column <= columnLast; column++) {
      const offset = read.pointer(at + 4 * (column - columnFirst));
      if (offset === undefined) return false;
      reads.push({ region: VTCM_REGION, offset, bytes: CROUTON_BYTES });
    }
  }
  return true;
}
