/**
 * The real chips, oldest architecture first. VTCM sizes: executorch qc_schema.py and apache/tvm target_tags.py; memory
 * peaks: published SoC tables; call floors: the smallest model of AI Hub v0.47.0 (CannedGestureClassifier).
 *
 * Clocks of v73 and later come from int8 throughput sustained in one model, Real-ESRGAN x4plus (AI Hub v0.46.0 and
 * v0.47.0), against v75's 42.5 TOPS at 1.469 GHz with equal work a cycle. Contexts: arXiv 2509.23324
 * (3.1.2) gives 4-6 for the three generations that it measures, so v73 has four, as compilers of its time assume
 * (apache/tvm, MetaSchedule), v75 five, and v79 and later six.
 */
import type { Chip } from "./htp.ts";

const HALVES = ["fp16", "fp16_functions"] as const;

export const CHIPS: readonly Chip[] = [
  {
    name: "qcm6490",
    family: "v68",
    marketingName: "QCM6490",
    features: [],
    vtcmMegabytes: 2,
    // Published: 12 TOPS int8 (product brief); 12e12 / 2 / 8,192 = 732 MHz.
    clockMhz: 732,
    callFloorUs: 480,
    // Published: LPDDR5-6400 2x16 (product brief).
    ddrPeakMbs: 25_600,
    // Published for the same generation: 8,192 int8 MAC a cycle (Cloud AI 100 core).
    macsInt8: 8_192,
    macsHalves: 4_096,
    hvxContexts: 4,
  },
  {
    name: "sm8350",
    family: "v68",
    marketingName: "Snapdragon 888",
    features: [],
    vtcmMegabytes: 4,
    // v69's clock, half its matrix engine: published as half as fast.
    clockMhz: 824,
    // Geometric mean of its neighbours, 101 µs (SM8450) and 480 µs (QCM6490).
    callFloorUs: 220,
    ddrPeakMbs: 51_200,
    macsInt8: 8_192,
    macsHalves: 4_096,
    hvxContexts: 4,
  },
  {
    name: "sm8450",
    family: "v69",
    marketingName: "Snapdragon 8 Gen 1",
    // Products, but no elementary functions.
    features: ["fp16"],
    vtcmMegabytes: 8,
    // Published: 27 TOPS; a matrix engine twice as fast as v68's: 27e12 / 2 / 16,384 = 824 MHz.
    clockMhz: 824,
    callFloorUs: 101,
    ddrPeakMbs: 51_200,
    macsInt8: 16_384,
    macsHalves: 4_096,
    hvxContexts: 4,
  },
  {
    name: "sm8550",
    family: "v73",
    marketingName: "Snapdragon 8 Gen 2",
    features: HALVES,
    vtcmMegabytes: 8,
    // 31.5 TOPS sustained: 1,469 * 31.5 / 42.5.
    clockMhz: 1_089,
    callFloorUs: 69,
    ddrPeakMbs: 68_300,
    macsInt8: 16_384,
    macsHalves: 4_096,
    hvxContexts: 4,
  },
  {
    name: "sm8650",
    family: "v75",
    marketingName: "Snapdragon 8 Gen 3",
    features: HALVES,
    vtcmMegabytes: 8,
    // 12,032.54 GFLOP/s measured in fp16 GEMM (arXiv 2509.23324, Table 2) at 4,096 fp16 MAC a cycle.
    clockMhz: 1_469,
    callFloorUs: 61,
    ddrPeakMbs: 68_300,
    // 42.5 TOPS sustained are 14,465 int8 MAC a cycle at this clock; the next power of two.
    macsInt8: 16_384,
    macsHalves: 4_096,
    hvxContexts: 5,
  },
  {
    name: "sm8750",
    family: "v79",
    marketingName: "Snapdragon 8 Elite",
    features: HALVES,
    vtcmMegabytes: 8,
    // 46.3 TOPS sustained: 1,469 * 46.3 / 42.5.
    clockMhz: 1_600,
    // The floor is work of the clock: 61 * 1,469 / 1,600.
    callFloorUs: 56,
    ddrPeakMbs: 76_800,
    macsInt8: 16_384,
    macsHalves: 4_096,
    hvxContexts: 6,
  },
  {
    name: "sm8850",
    family: "v81",
    marketingName: "Snapdragon 8 Elite Gen 5",
    features: HALVES,
    vtcmMegabytes: 8,
    // 64.2 TOPS sustained: 1,469 * 64.2 / 42.5.
    clockMhz: 2_219,
    // As v79: the rest of the way is not the accelerator's.
    callFloorUs: 56,
    ddrPeakMbs: 85_300,
    macsInt8: 16_384,
    macsHalves: 4_096,
    hvxContexts: 6,
  },
];
