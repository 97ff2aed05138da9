/**
 * What a listing takes at the least if its layers run one after another, each as fast as its busiest
 * resource: DDR bytes at full bandwidth, tile products, and vector runs spread over all contexts.
 */
import { hvxCycles, VTCM_REGION } from "../../protocol/isa/index.ts";
import type { SocDescription } from "../../protocol/isa/index.ts";
import type { Draft, Listing } from "./listing.ts";

export interface LayerBound {
  /** Index into the program's origins. */
  readonly origin: number;
  readonly ddrBytes: number;
  /** Cycles that each resource is busy. */
  readonly ddrCycles: number;
  readonly hmxCycles: number;
  readonly hvxCycles: number;
}

export interface Roofline {
  readonly layers: readonly LayerBound[];
  /** Sum of the layers' longest resources, in cycles, without the call floor. */
  readonly cycles: number;
  /** With the call floor. */
  readonly microseconds: number;
}

export function layerRoofline(listing: Listing, soc: SocDescription): Roofline {
  const totals = new Map<number, { ddrBytes: number; hmx: number; hvx: number }>();
  for (const { draft } of listing.sequence) {
    const total = totals.get(draft.origin) ?? { ddrBytes: 0, hmx: 0, hvx: 0 };
    totals.set(draft.origin, total);
    addWork(total, draft, soc);
  }
  const ddrBytesPerCycle = soc.dma.ddrBytesPerSecond / soc.clockHz;
  const layers = [...totals].map(([origin, { ddrBytes, hmx, hvx }]): LayerBound => {
    const ddrCycles = ddrBytes / ddrBytesPerCycle;
    return { origin, ddrBytes, ddrCycles, hmxCycles: hmx, hvxCycles: hvx / soc.hvx.queues };
  });
  const cycles = layers.reduce((sum, layer) => sum + longest(layer), 0);
  return { layers, cycles, microseconds: (cycles / soc.clockHz) * 1e6 + soc.callFloorUs };
}

function longest(layer: LayerBound): number {
  return Math.max(layer.ddrCycles, layer.hmxCycles, layer.hvxCycles);
}

function addWork(
  total: { ddrBytes: number; hmx: number; hvx: number },
  draft: Draft,
  soc: SocDescription,
): void {
  if (draft.op === "dma.copy") {
    const ends = [draft.source, draft.destination];
    const outside = ends.filter(({ region }) => region !== VTCM_REGION).length;
    total.ddrBytes += outside * draft.bytes * draft.rows * draft.planes;
  } else if (draft.op === "hmx.mac") {
    total.hmx += draft.tapCount * draft.tileCount * soc.hmx.tileCyclesInt8;
  } else if (draft.op === "hvx.run") {
    total.hvx += hvxCycles(draft, soc);
  }
}
