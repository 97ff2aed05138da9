/** Programs of one segment each, made of the parts of one graph, as one program with tensors between its segments. */
import { present } from "../../../protocol/base/assert.ts";
import { product } from "../../../protocol/base/integers.ts";
import { CodedError } from "../../../protocol/base/result.ts";
import type { Instruction } from "../../../protocol/isa/index.ts";
import { VTCM_REGION } from "../../../protocol/isa/index.ts";
import { pixelElementBytes } from "../../../protocol/program/index.ts";
import type {
  Counters,
  Port,
  Program,
  Region,
  Segment,
  Storage,
} from "../../../protocol/program/index.ts";

/** Names of values, in the program's order. */
export interface Ends {
  readonly inputs: readonly string[];
  readonly outputs: readonly string[];
}

/**
 * Ports of the parts meet by name; what is no end of the program is a tensor. Throws CodedError `UNSUPPORTED_OP` where
 * two HTP parts want a value in different orders.
 */
export function link(parts: readonly Program[], ends: Ends): Program {
  const regions: Region[] = [{ kind: "vtcm", bytes: Math.max(...parts.map(vtcmBytes)) }];
  const ports = new Map<string, Port>();
  for (const port of meeting(parts)) {
    ports.set(port.name, { ...port, region: regions.length });
    regions.push({ kind: kindOf(port.name, ends), bytes: bytesOf(port) });
  }
  const origins: string[] = [];
  const segments = parts.map((part) => {
    const segment = moved(part, { regions, ports, firstOrigin: origins.length });
    origins.push(...part.origins);
    return segment;
  });
  const named = (names: readonly string[]): Port[] =>
    names.map((name) => present(ports.get(name), `port ${name}`));
  const isEnd = new Set([...ends.inputs, ...ends.outputs]);
  return {
    ...present(parts[0], "a part"),
    regions,
    inputs: named(ends.inputs),
    outputs: named(ends.outputs),
    tensors: [...ports.values()].filter(({ name }) => !isEnd.has(name)),
    origins,
    segments,
    counters: parts.map(({ counters }) => counters).reduce(added),
    blobs: new Map(parts.flatMap(({ blobs }) => [...blobs])),
  };
}

function vtcmBytes({ regions }: Program): number {
  return regions[VTCM_REGION]?.bytes ?? 0;
}

function kindOf(name: string, { inputs, outputs }: Ends): "input" | "output" | "tensor" {
  if (inputs.includes(name)) return "input";
  return outputs.includes(name) ? "output" : "tensor";
}

/** One port a name: as the HTP wants it, where the HTP has it at all; the CPU takes any. */
function meeting(parts: readonly Program[]): readonly Port[] {
  const met = new Map<string, { readonly port: Port; readonly isFirm: boolean }>();
  for (const { inputs, outputs, segments } of parts) {
    const isFirm = segments[0]?.kind === "htp";
    for (const port of [...inputs, ...outputs]) {
      const known = met.get(port.name);
      if (known?.isFirm && isFirm && !sameStorage(known.port.storage, port.storage)) {
        const message = `${port.name} would be read in another order than it is written in`;
        throw new CodedError("UNSUPPORTED_OP", message, { node: port.name });
      }
      if (known === undefined || (isFirm && !known.isFirm)) met.set(port.name, { port, isFirm });
    }
  }
  return [...met.values()].map(({ port }) => port);
}

function sameStorage(a: Storage, b: Storage): boolean {
  if (a.kind === "float32" || b.kind === "float32") return a.kind === b.kind;
  const keys = ["element", "scale", "zeroPoint", "rows", "columns", "channels"] as const;
  return keys.every((key) => a[key] === b[key]);
}

function bytesOf({ shape, storage }: Pick<Port, "shape" | "storage">): number {
  return product(shape) * (storage.kind === "float32" ? 4 : pixelElementBytes(storage.element));
}

interface Whole {
  /** Grows by what a part has to itself. */
  readonly regions: Region[];
  readonly ports: ReadonlyMap<string, Port>;
  readonly firstOrigin: number;
}

/** The part's segment with its regions and origins where the whole has them. */
function moved(part: Program, whole: Whole): Segment {
  const [segment] = part.segments;
  const regionOf = newRegions(part, whole);
  const flow = {
    reads: part.inputs.map(({ name }) => name),
    writes: part.outputs.map(({ name }) => name),
  };
  if (segment?.kind === "cpu") {
    const image = segment.image.map((one) => ({ ...one, region: regionOf(one.region) }));
    return { ...segment, flow, image };
  }
  const { tables, streams } = present(segment, "a segment");
  return {
    kind: "htp",
    flow,
    tables: { ...tables, region: regionOf(tables.region) },
    streams: streams.map(({ queue, instructions }) => ({
      queue,
      instructions: instructions.map((one) => movedInstruction(one, regionOf, whole.firstOrigin)),
    })),
  };
}

function newRegions(part: Program, { regions, ports }: Whole): (region: number) => number {
  const names = new Map(
    [...part.inputs, ...part.outputs].map(({ region, name }) => [region, name]),
  );
  const places = part.regions.map((region, index) => {
    if (index === VTCM_REGION) return VTCM_REGION;
    const name = names.get(index);
    if (name !== undefined) return present(ports.get(name), `port ${name}`).region;
    return regions.push(region) - 1;
  });
  return (region) => present(places[region], `region ${region}`);
}

/** Copies alone reach beyond VTCM. */
function movedInstruction(
  instruction: Instruction,
  regionOf: (region: number) => number,
  firstOrigin: number,
): Instruction {
  const origin = instruction.origin + firstOrigin;
  if (instruction.op !== "dma.copy") return { ...instruction, origin };
  const { source, destination } = instruction;
  return {
    ...instruction,
    origin,
    source: { ...source, region: regionOf(source.region) },
    destination: { ...destination, region: regionOf(destination.region) },
  };
}

function added(a: Counters, b: Counters): Counters {
  return {
    macsInt8: a.macsInt8 + b.macsInt8,
    macsFp16: a.macsFp16 + b.macsFp16,
    macsInt16: a.macsInt16 + b.macsInt16,
    ddrReadBytes: a.ddrReadBytes + b.ddrReadBytes,
    ddrWriteBytes: a.ddrWriteBytes + b.ddrWriteBytes,
    vtcmPeakBytes: Math.max(a.vtcmPeakBytes, b.vtcmPeakBytes),
  };
}
