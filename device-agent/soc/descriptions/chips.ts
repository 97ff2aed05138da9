/**
 * The real chips, oldest architecture first. VTCM sizes: executorch qc_schema.py and apache/tvm target_tags.py; memory
 * peaks: published SoC tables; call floors: the smallest model of AI Hub v0.47.0 (CannedGestureClassifier).
 *
 * `speedPercent` compares what a chip sustains with v75, all in one network and one version of one runtime: Real-ESRGAN
 * x4plus on the TFLite path (AI Hub, quic/ai-hub-models, real_esrgan_x4plus/perf.yaml, QAIRT 2.41.0), the geometric
 * mean of its w8a8 and float rows. v75 takes 14.328 and 49.001 ms. Work a cycle being equal, that is the ratio of the
 * clocks, at which vector units, matrix engine and the DMA's port are taken to run alike.
 *
 * Contexts: 4 up to v73 (apache/tvm, MetaSchedule; 4 vector of 6 scalar threads in X Elite, which is v73) and 8 on
 * v81 (8 of 12 in Hexagon NPU 6; both semiaccurate.com, Snapdragon X2 Elite SoC details, November 2025). In between,
 * arXiv 2509.23324 (3.1.2) gives 4 to 6 for v73 to v79: v73 has its four, v79 its six, and v75 five.
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
    // Published: 12 TOPS int8 (product brief), 366 MHz of equal work; what it sustains is bound by its small VTCM.
    speedPercent: 24.5,
    // The owner's figure for the small v68.
    callFloorUs: 480,
    // Published: LPDDR5-6400 2x16 (product brief).
    ddrPeakMbs: 25_600,
    matrixSpeed: 1,
    hvxContexts: 4,
  },
  {
    name: "sm8350",
    family: "v68",
    marketingName: "Snapdragon 888",
    features: [],
    vtcmMegabytes: 4,
    // No row of its own. Published: 26 TOPS of its AI engine against 27 of SM8450's, so 26/27 of the latter's.
    speedPercent: 37.5,
    // As much above its successor's 101 µs as those are above SM8550's 69.
    callFloorUs: 148,
    ddrPeakMbs: 51_200,
    matrixSpeed: 1,
    hvxContexts: 4,
  },
  {
    name: "sm8450",
    family: "v69",
    marketingName: "Snapdragon 8 Gen 1",
    // Products, but no elementary functions.
    features: ["fp16"],
    vtcmMegabytes: 8,
    // 38.263 and 121.416 ms (QCS8450).
    speedPercent: 38.9,
    callFloorUs: 101,
    ddrPeakMbs: 51_200,
    matrixSpeed: 1,
    hvxContexts: 4,
  },
  {
    name: "sm8550",
    family: "v73",
    marketingName: "Snapdragon 8 Gen 2",
    features: HALVES,
    vtcmMegabytes: 8,
    // 18.649 and 66.756 ms (QCS8550).
    speedPercent: 75.1,
    callFloorUs: 69,
    ddrPeakMbs: 68_300,
    matrixSpeed: 1,
    hvxContexts: 4,
  },
  {
    name: "sm8650",
    family: "v75",
    marketingName: "Snapdragon 8 Gen 3",
    features: HALVES,
    vtcmMegabytes: 8,
    speedPercent: 100,
    callFloorUs: 61,
    ddrPeakMbs: 68_300,
    matrixSpeed: 1,
    hvxContexts: 5,
  },
  {
    name: "sm8750",
    family: "v79",
    marketingName: "Snapdragon 8 Elite",
    features: HALVES,
    vtcmMegabytes: 8,
    // 11.844 and 38.135 ms (Galaxy S25).
    speedPercent: 124.7,
    callFloorUs: 54,
    ddrPeakMbs: 76_800,
    matrixSpeed: 1,
    hvxContexts: 6,
  },
  {
    name: "sm8850",
    family: "v81",
    marketingName: "Snapdragon 8 Elite Gen 5",
    features: HALVES,
    vtcmMegabytes: 8,
    // 7.465 and 29.872 ms (8 Elite Gen 5 QRD).
    speedPercent: 177.4,
    callFloorUs: 50,
    ddrPeakMbs: 85_300,
    // Published of Hexagon NPU 6 against X Elite's (ibid.): twice the vector threads are 143 % faster, so the clock 21 %;
    // the matrix engine 78 % (80 TOPS of 45), so 46 % a cycle: in whole cycles of a tile product, three for four.
    matrixSpeed: 4 / 3,
    hvxContexts: 8,
  },
];
