/** Snapdragon 888, HTP v68. */
import type { SocDescription } from "../../../protocol/isa/index.ts";

export const SM8350: SocDescription = {
  name: "sm8350",
  family: "v68",
  marketingName: "Snapdragon 888",
  features: [],
  // Published: 4 MB; executorch qc_schema.py, apache/tvm target_tags.py.
  vtcmBytes: 4 * 1024 * 1024,
  // Derived: Cloud AI 100 Pro, the same generation, does 375 TOPS int8 with 16 cores of 8,192 MAC a cycle
  // (quic/cloud-ai-sdk-pages, Architecture): 375e12 / 2 / 16 / 8,192.
  clockHz: 1_430_000_000,
  // Assumed: geometric mean of its neighbours, 101 µs measured on 8450 (AI Hub v0.47.0) and the 480 µs of the
  // small v68 (QCM6490).
  callFloorUs: 220,
  dma: {
    // Assumed: one queue for what comes in, one for what goes out.
    queues: 2,
    // Derived: LPDDR5-6400 4x16 = 51.2 GB/s (published) at the efficiency measured on v75: 60 / 68.3 = 87.8 %.
    ddrBytesPerSecond: 45_000_000_000,
    // Assumed: 0.5 µs from the last request to the data.
    latencyCycles: 715,
    // Assumed: one fetch of a 32-byte descriptor that lies near.
    descriptorCycles: 24,
    // An LPDDR5 channel of 16 bits moves 32 beats in one burst (JESD209-5): 64 bytes.
    burstBytes: 64,
    // Derived: one 1,024-bit vector a cycle (vector width: arXiv 2509.23324, 3.1.2).
    vtcmBytesPerCycle: 128,
  },
  hmx: {
    // Published: 1-2 units (arXiv 2509.23324).
    queues: 1,
    // Published for the same generation: 8,192 int8 MAC a cycle (Cloud AI 100 core); 65,536 / 8,192 = 8.
    tileCyclesInt8: 8,
    tileCyclesFp16: 8,
    tileCyclesInt16: 8,
    // As derived for v75.
    startupCycles: 10,
    // Derived: 2,048 bytes at one vector a cycle.
    storeCycles: 16,
  },
  hvx: {
    // Published: 4 contexts (apache/tvm target_tags.py).
    queues: 4,
    packet: {
      // Published: 4 compute + 1 load + 1 store (Hot Chips 2023, Hexagon NPU slides).
      slots: 6,
      load: 1,
      store: 1,
      alu: 4,
      // Published: 512 int8 vector MAC a cycle and core (Cloud AI 100), over 4 contexts: 128 lanes a packet.
      multiply: 2,
      // Assumed: one cross-lane unit.
      permute: 1,
    },
    // Assumed: scalar set-up of the loop and one pass through the pipeline.
    latencyCycles: 40,
    packetCyclesPercent: 100,
  },
};
