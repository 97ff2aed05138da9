/**
 * One Hexagon tensor processor from what tells it apart. What all generations share stands here, each number with its
 * source; cycle counts are those of the generation that was measured best, v75.
 */
import { CROUTON_BYTES, VECTOR_BYTES, WEIGHT_TILE_BYTES } from "../../../protocol/isa/index.ts";
import type { SocDescription } from "../../../protocol/isa/index.ts";
import { FITTED } from "./fitted.ts";
import type { Fitted } from "./fitted.ts";

export interface Chip {
  readonly name: string;
  readonly family: string;
  readonly marketingName: string;
  readonly features: SocDescription["features"];
  readonly vtcmMegabytes: number;
  readonly clockMhz: number;
  readonly callFloorUs: number;
  /** Peak of the memory chips. */
  readonly ddrPeakMbs: number;
  /** int8 multiply-accumulates a cycle of the matrix engine. */
  readonly macsInt8: number;
  /** In fp16, and of int16 by int8, a cycle. */
  readonly macsHalves: number;
  readonly hvxContexts: number;
}

/** One tile product of 32 x 32 channels over 64 positions in int8, over 32 in 16 bits. */
const TILE_MACS = { int8: 65_536, halves: 32_768 } as const;

/** v75: 60 GB/s measured from DDR to VTCM by DMA (arXiv 2509.23324, Table 2), of 68.3 at the memory's peak. */
const DDR_EFFICIENCY = 60 / 68.3;
/** The same measurement at v75's clock, 1.469 GHz: what the DMA's port moves in a cycle. */
const DMA_BYTES_PER_CYCLE = 60_000 / 1_469;

/** `fitted` is another than the stored one only while it is being fitted. */
export function htp(chip: Chip, fitted: Fitted = FITTED): SocDescription {
  const { clockMhz, macsInt8, macsHalves } = chip;
  return {
    name: chip.name,
    family: chip.family,
    marketingName: chip.marketingName,
    features: chip.features,
    vtcmBytes: chip.vtcmMegabytes * 1024 * 1024,
    vtcmBytesPerCycle: vtcmBytesPerCycle(chip),
    clockHz: clockMhz * 1_000_000,
    callFloorUs: chip.callFloorUs,
    dma: {
      // Both share the bandwidth below.
      queues: DMA_QUEUES,
      ddrBytesPerSecond: ddrMegabytesPerSecond(chip) * 1_000_000,
      latencyCycles: Math.round((fitted.dmaLatencyNs * clockMhz) / 1000),
      // A descriptor is 32 bytes (Hexagon user DMA), a part of one line.
      descriptorCycles: 1,
      // An LPDDR5 channel of 16 bits moves 32 beats in one burst (JESD209-5): 64 bytes.
      burstBytes: 64,
      // VTCM serves one 1,024-bit vector a cycle to a requester (vector width: arXiv 2509.23324, 3.1.2).
      vtcmBytesPerCycle: 128,
    },
    hmx: {
      // Published: 1-2 units (arXiv 2509.23324); one, as v75's clock was inferred with one.
      queues: 1,
      tileCyclesInt8: TILE_MACS.int8 / macsInt8,
      tileCyclesFp16: TILE_MACS.halves / macsHalves,
      tileCyclesInt16: TILE_MACS.halves / macsHalves,
      // v75 sustains 42.5 TOPS (AI Hub v0.46.0, Real-ESRGAN x4plus), 88.3 % of its peak, in 3x3 convolutions of 64
      // channels: 18 tile products or 72 cycles an output crouton leave 9.5 beside them.
      startupCycles: 10,
      // 2,048 bytes at one vector a cycle.
      storeCycles: 16,
    },
    hvx: {
      queues: chip.hvxContexts,
      // 4 compute + 1 load + 1 store a packet (Hot Chips 2023, Hexagon NPU slides); of the four pipes two multiply
      // and one permutes (Hexagon V73 HVX Programmer's Reference Manual, resources of a packet).
      packet: { slots: 6, load: 1, store: 1, alu: 4, multiply: 2, permute: 1 },
      packetCyclesPercent: fitted.hvxPacketPercent,
      latencyCycles: fitted.hvxDispatchCycles,
    },
  };
}

/**
 * One 1,024-bit vector a cycle to each requester, context or DMA queue (vector width: arXiv 2509.23324, 3.1.2), and
 * what keeps the matrix engine at its peak: a crouton and a weight tile a tile product.
 */
function vtcmBytesPerCycle({ macsInt8, hvxContexts }: Chip): number {
  const matrix = ((CROUTON_BYTES + WEIGHT_TILE_BYTES) * macsInt8) / TILE_MACS.int8;
  return matrix + VECTOR_BYTES * (hvxContexts + DMA_QUEUES);
}

/** A queue each for what comes in and for what goes out. */
const DMA_QUEUES = 2;

/** Whole numbers, so that bandwidth is shared without rounding. */
function ddrMegabytesPerSecond({ ddrPeakMbs, clockMhz }: Chip): number {
  return Math.floor(Math.min(ddrPeakMbs * DDR_EFFICIENCY, clockMhz * DMA_BYTES_PER_CYCLE));
}
