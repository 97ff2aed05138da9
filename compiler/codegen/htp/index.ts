/** From a quantised graph to a program file for the HTP: lower, synchronise, describe. */
import { ISA_VERSION } from "../../../protocol/isa/index.ts";
import type { Stream } from "../../../protocol/isa/index.ts";
import { brand } from "../../../protocol/base/brand.ts";
import type { Sha256 } from "../../../protocol/base/brand.ts";
import { hex } from "../../../protocol/base/bytes.ts";
import { succeeded } from "../../../protocol/base/result.ts";
import type { Result } from "../../../protocol/base/result.ts";
import { sha256 } from "../../../protocol/crypto/hash.ts";
import type {
  Counters,
  HtpSegment,
  Port,
  Program,
  Region,
} from "../../../protocol/program/index.ts";
import { multiplyAccumulates } from "../../ir/index.ts";
import type { Graph } from "../../ir/index.ts";
import { lowerGraph, portBytes, WEIGHTS_REGION, FIRST_PORT_REGION } from "../../lower/index.ts";
import type { Lowered, LoweringCode, LoweringRequest, PortValue } from "../../lower/index.ts";
import { assemble } from "./assembler.ts";

export { assemble } from "./assembler.ts";

export interface HtpRequest extends LoweringRequest {
  readonly modelName: string;
  readonly modelSha256: Sha256;
  readonly driverVersion: string;
  /** Canonical JSON of the compile options, kept in the program. */
  readonly optionsText: string;
}

/** Deterministic: the same request gives the same program. */
export function lowerHtp(request: HtpRequest): Result<Program, LoweringCode> {
  const lowered = lowerGraph(request);
  return lowered.ok ? succeeded(toProgram(request, lowered.value)) : lowered;
}

/** All that a program's time depends on: what it executes, without what it is about. */
export function lowerTimed(request: LoweringRequest): Result<HtpSegment, LoweringCode> {
  const lowered = lowerGraph({ ...request, weightless: true });
  return lowered.ok ? succeeded(toSegment(lowered.value)) : lowered;
}

function toSegment({ listing, tables }: Lowered): HtpSegment {
  return {
    kind: "htp",
    tables: { ...tables, region: WEIGHTS_REGION, regionOffset: 0 },
    streams: assemble(listing),
  };
}

function toProgram(request: HtpRequest, lowered: Lowered): Program {
  const segment = toSegment(lowered);
  const hash = brand<Sha256>(hex(sha256(lowered.blob)));
  const regions: Region[] = [
    { kind: "vtcm", bytes: request.soc.vtcmBytes },
    { kind: "weights", bytes: lowered.blob.length, sha256: hash },
    ...lowered.inputs.map((port): Region => ({ kind: "input", bytes: portBytes(port) })),
    ...lowered.outputs.map((port): Region => ({ kind: "output", bytes: portBytes(port) })),
  ];
  if (lowered.scratchBytes > 0) regions.push({ kind: "scratch", bytes: lowered.scratchBytes });
  const firstOutput = FIRST_PORT_REGION + lowered.inputs.length;
  return {
    isa: ISA_VERSION,
    soc: request.soc.name,
    modelName: request.modelName,
    modelSha256: request.modelSha256,
    driverVersion: request.driverVersion,
    options: request.optionsText,
    regions,
    inputs: lowered.inputs.map((port, index) => toPort(port, FIRST_PORT_REGION + index)),
    outputs: lowered.outputs.map((port, index) => toPort(port, firstOutput + index)),
    tensors: [],
    origins: lowered.origins,
    segments: [segment],
    counters: countersOf(request, lowered, segment.streams),
    blobs: new Map([[hash, lowered.blob]]),
  };
}

export const PORT_ELEMENTS = { i8: "int8", i16: "int16", f16: "fp16" } as const;

function toPort(port: PortValue, region: number): Port {
  const { grid, encoding } = port;
  const columns = grid.pixels === grid.height * grid.width ? grid.width : grid.pixels;
  return {
    name: port.name,
    dtype: "f32",
    shape: port.shape,
    region,
    storage: {
      kind: "pixels",
      element: PORT_ELEMENTS[grid.format.dtype],
      ...encoding,
      rows: grid.pixels / columns,
      columns,
      channels: grid.channels,
    },
  };
}

function countersOf(request: HtpRequest, lowered: Lowered, streams: readonly Stream[]): Counters {
  let ddrReadBytes = 0;
  let ddrWriteBytes = 0;
  for (const instruction of streams.flatMap((stream) => stream.instructions)) {
    if (instruction.op !== "dma.copy") continue;
    const bytes = instruction.bytes * instruction.rows * instruction.planes;
    if (instruction.source.region !== 0) ddrReadBytes += bytes;
    if (instruction.destination.region !== 0) ddrWriteBytes += bytes;
  }
  const { vtcmPeakBytes } = lowered;
  return { ...macsOf(request.graph), ddrReadBytes, ddrWriteBytes, vtcmPeakBytes };
}

type MacCounters = Pick<Counters, "macsInt8" | "macsFp16" | "macsInt16">;

/** A graph is computed in the type of its inputs. */
function macsOf(graph: Graph): MacCounters {
  const macs = multiplyAccumulates(graph);
  const none = { macsInt8: 0, macsFp16: 0, macsInt16: 0 };
  const dtypes = new Set(graph.inputs.map((name) => graph.types.get(name)?.dtype));
  if (dtypes.has("f16")) return { ...none, macsFp16: macs };
  if (dtypes.has("i16")) return { ...none, macsInt16: macs };
  return { ...none, macsInt8: macs };
}
