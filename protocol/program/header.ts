/** Program <-> protobuf header. Decoding checks every index and size once; inside, nothing is re-checked. */
import { isSha256 } from "../base/brand.ts";
import type { Sha256 } from "../base/brand.ts";
import { CodedError } from "../base/result.ts";
import type { Engine, Instruction, Stream } from "../isa/index.ts";
import { retile } from "./generated/program.js";
import { PIXEL_ELEMENTS, pixelElementBytes, REGION_KINDS } from "./program.ts";
import type {
  CpuSegment,
  Flow,
  HtpSegment,
  Port,
  Program,
  Region,
  Segment,
  Storage,
} from "./program.ts";

export type SectionContent =
  | { readonly kind: "stream"; readonly instructions: readonly Instruction[] }
  | { readonly kind: "module"; readonly bytes: Uint8Array };

const { Header } = retile.program;
const ENGINES: readonly Engine[] = ["scalar", "dma", "hmx", "hvx"];

/** `add` stores a section and returns its index. */
export function toHeader(
  program: Program,
  add: (content: SectionContent) => number,
): retile.program.Header {
  return Header.create({
    isaMajor: program.isa.major,
    isaMinor: program.isa.minor,
    soc: program.soc,
    modelName: program.modelName,
    modelSha256: program.modelSha256,
    driverVersion: program.driverVersion,
    options: program.options,
    regions: program.regions.map((region) => ({
      kind: REGION_KINDS.indexOf(region.kind),
      bytes: region.bytes,
      sha256: region.kind === "weights" ? region.sha256 : "",
    })),
    inputs: program.inputs.map(toPort),
    outputs: program.outputs.map(toPort),
    tensors: program.tensors.map(toPort),
    origins: [...program.origins],
    segments: program.segments.map((segment) => toSegment(segment, add)),
    counters: program.counters,
  });
}

function toPort(port: Port): retile.program.IPort {
  const { name, dtype, shape, region, storage } = port;
  if (storage.kind === "float32") return { name, dtype, shape: [...shape], region, rows: 0 };
  const pixels = { ...storage, element: PIXEL_ELEMENTS.indexOf(storage.element) };
  return { name, dtype, shape: [...shape], region, ...pixels };
}

function toSegment(
  segment: Segment,
  add: (content: SectionContent) => number,
): retile.program.ISegment {
  const { reads = [], writes = [] } = segment.flow ?? {};
  const flow = { reads: [...reads], writes: [...writes] };
  if (segment.kind === "cpu") {
    const { memoryBytes, stages, image, ports } = segment;
    const section = add({ kind: "module", bytes: segment.module });
    return { ...flow, cpu: { section, memoryBytes, stages, image: [...image], ports: [...ports] } };
  }
  return {
    ...flow,
    htp: {
      tablesVtcmOffset: segment.tables.vtcmOffset,
      tablesBytes: segment.tables.bytes,
      tablesRegion: segment.tables.region,
      tablesRegionOffset: segment.tables.regionOffset,
      streams: segment.streams.map(({ queue, instructions }) => ({
        ...queue,
        section: add({ kind: "stream", instructions }),
      })),
    },
  };
}

export interface Sections {
  stream(index: number): readonly Instruction[];
  module(index: number): Uint8Array;
  readonly blobs: ReadonlyMap<Sha256, Uint8Array>;
}

/** Throws CodedError `BAD_PROGRAM`. */
export function fromHeader(header: retile.program.IHeader, sections: Sections): Program {
  const regions = (header.regions ?? []).map(fromRegion);
  const modelSha256 = header.modelSha256 ?? "";
  if (!isSha256(modelSha256)) throw bad("the model's hash is malformed");
  const blobs = new Map<Sha256, Uint8Array>();
  for (const region of regions) {
    if (region.kind !== "weights") continue;
    const blob = sections.blobs.get(region.sha256);
    if (blob?.length !== region.bytes)
      throw bad(`the content of weights ${region.sha256} is missing`);
    blobs.set(region.sha256, blob);
  }
  if (regions[0]?.kind !== "vtcm") throw bad("region 0 is not VTCM");
  const port = (from: retile.program.IPort): Port => fromPort(from, regions);
  return {
    isa: { major: header.isaMajor ?? 0, minor: header.isaMinor ?? 0 },
    soc: header.soc ?? "",
    modelName: header.modelName ?? "",
    modelSha256,
    driverVersion: header.driverVersion ?? "",
    options: header.options ?? "",
    regions,
    inputs: (header.inputs ?? []).map(port),
    outputs: (header.outputs ?? []).map(port),
    tensors: (header.tensors ?? []).map(port),
    origins: header.origins ?? [],
    segments: (header.segments ?? []).map((segment) => fromSegment(segment, sections)),
    counters: {
      macsInt8: header.counters?.macsInt8 ?? 0,
      macsFp16: header.counters?.macsFp16 ?? 0,
      macsInt16: header.counters?.macsInt16 ?? 0,
      ddrReadBytes: header.counters?.ddrReadBytes ?? 0,
      ddrWriteBytes: header.counters?.ddrWriteBytes ?? 0,
      vtcmPeakBytes: header.counters?.vtcmPeakBytes ?? 0,
    },
    blobs,
  };
}

function fromRegion(region: retile.program.IRegion): Region {
  const kind = REGION_KINDS[region.kind ?? 0];
  const bytes = region.bytes ?? 0;
  if (kind === undefined) throw bad(`region kind ${region.kind}`);
  if (kind !== "weights") return { kind, bytes };
  const sha256 = region.sha256 ?? "";
  if (!isSha256(sha256)) throw bad("the hash of a weights region is malformed");
  return { kind, bytes, sha256 };
}

function fromPort(port: retile.program.IPort, regions: readonly Region[]): Port {
  const region = port.region ?? 0;
  const home = regions[region];
  if (home === undefined) throw bad(`port ${port.name} names region ${region}`);
  const shape = port.shape ?? [];
  const storage = fromStorage(port);
  const elements = shape.reduce((total, size) => total * size, 1);
  const bytes =
    storage.kind === "float32"
      ? elements * 4
      : storage.rows * storage.columns * storage.channels * pixelElementBytes(storage.element);
  if (bytes !== home.bytes)
    throw bad(`port ${port.name} needs ${bytes} bytes, its region has ${home.bytes}`);
  return { name: port.name ?? "", dtype: "f32", shape, region, storage };
}

function fromStorage(port: retile.program.IPort): Storage {
  const { rows = 0, columns = 0, channels = 0, scale = 1, zeroPoint = 0 } = port;
  if (!rows || !columns || !channels) return { kind: "float32" };
  const element = PIXEL_ELEMENTS[port.element ?? 0];
  if (element === undefined) throw bad(`port ${port.name} holds elements of kind ${port.element}`);
  const encoding = { element, scale: scale ?? 1, zeroPoint: zeroPoint ?? 0 };
  return { kind: "pixels", rows, columns, channels, ...encoding };
}

function fromSegment(segment: retile.program.ISegment, sections: Sections): Segment {
  const flow = fromFlow(segment);
  if (segment.htp) return { ...fromHtp(segment.htp, sections), ...flow };
  if (segment.cpu) return { ...fromCpu(segment.cpu, sections), ...flow };
  throw bad("a segment of an unknown kind");
}

function fromFlow({ reads, writes }: retile.program.ISegment): { readonly flow?: Flow } {
  const flow = { reads: reads ?? [], writes: writes ?? [] };
  return flow.reads.length + flow.writes.length === 0 ? {} : { flow };
}

function fromHtp(htp: retile.program.IHtp, sections: Sections): HtpSegment {
  const streams = (htp.streams ?? []).map((stream): Stream => {
    const engine = ENGINES.find((known) => known === stream.engine);
    if (engine === undefined) throw bad(`engine "${stream.engine}"`);
    const queue = { core: stream.core ?? 0, engine, index: stream.index ?? 0 };
    return { queue, instructions: sections.stream(stream.section ?? 0) };
  });
  return {
    kind: "htp",
    tables: {
      vtcmOffset: htp.tablesVtcmOffset ?? 0,
      bytes: htp.tablesBytes ?? 0,
      region: htp.tablesRegion ?? 0,
      regionOffset: htp.tablesRegionOffset ?? 0,
    },
    streams,
  };
}

function fromCpu(cpu: retile.program.ICpu, sections: Sections): CpuSegment {
  return {
    kind: "cpu",
    module: sections.module(cpu.section ?? 0),
    memoryBytes: cpu.memoryBytes ?? 0,
    stages: cpu.stages ?? 0,
    image: (cpu.image ?? []).map((from) => ({
      region: from.region ?? 0,
      regionOffset: from.regionOffset ?? 0,
      bytes: from.bytes ?? 0,
      memoryOffset: from.memoryOffset ?? 0,
    })),
    ports: (cpu.ports ?? []).map((from) => ({
      name: from.name ?? "",
      memoryOffset: from.memoryOffset ?? 0,
    })),
  };
}

function bad(what: string): CodedError<"BAD_PROGRAM"> {
  return new CodedError("BAD_PROGRAM", what);
}
