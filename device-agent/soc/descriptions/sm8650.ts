/** Snapdragon 8 Gen 3, HTP v75. */
import type { SocDescription } from "../../../protocol/isa/index.ts";

export const SM8650: SocDescription = {
  name: "sm8650",
  family: "v75",
  marketingName: "Snapdragon 8 Gen 3",
  features: ["fp16", "fp16_functions"],
  // Published: 8 MB; executorch backends/qualcomm/serialization/qc_schema.py.
  vtcmBytes: 8 * 1024 * 1024,
  // Inferred: 12,032.54 GFLOP/s measured in fp16 GEMM (arXiv 2509.23324, Table 2) at 4,096 fp16 MAC a cycle.
  clockHz: 1_469_000_000,
  // Measured: Galaxy S24, smallest model of AI Hub v0.47.0 (CannedGestureClassifier).
  callFloorUs: 61,
  dma: {
    // Assumed: one queue for what comes in, one for what goes out.
    queues: 2,
    // Measured: DDR -> TCM by DMA, 60 GB/s on v75 (arXiv 2509.23324, Table 2).
    ddrBytesPerSecond: 60_000_000_000,
    // Assumed: 0.5 µs from the last request to the data, usual for LPDDR5X behind a system cache.
    latencyCycles: 735,
    // Assumed: one fetch of a 32-byte descriptor that lies near.
    descriptorCycles: 24,
    // An LPDDR5 channel of 16 bits moves 32 beats in one burst (JESD209-5): 64 bytes.
    burstBytes: 64,
    // Derived: VTCM serves one 1,024-bit vector a cycle to a requester (vector width: arXiv 2509.23324, 3.1.2).
    vtcmBytesPerCycle: 128,
  },
  hmx: {
    // Published: 1-2 units (arXiv 2509.23324); one, as the clock above was inferred with one.
    queues: 1,
    // Derived: 42.5 TOPS int8 sustained (AI Hub v0.46.0, Real-ESRGAN x4plus, 13.828 ms) is 14,465 MAC a cycle
    // at this clock; the next power of two is 16,384, and 65,536 / 16,384 = 4.
    tileCyclesInt8: 4,
    tileCyclesFp16: 8,
    tileCyclesInt16: 4,
    // Derived from the same model: most of its work are 3x3 convolutions of 64 channels, 18 tile products or
    // 72 cycles an output crouton; sustained / peak = 88.3 % leaves 9.5 cycles beside them.
    startupCycles: 10,
    // Derived: 2,048 bytes at one vector a cycle.
    storeCycles: 16,
  },
  hvx: {
    // Published: 4-6 units (arXiv 2509.23324); 4 contexts assumed by MetaSchedule (apache/tvm target_tags.py).
    queues: 4,
    packet: {
      // Published: 4 compute + 1 load + 1 store (Hot Chips 2023, Hexagon NPU slides).
      slots: 6,
      load: 1,
      store: 1,
      alu: 4,
      // Derived: 512 int8 vector MAC a cycle and core (quic/cloud-ai-sdk-pages, Architecture) over 4 contexts are
      // 128 lanes a packet, which multiply_add_i8 counts as 2.
      multiply: 2,
      // Assumed: one cross-lane unit.
      permute: 1,
    },
    // Assumed: scalar set-up of the loop and one pass through the pipeline.
    latencyCycles: 40,
    packetCyclesPercent: 100,
  },
};
