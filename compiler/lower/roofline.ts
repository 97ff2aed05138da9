/**
 * What a listing takes at the least if its layers run one after another, each as fast as its busiest resource: DDR
 * bytes at full bandwidth, tile products, and vector runs spread over all contexts, none of them split. Activations
 * that come from DDR are on their way for a latency before the first work, and results that go there behind the last.
 */
import { hvxCycles, isProduct, productCycles, VTCM_REGION } from "../../protocol/isa/index.ts";
import type { Address, SocDescription } from "../../protocol/isa/index.ts";
import type { Draft, Listing } from "./listing.ts";
import { WEIGHTS_REGION } from "./network.ts";

export interface LayerBound {
  /** Index into the program's origins. */
  readonly origin: number;
  readonly ddrBytes: number;
  /** Cycles that each resource is busy. */
  readonly ddrCycles: number;
  readonly hmxCycles: number;
  readonly hvxCycles: number;
  /** Beyond their transfers, of the first arrival and the last departure: engines have no work of the layer then. */
  readonly latencyCycles: number;
}

export interface Roofline {
  readonly layers: readonly LayerBound[];
  /** Sum of the layers' longest resources, in cycles, without the call floor. */
  readonly cycles: number;
  /** With the call floor. */
  readonly microseconds: number;
}

export function layerRoofline(listing: Listing, soc: SocDescription): Roofline {
  const totals = new Map<number, Total>();
  for (const { draft } of listing.sequence) {
    const total = totals.get(draft.origin) ?? {
      ddrBytes: 0,
      hmx: 0,
      hvx: 0,
      longestRun: 0,
      ways: new Set(),
    };
    totals.set(draft.origin, total);
    addWork(total, draft, soc);
  }
  const ddrBytesPerCycle = soc.dma.ddrBytesPerSecond / soc.clockHz;
  const layers = [...totals].map(
    ([origin, { ddrBytes, hmx, hvx, longestRun, ways }]): LayerBound => ({
      origin,
      ddrBytes,
      ddrCycles: ddrBytes / ddrBytesPerCycle,
      hmxCycles: hmx,
      hvxCycles: Math.max(hvx / soc.hvx.queues, longestRun),
      latencyCycles: ways.size * soc.dma.latencyCycles,
    }),
  );
  const cycles = layers.reduce((sum, layer) => sum + longest(layer), 0);
  return { layers, cycles, microseconds: (cycles / soc.clockHz) * 1e6 + soc.callFloorUs };
}

function longest(layer: LayerBound): number {
  const workCycles = Math.max(layer.hmxCycles, layer.hvxCycles);
  return Math.max(layer.ddrCycles, layer.latencyCycles + workCycles);
}

interface Total {
  ddrBytes: number;
  hmx: number;
  hvx: number;
  longestRun: number;
  /** Which ways activations go; constants may arrive while the layer before is at work. */
  readonly ways: Set<"in" | "out">;
}

function addWork(total: Total, draft: Draft, soc: SocDescription): void {
  if (draft.op === "dma.copy") {
    const ends = [draft.source, draft.destination];
    const outside = ends.filter(({ region }) => region !== VTCM_REGION).length;
    total.ddrBytes += outside * draft.bytes * draft.rows * draft.planes;
    if (isActivations(draft.source)) total.ways.add("in");
    if (isActivations(draft.destination)) total.ways.add("out");
  } else if (isProduct(draft)) {
    total.hmx += productCycles(draft, soc);
  } else if (draft.op === "hvx.run" || draft.op === "hvx.run16" || draft.op === "hvx.pack") {
    const cycles = hvxCycles(draft, soc);
    total.hvx += cycles;
    total.longestRun = Math.max(total.longestRun, cycles);
  }
}

function isActivations({ region }: Address): boolean {
  return region !== VTCM_REGION && region !== WEIGHTS_REGION;
}
