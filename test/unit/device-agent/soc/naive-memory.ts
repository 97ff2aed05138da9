/** Bytes and words of the naive chip's regions. */
import type { Address, Window } from "../../../../protocol/isa/index.ts";

export type Regions = readonly Uint8Array[];

export function byteAt(regions: Regions, address: Address, offset: number): number {
  return (regions[address.region]![address.offset + offset]! << 24) >> 24;
}

export function setByte(
  regions: Regions,
  address: Address,
  at: { offset: number; value: number },
): void {
  regions[address.region]![address.offset + at.offset] = at.value & 255;
}

/** The 16-bit element `index` from the address on, as an unsigned number. */
export function readHalf(regions: Regions, address: Address, index: number): number {
  const low = byteAt(regions, address, index * 2) & 255;
  return low + (byteAt(regions, address, index * 2 + 1) & 255) * 256;
}

export function writeHalf(
  regions: Regions,
  address: Address,
  at: { index: number; value: number },
): void {
  setByte(regions, address, { offset: at.index * 2, value: at.value & 255 });
  setByte(regions, address, { offset: at.index * 2 + 1, value: (at.value >> 8) & 255 });
}

export function readWord(regions: Regions, address: Address, index: number): number {
  const bytes = regions[address.region]!;
  const view = new DataView(bytes.buffer, bytes.byteOffset);
  return view.getInt32(address.offset + index * 4, true);
}

export function readLong(regions: Regions, address: Address, index: number): bigint {
  const bytes = regions[address.region]!;
  const view = new DataView(bytes.buffer, bytes.byteOffset);
  return view.getBigInt64(address.offset + index * 8, true);
}

export function writeWord(
  regions: Regions,
  address: Address,
  at: { index: number; value: number },
): void {
  const bytes = regions[address.region]!;
  const view = new DataView(bytes.buffer, bytes.byteOffset);
  view.setInt32(address.offset + at.index * 4, at.value, true);
}

export interface Pixel {
  readonly y: number;
  readonly x: number;
  readonly tile: number;
  readonly channel: number;
}

/** The int8 of a pixel's channel. */
export function pixel(regions: Regions, window: Window, at: Pixel): number {
  const crouton = { region: 0, offset: pointer(regions, window, { at, columns: 8 }) };
  return byteAt(regions, crouton, ((at.y % 8) * 8 + (at.x % 8)) * 32 + at.channel);
}

/** The 16 bits of a pixel's channel. */
export function pixel16(regions: Regions, window: Window, at: Pixel): number {
  const crouton = { region: 0, offset: pointer(regions, window, { at, columns: 4 }) };
  const vector = (at.y % 8) * 2 + Math.floor((at.x % 4) / 2);
  return readHalf(regions, crouton, vector * 64 + at.channel * 2 + (at.x % 2));
}

function pointer(
  regions: Regions,
  window: Window,
  { at, columns }: { readonly at: Pixel; readonly columns: number },
): number {
  const row = Math.floor(at.y / 8) * window.rowPitch;
  const entry = at.tile * window.tilePitch + row + Math.floor(at.x / columns);
  return readWord(regions, window.table, entry) >>> 0;
}

export function roundHalfEven(value: number): number {
  const floor = Math.floor(value);
  const rest = value - floor;
  if (rest !== 0.5) return rest < 0.5 ? floor : floor + 1;
  return floor % 2 === 0 ? floor : floor + 1;
}

export function clamp(value: number, low: number, high: number): number {
  return Math.min(Math.max(value, low), high);
}

export const toInt32 = (value: number): number =>
  Number.isNaN(value) ? 0 : clamp(roundHalfEven(value), -(2 ** 31), 2 ** 31 - 1);
