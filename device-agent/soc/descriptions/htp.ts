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
  /** What it sustains in products, of v75's 100. */
  readonly speedPercent: number;
  /** Products a cycle of its matrix engine, of v75's. */
  readonly matrixSpeed: number;
  readonly callFloorUs: number;
  /** Peak of the memory chips. */
  readonly ddrPeakMbs: number;
  readonly hvxContexts: number;
}

/**
 * Cycles of v75's matrix engine for one tile product, 32 x 32 channels over 64 positions in int8 and over 32 in 16
 * bits: 4,096 fp16 multiply-accumulates a cycle (so arXiv 2509.23324 counts them), and of int8 four times as many, the
 * next power of two above what Real-ESRGAN sustains (42.5 TOPS, AI Hub v0.46.0).
 */
const TILE_CYCLES = { int8: 4, halves: 8 } as const;

/**
 * v75's clock follows from 12,032.54 GFLOP/s measured in products of 1,024 x 1,024 fp16 matrices in VTCM (arXiv
 * 2509.23324, Table 2): 1,469 MHz if nothing but products took cycles. An output crouton there takes 32 tile products
 * of eight cycles, and four cycles to clear, load and hand on an accumulator set.
 */
const V75_MHZ = (1_469 * (32 * TILE_CYCLES.halves + 4)) / (32 * TILE_CYCLES.halves);

function clockMhzOf({ speedPercent, matrixSpeed }: Chip): number {
  return Math.round((V75_MHZ * speedPercent) / 100 / matrixSpeed);
}

/** v75: 60 GB/s measured from DDR to VTCM by DMA (arXiv 2509.23324, Table 2), of 68.3 at the memory's peak. */
const DDR_EFFICIENCY = 60 / 68.3;
const DMA_V75_MBS = 60_000;

/** `fitted` is another than the stored one only while it is being fitted. */
export function htp(chip: Chip, fitted: Fitted = FITTED): SocDescription {
  const clockMhz = clockMhzOf(chip);
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
      tileCyclesInt8: TILE_CYCLES.int8 / chip.matrixSpeed,
      tileCyclesFp16: TILE_CYCLES.halves / chip.matrixSpeed,
      tileCyclesInt16: TILE_CYCLES.halves / chip.matrixSpeed,
      // Products stream from one instruction to the next: none is seen in the measurement that gives the clock.
      startupCycles: 0,
      storeCycles: fitted.hmxStoreCycles,
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
function vtcmBytesPerCycle({ matrixSpeed, hvxContexts }: Chip): number {
  const matrix = ((CROUTON_BYTES + WEIGHT_TILE_BYTES) / TILE_CYCLES.int8) * matrixSpeed;
  return matrix + VECTOR_BYTES * (hvxContexts + DMA_QUEUES);
}

/** A queue each for what comes in and for what goes out. */
const DMA_QUEUES = 2;

/**
 * What the memory gives, or the DMA's port takes: as many bytes a cycle as v75's. Whole numbers, so that bandwidth is
 * shared without rounding.
 */
function ddrMegabytesPerSecond({ ddrPeakMbs, speedPercent, matrixSpeed }: Chip): number {
  const port = (DMA_V75_MBS * speedPercent) / 100 / matrixSpeed;
  return Math.floor(Math.min(ddrPeakMbs * DDR_EFFICIENCY, port));
}
