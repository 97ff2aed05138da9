/**
 * The graph that segments and the tensors between them make. Segments run in the order of the file, so it has no
 * cycle if whatever a segment reads was written by one before it.
 */
import { CodedError } from "../../../protocol/base/result.ts";
import { flowOf } from "../../../protocol/program/index.ts";
import type { Port, Program } from "../../../protocol/program/index.ts";
import type { VerifyCode } from "./refusal.ts";

/** The ports and tensors that a segment may touch, in the order of its flow. */
export interface Ends {
  readonly reads: readonly Port[];
  readonly writes: readonly Port[];
}

/** Index = segment. */
export function checkFlows(program: Program): readonly Ends[] {
  const { inputs, outputs, tensors, segments } = program;
  if (segments.length > 1 && segments.some(({ flow }) => flow === undefined)) {
    refuseFlow("BAD_FLOW", "one of several segments does not say what it reads and writes");
  }
  checkDistinct(tensors, [...inputs, ...outputs]);
  const written = new Map(inputs.map((port) => [port.name, port]));
  const unwritten = new Map([...outputs, ...tensors].map((port) => [port.name, port]));
  return segments.map((segment, index) => {
    const { reads, writes } = flowOf(program, segment);
    const step = { index, written, unwritten };
    return {
      reads: reads.map((name) => read(name, step)),
      writes: writes.map((name) => write(name, step)),
    };
  });
}

function checkDistinct(tensors: readonly Port[], ports: readonly Port[]): void {
  const names = new Set(ports.map(({ name }) => name));
  const regions = new Set<number>();
  for (const { name, region } of tensors) {
    if (names.has(name)) refuseFlow("BAD_FLOW", `two ports or tensors are named ${name}`);
    if (regions.has(region)) refuseFlow("BAD_FLOW", `tensor ${name} shares its region`);
    names.add(name);
    regions.add(region);
  }
}

interface Step {
  readonly index: number;
  /** By name; what a segment writes goes from one to the other. */
  readonly written: Map<string, Port>;
  readonly unwritten: Map<string, Port>;
}

function read(name: string, step: Step): Port {
  const port = step.written.get(name);
  if (port !== undefined) return port;
  const isKnown = step.unwritten.has(name);
  const code = isKnown ? "READ_BEFORE_WRITE" : "BAD_FLOW";
  const why = isKnown ? "which no segment before it writes" : "which the program does not have";
  return refuseFlow(code, `segment ${step.index} reads ${name}, ${why}`);
}

function write(name: string, step: Step): Port {
  const port = step.unwritten.get(name);
  if (port !== undefined) {
    step.unwritten.delete(name);
    step.written.set(name, port);
    return port;
  }
  const isKnown = step.written.has(name);
  const why = isKnown ? "which has its content already" : "which the program does not have";
  return refuseFlow(
    isKnown ? "WRITTEN_TWICE" : "BAD_FLOW",
    `segment ${step.index} writes ${name}, ${why}`,
  );
}

function refuseFlow(code: VerifyCode, what: string): never {
  throw new CodedError<VerifyCode>(code, what);
}
