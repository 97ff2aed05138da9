/** Writes the listing: constants and tables into one blob, then every step's copies and instructions. */
import { present } from "../../protocol/base/assert.ts";
import { equalBytes } from "../../protocol/base/bytes.ts";
import { alignUp } from "../../protocol/base/integers.ts";
import { CROUTON_BYTES } from "../../protocol/isa/index.ts";
import { emission, vtcm } from "./emitter.ts";
import type { EmissionState, Emitter } from "./emitter.ts";
import { FORMATS } from "./format.ts";
import { gridOf } from "./grid.ts";
import { placeOf } from "./layout.ts";
import type { Layout } from "./layout.ts";
import type { Lowered, LoweringRequest } from "./request.ts";
import { portBytes, WEIGHTS_REGION } from "./network.ts";
import type { Network } from "./network.ts";
import type { Chunk, Fill, Place, Stage, ValueId, Work } from "./stage.ts";
import { emitFill } from "./stages/fill.ts";
import type { FilledVectors } from "./stages/fill.ts";
import { buildTables, fillIndex } from "./tables.ts";
import type { Tables } from "./tables.ts";

const BLOB_ALIGNMENT = 128;

export function writeListing(request: LoweringRequest, network: Network, layout: Layout): Lowered {
  const places = placeCache(layout);
  const fillAt = (fill: Fill): number =>
    layout.fillOffset + fillIndex(layout.tables.fills, fill) * CROUTON_BYTES;
  const tables = buildTables({
    layout: layout.tables,
    schedule: layout.schedule,
    base: 0,
    place: places,
    fill: fillAt,
  });
  const blob = request.weightless ? blankBlob(layout) : packBlob(layout, tables);
  const state = emission(request.soc, request.kernels);
  const origins = originTable(layout.schedule.stages);
  writeStart(layout, state.forOrigin(0), fillAt);
  writeSteps({ layout, tables, places, blob, state, origins });
  const ports = [...network.inputs, ...network.outputs];
  const regionBytes = [
    request.soc.vtcmBytes,
    undefined,
    ...network.inputs.map(() => undefined),
    ...network.outputs.map(portBytes),
    ...(layout.ddrBytes > 0 ? [layout.ddrBytes] : []),
  ];
  return {
    listing: {
      queues: state.queues,
      sequence: state.sequence,
      regionBytes,
      pointer: tables.pointer,
    },
    inputs: ports.slice(0, network.inputs.length),
    outputs: ports.slice(network.inputs.length),
    blob: blob.bytes,
    tables: { vtcmOffset: 0, bytes: layout.tables.bytes },
    scratchBytes: layout.ddrBytes,
    origins: origins.names,
    vtcmPeakBytes: layout.vtcmPeakBytes,
    vtcmLowerBoundBytes: layout.vtcmLowerBoundBytes,
  };
}

function placeCache(layout: Layout): (id: ValueId) => Place {
  const known = new Map<ValueId, Place>();
  return (id) => {
    const place = known.get(id) ?? placeOf(layout, id);
    known.set(id, place);
    return place;
  };
}

interface Origins {
  readonly names: readonly string[];
  /** By stage. */
  readonly ofStage: readonly number[];
}

function originTable(stages: readonly Stage[]): Origins {
  const indices = new Map<string, number>();
  const ofStage = stages.map(({ node }) => {
    const index = indices.get(node) ?? indices.size;
    indices.set(node, index);
    return index;
  });
  return { names: [...indices.keys()], ofStage };
}

interface Blob {
  readonly bytes: Uint8Array;
  /** By position in `Layout.chunks`. */
  readonly chunkOffsets: readonly number[];
}

/** Tables from offset 0, then the chunks in the order of their use; equal ones are stored once. */
function packBlob(layout: Layout, tables: Tables): Blob {
  const first = alignUp(layout.tables.bytes, BLOB_ALIGNMENT);
  const uses = chunksInUse(layout);
  const chunks = [...new Set(uses)];
  const bytes = new Uint8Array(
    chunks.reduce((end, chunk) => alignUp(end + chunk.bytes, BLOB_ALIGNMENT), first),
  );
  const view = new DataView(bytes.buffer);
  tables.content.forEach((pointer, index) => view.setUint32(4 * index, pointer, true));
  const packer = chunkPacker(bytes, first);
  const offsets = new Map(chunks.map((chunk) => [chunk, packer.place(chunk.pack())]));
  const chunkOffsets = uses.map((chunk) => offsets.get(chunk) ?? 0);
  return { bytes: bytes.subarray(0, packer.end()), chunkOffsets };
}

/** Where the chunks would lie, were none like another. */
function blankBlob(layout: Layout): Blob {
  const offsets = new Map<Chunk, number>();
  let end = alignUp(layout.tables.bytes, BLOB_ALIGNMENT);
  const chunkOffsets = chunksInUse(layout).map((chunk) => {
    const offset = offsets.get(chunk) ?? end;
    if (offset === end) end = alignUp(end + chunk.bytes, BLOB_ALIGNMENT);
    offsets.set(chunk, offset);
    return offset;
  });
  return { bytes: new Uint8Array(0), chunkOffsets };
}

function chunksInUse({ chunks, schedule: { stages } }: Layout): Chunk[] {
  return chunks.map(({ stage, chunk }) => present(stages[stage]?.chunks[chunk], "chunk"));
}

/** Writes chunks one behind the other, but those whose bytes are there already. */
function chunkPacker(into: Uint8Array, first: number) {
  let end = first;
  const bySize = new Map<number, number[]>();
  return {
    end: () => end,
    place(packed: Uint8Array): number {
      const alike = bySize.get(packed.length) ?? [];
      bySize.set(packed.length, alike);
      const found = alike.find((at) => equalBytes(into.subarray(at, at + packed.length), packed));
      if (found !== undefined) return found;
      const offset = end;
      into.set(packed, offset);
      alike.push(offset);
      end = alignUp(end + packed.length, BLOB_ALIGNMENT);
      return offset;
    },
  };
}

/** Before any stage: the pointer tables, and the croutons that halos read. */
function writeStart(layout: Layout, emit: Emitter, fillAt: (fill: Fill) => number): void {
  const { sparse } = layout;
  for (let done = 0; done < sparse.bytes; done += FILL_BYTES) {
    const bytes = Math.min(FILL_BYTES, sparse.bytes - done);
    writeFill(emit, { at: sparse.offset + done, bytes, value: 0, format: FORMATS.i8 });
  }
  const { bytes, fills } = layout.tables;
  const source = { region: WEIGHTS_REGION, offset: 0 };
  if (bytes > 0) emit.copy("in", { destination: vtcm(0), source, bytes });
  for (const fill of fills) {
    writeFill(emit, { ...fill, at: fillAt(fill), bytes: CROUTON_BYTES });
  }
}

/** Memory that one run of the fill kernel covers. */
const FILL_BYTES = 32 * 1024;

function writeFill(
  emit: Emitter,
  { bytes, ...from }: Omit<FilledVectors, "vectors"> & { readonly bytes: number },
): void {
  emitFill(emit, { ...from, vectors: bytes / from.format.vectorBytes });
}

interface Writing {
  readonly layout: Layout;
  readonly tables: Tables;
  readonly places: (id: ValueId) => Place;
  readonly blob: Blob;
  readonly state: EmissionState;
  readonly origins: Origins;
}

function writeSteps(from: Writing): void {
  const { layout } = from;
  const { outlook } = from.state;
  const arriving = layout.schedule.steps.map((): number[] => []);
  layout.chunks.forEach(({ start }, index) => arriving[start]?.push(index));
  const emitters = from.origins.names.map((_, origin) => from.state.forOrigin(origin));
  const works = layout.schedule.stages.map((stage) => stageWork(from, stage));
  layout.schedule.steps.forEach((step, index) => {
    const stage = present(layout.schedule.stages[step.stage], "stage");
    const emit = present(emitters[from.origins.ofStage[step.stage] ?? 0], "emitter");
    const chunk = layout.chunkOfStep[index];
    const constants = chunk === undefined ? 0 : (layout.chunkOffsets[chunk] ?? 0);
    for (const arrival of arriving[index] ?? []) writeChunk(from, arrival, emitters);
    outlook.begin(
      stage.inputs.map((id, input) => ({
        value: ownerOf(layout, id),
        ...stage.inputRows(input, step.rows),
      })),
    );
    stage.emit({
      ...present(works[step.stage], "work"),
      rows: step.rows,
      chunk: step.chunk,
      emit,
      constants,
      scratch: layout.scratchOffsets.get(step.stage) ?? 0,
      sparseTiles: layout.sparse.offsets.get(step.stage) ?? 0,
    });
    if (stage.output === undefined) return;
    outlook.end({ value: ownerOf(layout, stage.output), ...step.rows });
  });
}

/** The value that a part lies in. */
function ownerOf(layout: Layout, id: ValueId): ValueId {
  return layout.values[id]?.within?.value ?? id;
}

function writeChunk(from: Writing, index: number, emitters: readonly Emitter[]): void {
  const { stage, chunk, bytes } = present(from.layout.chunks[index], "chunk");
  const emit = present(emitters[from.origins.ofStage[stage] ?? 0], "emitter");
  const source = { region: WEIGHTS_REGION, offset: from.blob.chunkOffsets[index] ?? 0 };
  const constants = from.layout.chunkOffsets[index] ?? 0;
  emit.copy("in", { destination: vtcm(constants), source, bytes });
  const tiles = from.layout.sparse.offsets.get(stage);
  if (chunk !== 0 || tiles === undefined) return;
  present(from.layout.schedule.stages[stage]?.sparse, "sparse tiles").spread(
    emit,
    constants,
    tiles,
  );
}

function stageWork(
  from: Writing,
  stage: Stage,
): Pick<Work, "output" | "input" | "table" | "pixelTable"> {
  const { output, inputs, views } = stage;
  const inputPlaces = inputs.map(from.places);
  const tables = views.map(({ input, halo }) =>
    from.tables.view(present(inputs[input], "viewed input"), halo),
  );
  return {
    output: output === undefined ? NOWHERE : from.places(output),
    input: (index) => present(inputPlaces[index], "input"),
    table: (view) => present(tables[view], "table"),
    pixelTable: (index) => from.tables.pixelTable(present(stage.pixelTables?.[index], "table")),
  };
}

const NOWHERE: Place = {
  grid: gridOf({ height: 0, width: 0, channels: 0, groupChannels: 1 }, FORMATS.i8),
  offset: () => {
    throw new Error("bug: a stage without output has no place for it");
  },
};
