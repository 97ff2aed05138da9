/** A timing run as Chrome trace events, which chrome://tracing and ui.perfetto.dev read. */
import type { SocDescription } from "../../../protocol/isa/index.ts";
import type { HtpSegment } from "../../../protocol/program/index.ts";
import type { Timing } from "./timing.ts";

export interface TraceEvent {
  readonly name: string;
  readonly ph: "X" | "M";
  readonly pid: number;
  readonly tid: number;
  /** Microseconds, complete events only. */
  readonly ts?: number;
  readonly dur?: number;
  readonly args: Readonly<Record<string, string | number>>;
}

export interface Trace {
  readonly displayTimeUnit: "ns";
  readonly traceEvents: readonly TraceEvent[];
}

export interface TraceSource {
  readonly segment: HtpSegment;
  readonly timing: Timing;
  readonly soc: SocDescription;
  /** Names of the model's nodes. */
  readonly origins: readonly string[];
}

/**
 * One process, one thread a queue; events carry the node's name, the mnemonic and the cycles. Events of a thread must
 * nest, and instructions of a queue overlap: the next one starts while the results of this one are on their way. So
 * an event ends where the next begins; `retires` says when the instruction's results were there.
 */
export function chromeTrace(from: TraceSource): Trace {
  const microseconds = (cycles: number): number => (cycles * 1e6) / from.soc.clockHz;
  const traceEvents: TraceEvent[] = [
    { name: "process_name", ph: "M", pid: 0, tid: 0, args: { name: from.soc.marketingName } },
  ];
  from.segment.streams.forEach(({ queue, instructions }, tid) => {
    const name = `${queue.engine}${queue.index}`;
    traceEvents.push({ name: "thread_name", ph: "M", pid: 0, tid, args: { name } });
    const timing = from.timing.queues[tid];
    instructions.forEach((instruction, index) => {
      const start = timing?.startCycles[index] ?? 0;
      const retires = timing?.endCycles[index] ?? 0;
      const cycles = Math.min(retires, timing?.startCycles[index + 1] ?? retires) - start;
      traceEvents.push({
        name: from.origins[instruction.origin] ?? `#${instruction.origin}`,
        ph: "X",
        pid: 0,
        tid,
        ts: microseconds(start),
        dur: microseconds(cycles),
        args: { op: instruction.op, index, start, cycles, retires },
      });
    });
  });
  return { displayTimeUnit: "ns", traceEvents };
}
