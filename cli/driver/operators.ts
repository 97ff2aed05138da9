/** Where a program's time goes, operator by operator: its part of the critical path, its work, what it waited for. */
import { criticalPath } from "../../device-agent/soc/index.ts";
import type { Timing } from "../../device-agent/soc/index.ts";
import { assert } from "../../protocol/base/assert.ts";
import type { SocDescription } from "../../protocol/isa/index.ts";
import type { Program } from "../../protocol/program/index.ts";
import type { Column } from "../output.ts";

export interface OperatorTime {
  /** The node that the instructions were made for. */
  readonly operator: string;
  /** Its part of the time from the first instruction to the last: all operators together are the whole. */
  readonly microseconds: number;
  readonly share: number;
  /** Work, spread over the engine's queues; it overlaps that of other operators. */
  readonly dmaUs: number;
  readonly hmxUs: number;
  readonly hvxUs: number;
  /** What its instructions waited for, all queues together. */
  readonly waitDmaUs: number;
  readonly waitHmxUs: number;
  readonly waitHvxUs: number;
  /** For DDR shared with other transfers, and for the way out of the matrix engine. */
  readonly waitOtherUs: number;
  /** Every engine at its peak; null for what the compiler added. */
  readonly lowerBoundUs: number | null;
}

/** The slowest first. `boundsUs`: by node. */
export function operatorTimes(of: {
  readonly program: Program;
  readonly timing: Timing;
  readonly soc: SocDescription;
  readonly boundsUs: ReadonlyMap<string, number>;
}): OperatorTime[] {
  const { program, timing, soc, boundsUs } = of;
  const [segment] = program.segments;
  assert(segment?.kind === "htp", "a program of one segment on the HTP");
  const path = criticalPath(segment, timing);
  const us = (cycles: number): number => (cycles * 1e6) / soc.clockHz;
  const rows = [...timing.origins].map(([origin, { dma, hmx, hvx, stallCycles }]): OperatorTime => {
    const operator = program.origins[origin] ?? `#${origin}`;
    const onPath = Object.values(path.get(origin) ?? {}).reduce((sum, part) => sum + part, 0);
    return {
      operator,
      microseconds: us(onPath),
      share: onPath / Math.max(1, timing.cycles),
      // All queues share one DDR: at full speed, one after another.
      dmaUs: us(dma - stallCycles.bandwidth),
      hmxUs: us(hmx / soc.hmx.queues),
      hvxUs: us(hvx / soc.hvx.queues),
      waitDmaUs: us(stallCycles.dma),
      waitHmxUs: us(stallCycles.hmx),
      waitHvxUs: us(stallCycles.hvx),
      waitOtherUs: us(stallCycles.bandwidth + stallCycles.output),
      lowerBoundUs: boundsUs.get(operator) ?? null,
    };
  });
  return rows.sort((a, b) => b.microseconds - a.microseconds);
}

/** How near the time is to the bound, both without the call itself: 1 were it reached. */
export function shareOfPeak(
  of: { readonly microseconds: number; readonly lowerBoundUs: number },
  { callFloorUs }: SocDescription,
): number {
  return (of.lowerBoundUs - callFloorUs) / (of.microseconds - callFloorUs);
}

/** How much of the time each engine was at work, and DDR of what it can move. */
export interface Utilisation {
  readonly ddrUse: number;
  readonly hmxUse: number;
  readonly hvxUse: number;
}

export function utilisation(
  { cycles, busyCycles, counters }: Timing,
  soc: SocDescription,
): Utilisation {
  const whole = Math.max(1, cycles);
  const ddrBytes = counters.ddrReadBytes + counters.ddrWriteBytes;
  return {
    ddrUse: (ddrBytes / soc.dma.ddrBytesPerSecond) * (soc.clockHz / whole),
    hmxUse: busyCycles.hmx / (whole * soc.hmx.queues),
    hvxUse: busyCycles.hvx / (whole * soc.hvx.queues),
  };
}

export const UTILISATION_COLUMNS: readonly Column[] = [
  { key: "ddrUse", title: "DDR", bar: true },
  { key: "hmxUse", title: "HMX", bar: true },
  { key: "hvxUse", title: "HVX", bar: true },
];

export const OPERATOR_COLUMNS: readonly Column[] = [
  { key: "operator", title: "operator" },
  { key: "microseconds", title: "µs of the whole", digits: 1 },
  { key: "share", title: "share", bar: true },
  { key: "lowerBoundUs", title: "bound", digits: 1 },
  { key: "dmaUs", title: "DMA", digits: 1 },
  { key: "hmxUs", title: "HMX", digits: 1 },
  { key: "hvxUs", title: "HVX", digits: 1 },
  { key: "waitDmaUs", title: "waits: DMA", digits: 1 },
  { key: "waitHmxUs", title: "HMX", digits: 1 },
  { key: "waitHvxUs", title: "HVX", digits: 1 },
  { key: "waitOtherUs", title: "other", digits: 1 },
];
