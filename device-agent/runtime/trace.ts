/** A run of a program as a Chrome trace: a process a segment, one after another, each on the clock that timed it. */
import { chromeTrace } from "../soc/index.ts";
import type { Trace, TraceEvent } from "../soc/index.ts";
import type { Session } from "./session.ts";
import type { ProgramTiming } from "./timing.ts";

/** `timing` is that of a run: without one, CPU segments take no time. */
export function runTrace(
  { program, soc }: Pick<Session, "program" | "soc">,
  timing: ProgramTiming,
): Trace {
  const traceEvents: TraceEvent[] = [];
  let startUs = 0;
  timing.segments.forEach((timed, pid) => {
    const segment = program.segments[pid];
    const isMeasured = timed.kind === "cpu";
    const name = isMeasured ? "CPU, measured on the host" : `${soc.marketingName}, simulated`;
    const process = { name: `segment ${pid}: ${name}` };
    traceEvents.push({ name: "process_name", ph: "M", pid, tid: 0, args: process });
    if (isMeasured) {
      const place = { ph: "X", pid, tid: 0, ts: startUs, dur: timed.microseconds } as const;
      traceEvents.push({ name: "stages and conversions", ...place, args: { segment: pid } });
    } else if (segment?.kind === "htp") {
      const from = { segment, timing: timed.timing, soc, origins: program.origins };
      const events = chromeTrace(from).traceEvents.filter((one) => one.name !== "process_name");
      traceEvents.push(...events.map((event) => shifted(event, pid, startUs)));
    }
    startUs += isMeasured ? timed.microseconds : timed.timing.microseconds;
  });
  return { displayTimeUnit: "ns", traceEvents };
}

function shifted(event: TraceEvent, pid: number, byUs: number): TraceEvent {
  return event.ts === undefined ? { ...event, pid } : { ...event, pid, ts: event.ts + byUs };
}
