/** A program, verified and in memory, ready to run any number of times. */
import { failed, succeeded } from "../../protocol/base/result.ts";
import type { Failure, Result } from "../../protocol/base/result.ts";
import type { SocDescription } from "../../protocol/isa/index.ts";
import { decodeProgram } from "../../protocol/program/index.ts";
import type { Port, Program, ProgramCode } from "../../protocol/program/index.ts";
import { createMachine, verifyProgram } from "../soc/index.ts";
import type { Machine, VerifiedProgram, VerifyCode } from "../soc/index.ts";
import type { CpuCode, CpuEngine } from "./cpu-engine.ts";
import { createCpuRunner } from "./cpu-segment.ts";
import { elementCount, readPort, writePort } from "./port.ts";
import { timingOf } from "./timing.ts";
import type { ProgramTiming } from "./timing.ts";

export type OpenCode = ProgramCode | VerifyCode | "DOES_NOT_FIT" | "NO_CPU_ENGINE";
export type RunCode = "MISSING_INPUT" | "UNKNOWN_INPUT" | "WRONG_INPUT_SIZE" | CpuCode;

export interface RunResult {
  /** float32, row-major, by name. */
  readonly outputs: ReadonlyMap<string, Float32Array>;
  /** Of this run: the chip's part is the same in every run, that of CPU segments is the host's own time. */
  readonly timing: ProgramTiming;
}

export interface Session {
  readonly program: Program;
  readonly soc: SocDescription;
  /** Depends on the program alone: the same for every run. What CPU segments take is not in it. */
  readonly timing: ProgramTiming;
  /** Takes every input of the program by name, row-major. */
  run(inputs: ReadonlyMap<string, Float32Array>): Result<RunResult, RunCode>;
  /** Takes and gives the bytes of the ports' regions as they are stored. */
  runRaw(inputs: ReadonlyMap<string, Uint8Array>): Result<ReadonlyMap<string, Uint8Array>, RunCode>;
}

/** Decodes, verifies and places a compiled program. Only with an engine does it take CPU segments. */
export function openSession(
  programBytes: Uint8Array,
  soc: SocDescription,
  cpu?: CpuEngine,
): Result<Session, OpenCode> {
  const program = decodeProgram(programBytes);
  if (!program.ok) return program;
  return openProgram(program.value, soc, cpu);
}

export function openProgram(
  program: Program,
  soc: SocDescription,
  cpu?: CpuEngine,
): Result<Session, Exclude<OpenCode, ProgramCode>> {
  const verified = verifyProgram(program, soc);
  if (!verified.ok) return verified;
  const machine = createMachine(verified.value);
  if (!machine.ok) return machine;
  const execute = createExecution(verified.value, machine.value, cpu);
  if (!execute.ok) return execute;
  return succeeded(createSession(verified.value, machine.value, execute.value));
}

/** Runs all segments over what lies in the input regions; the microseconds that the CPU took, index = segment. */
type Execution = () => Result<readonly number[], CpuCode>;

function createExecution(
  verified: VerifiedProgram,
  machine: Machine,
  cpu: CpuEngine | undefined,
): Result<Execution, "NO_CPU_ENGINE"> {
  const steps: (() => Result<number, CpuCode>)[] = [];
  for (const segment of verified.segments) {
    if (segment.kind === "htp") {
      steps.push(() => {
        machine.run(segment);
        return succeeded(0);
      });
      continue;
    }
    if (!cpu)
      return failed("NO_CPU_ENGINE", "the program has a CPU segment, and nothing runs those");
    const runner = createCpuRunner(verified.program, segment, cpu);
    steps.push(() => runner.run((index) => machine.region(index)));
  }
  return succeeded(() => {
    const cpuMicroseconds: number[] = [];
    for (const step of steps) {
      const done = step();
      if (!done.ok) return done;
      cpuMicroseconds.push(done.value);
    }
    return succeeded(cpuMicroseconds);
  });
}

function createSession(verified: VerifiedProgram, machine: Machine, execute: Execution): Session {
  const { program, soc } = verified;
  const timing = timingOf(verified);
  return {
    program,
    soc,
    timing,
    run: (inputs) => {
      const refused = checkInputs(program, inputs, elementCount);
      if (refused !== undefined) return refused;
      for (const port of program.inputs) {
        writePort(port, inputs.get(port.name)!, machine.region(port.region));
      }
      const done = execute();
      if (!done.ok) return done;
      const outputs = program.outputs.map(
        (port) => [port.name, readPort(port, machine.region(port.region))] as const,
      );
      return succeeded({ outputs: new Map(outputs), timing: timingOf(verified, done.value) });
    },
    runRaw: (inputs) => {
      const bytes = (port: Port): number => program.regions[port.region]?.bytes ?? 0;
      const refused = checkInputs(program, inputs, bytes);
      if (refused !== undefined) return refused;
      for (const port of program.inputs) {
        machine.region(port.region).set(inputs.get(port.name)!);
      }
      const done = execute();
      if (!done.ok) return done;
      const outputs = program.outputs.map(
        (port) => [port.name, machine.region(port.region).slice()] as const,
      );
      return succeeded(new Map(outputs));
    },
  };
}

function checkInputs(
  program: Program,
  inputs: ReadonlyMap<string, { readonly length: number }>,
  sizeOf: (port: Port) => number,
): Failure<RunCode> | undefined {
  for (const port of program.inputs) {
    const given = inputs.get(port.name);
    if (given === undefined) return failed("MISSING_INPUT", `input ${port.name} is missing`);
    const size = sizeOf(port);
    if (given.length === size) continue;
    const what = `input ${port.name} has ${given.length} elements, the program takes ${size}`;
    return failed("WRONG_INPUT_SIZE", what, { input: port.name, expected: size });
  }
  const names = new Set(program.inputs.map(({ name }) => name));
  for (const name of inputs.keys()) {
    if (!names.has(name)) return failed("UNKNOWN_INPUT", `the program has no input ${name}`);
  }
  return undefined;
}
