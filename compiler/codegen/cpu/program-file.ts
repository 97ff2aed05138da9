/** A CPU program as a program file: float32 ports, one WebAssembly segment. */
import { product } from "../../../protocol/base/integers.ts";
import { sha256Hex } from "../../../protocol/crypto/hash.ts";
import { ISA_VERSION } from "../../../protocol/isa/index.ts";
import { NO_COUNTERS } from "../../../protocol/program/index.ts";
import type { Port, Program, Region } from "../../../protocol/program/index.ts";
import type { CpuPort, CpuProgram } from "./program.ts";
import { cpuSegment } from "./segment.ts";

export type ProgramIdentity = Pick<
  Program,
  "soc" | "modelName" | "modelSha256" | "driverVersion" | "options"
>;

const WEIGHTS_REGION = 1;
const FIRST_PORT_REGION = 2;

export function cpuProgramFile(cpu: CpuProgram, identity: ProgramIdentity): Program {
  const { segment, weights } = cpuSegment(cpu, WEIGHTS_REGION);
  const sha256 = sha256Hex(weights);
  const regions: Region[] = [
    { kind: "vtcm", bytes: 0 },
    { kind: "weights", bytes: weights.length, sha256 },
    ...cpu.inputs.map((port): Region => ({ kind: "input", bytes: bytesOf(port) })),
    ...cpu.outputs.map((port): Region => ({ kind: "output", bytes: bytesOf(port) })),
  ];
  return {
    ...identity,
    isa: ISA_VERSION,
    regions,
    inputs: cpu.inputs.map((port, index) => portOf(port, FIRST_PORT_REGION + index)),
    outputs: cpu.outputs.map((port, index) =>
      portOf(port, FIRST_PORT_REGION + cpu.inputs.length + index),
    ),
    tensors: [],
    origins: cpu.stages,
    segments: [segment],
    counters: NO_COUNTERS,
    blobs: new Map([[sha256, weights]]),
  };
}

function bytesOf(port: CpuPort): number {
  return product(port.shape) * 4;
}

function portOf({ name, shape }: CpuPort, region: number): Port {
  return { name, dtype: "f32", shape, region, storage: { kind: "float32" } };
}
