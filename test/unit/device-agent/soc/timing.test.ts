/** The event simulation against hand-counted cycles and against a simulation that steps cycle by cycle. */
import { describe, expect, test } from "@jest/globals";
import fc from "fast-check";
import { seededRandom } from "../../../../protocol/base/random.ts";
import { unwrap } from "../../../../protocol/base/result.ts";
import type { SocDescription, Stream } from "../../../../protocol/isa/index.ts";
import { criticalPath, simulateTiming } from "../../../../device-agent/soc/index.ts";
import type { StallCause, StallCycles, Timing } from "../../../../device-agent/soc/index.ts";
import type { HtpSegment } from "../../../../protocol/program/index.ts";
import { naiveEnds } from "./naive-timing.ts";
import { programOf, SM8650, streamsOf } from "./programs.ts";
import { copy, mac, randomStreams, store } from "./random-streams.ts";

/** Round numbers: 1 GHz, 32 bytes of DDR a cycle. */
const SOC: SocDescription = {
  ...SM8650,
  clockHz: 1_000_000_000,
  dma: {
    ...SM8650.dma,
    ddrBytesPerSecond: 32_000_000_000,
    latencyCycles: 100,
    descriptorCycles: 10,
    burstBytes: 64,
    vtcmBytesPerCycle: 128,
  },
  hmx: { ...SM8650.hmx, startupCycles: 10, storeCycles: 16 },
};

function segmentOf(streams: readonly Stream[]): HtpSegment {
  const segment = programOf({ streams }).segments[0]!;
  if (segment.kind !== "htp") throw new Error("an HTP segment");
  return segment;
}

function timingOf(streams: readonly Stream[], soc = SOC): Timing {
  return unwrap(simulateTiming(segmentOf(streams), soc));
}

const cyclesOf = (text: string): number => timingOf(streamsOf(text)).cycles;

describe("DMA", () => {
  test.each([
    ["descriptor + 3,200 bytes at 32 a cycle + latency", copy("dma0", {}), 10 + 100 + 100],
    [
      "latency is hidden behind the next transfer",
      copy("dma0", {}) + copy("dma0", {}),
      10 + 100 + 10 + 100 + 100,
    ],
    ["two queues share the bandwidth", copy("dma0", {}) + copy("dma1", {}), 10 + 200 + 100],
    [
      "what is left of the longer one runs alone",
      copy("dma0", { bytes: 6400 }) + copy("dma1", {}),
      10 + 200 + 100 + 100,
    ],
    [
      "within VTCM bandwidth is not shared",
      copy("dma0", { source: "r0+0x2000", bytes: 1280 }) + copy("dma1", {}),
      10 + 100 + 100,
    ],
    [
      "short runs are charged as bursts",
      copy("dma0", { bytes: 1, rows: 100, sourceRowStride: 500 }),
      10 + 200 + 100,
    ],
    [
      "neighbouring runs are one",
      copy("dma0", {
        bytes: 32,
        rows: 10,
        sourceRowStride: 32,
        planes: 10,
        sourcePlaneStride: 320,
      }),
      10 + 100 + 100,
    ],
    ["from DDR to DDR counts twice", copy("dma0", { destination: "r1+0x0" }), 10 + 200 + 100],
  ])("%s", (_name, text, cycles) => {
    expect(cyclesOf(text)).toBe(cycles);
  });

  test("the slower transfer's loss is a bandwidth stall", () => {
    const timing = timingOf(streamsOf(copy("dma0", {}) + copy("dma1", {})));
    expect(timing.stallCycles.bandwidth).toBe(200);
    expect(timing.counters.ddrReadBytes).toBe(6400);
  });
});

describe("HMX", () => {
  // startup 10 + 10 tile products of 4 cycles
  const product = 50;
  test.each([
    ["a product", mac(0), product],
    [
      "a store overlaps a product into the other set",
      mac(0) + store(0) + mac(1),
      product + 1 + product,
    ],
    [
      "a product into the stored set waits for the store",
      mac(0) + store(0) + mac(0),
      product + 16 + product,
    ],
    ["stores share one output path", store(0) + store(1), 32],
  ])("%s", (_name, text, cycles) => {
    expect(cyclesOf(text)).toBe(cycles);
  });

  test("products are counted and attributed to their origin", () => {
    const timing = timingOf(streamsOf(mac(0) + store(0)));
    expect(timing.counters.macsInt8).toBe(10 * 65_536);
    expect(timing.origins.get(1)).toMatchObject({ dma: 0, hmx: product + 1, hvx: 0 });
  });
});

describe("queues", () => {
  test("a signal comes at completion, behind the latency; the wait is a stall for DMA", () => {
    const streams = streamsOf(copy("dma0", { signal: 3 }) + mac(0).replace("wait=", "wait=3>=1"));
    const timing = timingOf(streams);
    expect(timing.cycles).toBe(210 + 50);
    expect(timing.stallCycles.dma).toBe(210);
  });

  test("instructions of a queue signal in order: a product behind a store signals after it", () => {
    const text = `${store(0)}${mac(1).replace("tapCount=5 ", "tapCount=0 ").replace("signal=", "signal=1")}`;
    const timing = timingOf(streamsOf(text));
    expect([...timing.queues[0]!.endCycles]).toEqual([16, 16]);
  });

  test("a wait that never holds is a failure", () => {
    const segment = programOf({ streams: streamsOf(mac(0).replace("wait=", "wait=1>=1")) });
    const timing = simulateTiming(segment.segments[0] as never, SOC);
    expect(timing.ok ? "" : timing.code).toBe("DEADLOCK");
  });

  test("every instruction ends when it does in the simulation that steps cycle by cycle", () => {
    const soc = { ...SOC, vtcmBytesPerCycle: 1_000_000 };
    fc.assert(
      fc.property(fc.noShrink(fc.integer({ min: 0, max: 2 ** 31 - 1 })), (seed) => {
        const streams = randomStreams(seededRandom(seed));
        const { queues, cycles } = timingOf(streams, soc);
        expect(queues.map(({ endCycles }) => [...endCycles])).toEqual(naiveEnds(streams, soc));
        expect(timingOf(streams.toReversed(), soc).cycles).toBe(cycles);
      }),
      { numRuns: 100 },
    );
  });
});

describe("where the time goes", () => {
  /** Engines that ask for more than VTCM gives, as well as those that do not. */
  const chips = [SOC, { ...SOC, vtcmBytesPerCycle: 100 }];

  test("every cycle of every queue is work, a stall of one cause, or behind its last instruction", () => {
    fc.assert(
      fc.property(fc.noShrink(fc.integer({ min: 0, max: 2 ** 31 - 1 })), (seed) => {
        for (const soc of chips) {
          const { cycles, queues } = timingOf(randomStreams(seededRandom(seed)), soc);
          const flaws = queues.filter(({ busyCycles, stallCycles, idleCycles }) => {
            const parts = [busyCycles, idleCycles, ...Object.values(stallCycles)];
            return Math.min(...parts) < 0 || parts.reduce((sum, part) => sum + part, 0) !== cycles;
          });
          expect(flaws).toEqual([]);
        }
      }),
      { numRuns: 100 },
    );
  });

  test("the critical path divides the whole among origins and engines", () => {
    fc.assert(
      fc.property(fc.noShrink(fc.integer({ min: 0, max: 2 ** 31 - 1 })), (seed) => {
        for (const soc of chips) {
          const segment = segmentOf(randomStreams(seededRandom(seed)));
          const timing = unwrap(simulateTiming(segment, soc));
          const parts = [...criticalPath(segment, timing).values()].flatMap((path) =>
            Object.values(path),
          );
          expect(Math.min(...parts)).toBeGreaterThanOrEqual(0);
          expect(parts.reduce((sum, part) => sum + part, 0)).toBe(timing.cycles);
        }
      }),
      { numRuns: 50 },
    );
  });

  test("what waits for a copy is released by it: both are on the path, what ran beside it is not", () => {
    const other = mac(1).replace("origin=1", "origin=2");
    const text = copy("dma0", { signal: 3 }) + other + mac(0).replace("wait=", "wait=3>=1");
    const segment = segmentOf(streamsOf(text));
    const path = criticalPath(segment, unwrap(simulateTiming(segment, SOC)));
    expect(Object.fromEntries(path)).toEqual({
      0: { dma: 210, hmx: 0, hvx: 0, scalar: 0 },
      1: { dma: 0, hmx: 50, hvx: 0, scalar: 0 },
    });
  });

  test("stalls of the origins are those of the queues, but for VTCM", () => {
    const total = timingOf([]).stallCycles;
    const ofOrigins = { ...total };
    const ofQueues = { ...total };
    for (let seed = 0; seed < 20; seed++) {
      const { origins, stallCycles } = timingOf(randomStreams(seededRandom(seed)));
      add(ofQueues, { ...stallCycles, vtcm: 0 });
      for (const each of origins.values()) add(ofOrigins, each.stallCycles);
    }
    expect(ofOrigins).toEqual(ofQueues);
    for (const cause of ["dma", "hvx", "bandwidth", "output"] as const) {
      expect({ cause, cycles: ofQueues[cause] }).not.toEqual({ cause, cycles: 0 });
    }
  });
});

function add(to: Record<StallCause, number>, stalls: StallCycles): void {
  for (const cause of Object.keys(to) as StallCause[]) to[cause] += stalls[cause];
}

describe("VTCM", () => {
  /** 512 bytes in four packets a vector: 128 bytes a cycle. */
  const loads = (queue: string, vectors: number): string =>
    `${queue}: hvx.run vectors=${vectors} rows=8 columns=8 operands=[r0+0x0:0] ` +
    "code={|load_i32:r0,@0|} wait= signal= origin=0\n";
  const cycles = (text: string, vtcmBytesPerCycle: number): number => {
    const hvx = { ...SOC.hvx, latencyCycles: 0, packetCyclesPercent: 100 };
    const soc = { ...SOC, hvx, vtcmBytesPerCycle };
    return timingOf(streamsOf(text), soc).cycles;
  };

  test.each([
    { name: "enough for both", vectors: [100, 100], budget: 256, expected: 400 },
    { name: "half of what both ask for", vectors: [100, 100], budget: 128, expected: 800 },
    { name: "half while both are at work", vectors: [100, 50], budget: 128, expected: 600 },
    { name: "half of what one asks for", vectors: [100], budget: 64, expected: 800 },
  ])("$name", ({ vectors, budget, expected }) => {
    const text = vectors.map((count, index) => loads(`hvx${index}`, count)).join("");
    expect(cycles(text, budget)).toBe(expected);
  });

  test("what an instruction takes longer is a stall of its own cause", () => {
    const hvx = { ...SOC.hvx, latencyCycles: 0, packetCyclesPercent: 100 };
    const both = streamsOf(loads("hvx0", 100) + loads("hvx1", 100));
    const { stallCycles } = timingOf(both, { ...SOC, hvx, vtcmBytesPerCycle: 128 });
    expect(stallCycles.vtcm).toBe(800);
  });
});
