/**
 * Proves, before its first run, that a program can do nothing the chip does not define: bounds, pointer tables,
 * initialisation, races, deadlock, cycles. Pure, and static: no data is looked at but the pointer tables.
 */
import { present } from "../../../protocol/base/assert.ts";
import { CodedError, succeeded, toFailure, unwrap } from "../../../protocol/base/result.ts";
import type { Result } from "../../../protocol/base/result.ts";
import { ISA, ISA_VERSION, missingFeature, VTCM_REGION } from "../../../protocol/isa/index.ts";
import type { Instruction, QueueId, SocDescription } from "../../../protocol/isa/index.ts";
import type { CpuSegment, HtpSegment, Port, Program } from "../../../protocol/program/index.ts";
import type { CpuModule } from "../../../protocol/wasm/validate.ts";
import { simulateTiming } from "../timing/simulate.ts";
import type { Timing } from "../timing/timing.ts";
import { checkCpuSegment } from "./cpu-segment.ts";
import { checkFlows } from "./flow.ts";
import type { Ends } from "./flow.ts";
import { checkHazards, checkOutputs, checkTensors, programShadow, writeAll } from "./hazards.ts";
import type { ProgramShadow } from "./hazards.ts";
import { CYCLES_MAX, INSTRUCTIONS_MAX, SEGMENTS_MAX } from "./limits.ts";
import { checkOperands } from "./operands.ts";
import { refuse } from "./refusal.ts";
import type { VerifyCode } from "./refusal.ts";

declare const VERIFIED: unique symbol;

/** A program that verifyProgram has accepted for this chip; only it makes values of this type. */
export interface VerifiedProgram {
  readonly [VERIFIED]: true;
  readonly program: Program;
  readonly soc: SocDescription;
  readonly segments: readonly VerifiedSegment[];
}

export type VerifiedSegment = VerifiedHtpSegment | VerifiedCpuSegment;

export interface VerifiedHtpSegment {
  readonly kind: "htp";
  readonly segment: HtpSegment;
  /** All instructions, in an order that the queues and semaphores allow. */
  readonly order: readonly Instruction[];
  readonly timing: Timing;
}

export interface VerifiedCpuSegment {
  readonly kind: "cpu";
  readonly segment: CpuSegment;
  readonly ends: Ends;
  readonly module: CpuModule;
}

export function verifyProgram(
  program: Program,
  soc: SocDescription,
): Result<VerifiedProgram, VerifyCode> {
  try {
    checkHeader(program, soc);
    const flows = checkFlows(program);
    const shadow = programShadow(program);
    const segments = program.segments.map((segment, index): VerifiedSegment => {
      const ends = present(flows[index], "flow");
      if (segment.kind === "htp") return verifyHtp(program, segment, { soc, shadow, ends });
      const module = checkCpuSegment(program, segment, ends);
      writeAll(program, ends, shadow);
      return { kind: "cpu", segment, ends, module };
    });
    checkOutputs(program, shadow);
    return succeeded({ program, soc, segments } as unknown as VerifiedProgram);
  } catch (error) {
    if (error instanceof CodedError) return toFailure(error as CodedError<VerifyCode>);
    throw error;
  }
}

function verifyHtp(
  program: Program,
  segment: HtpSegment,
  on: { readonly soc: SocDescription; readonly shadow: ProgramShadow; readonly ends: Ends },
): VerifiedHtpSegment {
  checkInstructions(program, segment, on.soc);
  const order = checkHazards(program, segment, on);
  checkTensors(program, on.ends, on.shadow);
  const timing = unwrap(simulateTiming(segment, on.soc));
  if (timing.cycles > CYCLES_MAX) {
    refuseProgram("TOO_MANY_CYCLES", `the program takes ${timing.cycles} cycles of ${CYCLES_MAX}`);
  }
  return { kind: "htp", segment, order, timing };
}

function refuseProgram(code: VerifyCode, what: string): never {
  throw new CodedError<VerifyCode>(code, what);
}

function checkHeader(program: Program, soc: SocDescription): void {
  const { isa, regions, segments } = program;
  if (program.soc !== soc.name) {
    refuseProgram("WRONG_SOC", `the program is for ${program.soc}, this chip is ${soc.name}`);
  }
  if (isa.major !== ISA_VERSION.major || isa.minor > ISA_VERSION.minor) {
    refuseProgram("WRONG_ISA", `the program uses instruction set ${isa.major}.${isa.minor}`);
  }
  const vtcmBytes = regions[VTCM_REGION]?.kind === "vtcm" ? regions[VTCM_REGION].bytes : Infinity;
  if (vtcmBytes > soc.vtcmBytes || regions.slice(1).some(({ kind }) => kind === "vtcm")) {
    const what = `the program needs ${vtcmBytes} bytes of VTCM, the chip has ${soc.vtcmBytes}`;
    refuseProgram("VTCM_TOO_SMALL", what);
  }
  if (segments.length > SEGMENTS_MAX) {
    refuseProgram("PROGRAM_TOO_LARGE", `${segments.length} segments, at most ${SEGMENTS_MAX}`);
  }
  for (const segment of segments) if (segment.kind === "htp") checkQueues(segment, soc);
  for (const port of program.inputs) checkPort(program, port, "input");
  for (const port of program.outputs) checkPort(program, port, "output");
  for (const port of program.tensors) checkPort(program, port, "tensor");
}

/** Zero points lie in [-bound, bound). */
const ZERO_POINT_BOUNDS = { int8: 128, int16: 32_768, fp16: 1 } as const;

function checkPort(program: Program, port: Port, kind: "input" | "output" | "tensor"): void {
  const region = program.regions[port.region];
  if (region?.kind !== kind)
    refuseProgram("BAD_PORT", `${kind} ${port.name} is in no ${kind} region`);
  const { storage, shape } = port;
  if (storage.kind === "float32") return;
  const elements = shape.reduce((total, size) => total * size, 1);
  if (elements !== storage.rows * storage.columns * storage.channels) {
    refuseProgram("BAD_PORT", `${kind} ${port.name} does not have as many pixels as elements`);
  }
  const { element, scale, zeroPoint } = storage;
  const bound = ZERO_POINT_BOUNDS[element];
  if (!(scale > 0 && scale < Infinity) || zeroPoint < -bound || zeroPoint >= bound) {
    const what = `scale ${scale} and zero point ${zeroPoint}`;
    refuseProgram("BAD_PORT", `${kind} ${port.name} has ${what}`);
  }
}

/** How many queues of each engine one core has. */
function queueCount(soc: SocDescription, queue: QueueId): number {
  return queue.engine === "scalar" ? 0 : soc[queue.engine].queues;
}

function checkQueues(segment: HtpSegment, soc: SocDescription): void {
  const seen = new Set<string>();
  for (const { queue } of segment.streams) {
    const name = `${queue.engine}${queue.index}`;
    if (queue.core !== 0 || queue.index >= queueCount(soc, queue)) {
      refuseProgram("BAD_QUEUE", `${soc.name} has no queue ${name} on core ${queue.core}`);
    }
    if (seen.has(name)) refuseProgram("BAD_QUEUE", `queue ${name} has two streams`);
    seen.add(name);
  }
}

function checkInstructions(program: Program, segment: HtpSegment, soc: SocDescription): void {
  const { streams } = segment;
  const total = streams.reduce((sum, { instructions }) => sum + instructions.length, 0);
  if (total > INSTRUCTIONS_MAX) {
    refuseProgram("PROGRAM_TOO_LARGE", `${total} instructions, at most ${INSTRUCTIONS_MAX}`);
  }
  streams.forEach(({ queue, instructions }, lane) => {
    instructions.forEach((instruction, index) => {
      const place = { streams, origins: program.origins, lane, index };
      if (ISA[instruction.op].engine !== queue.engine) {
        refuse("BAD_QUEUE", place, `does not run on ${queue.engine}`);
      }
      const feature = missingFeature(instruction, soc);
      if (feature !== undefined) {
        refuse("UNSUPPORTED_FEATURE", place, `needs ${feature}, which ${soc.name} does not have`);
      }
      checkOperands(instruction, place);
    });
  });
}
