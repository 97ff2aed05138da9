/**
 * Which bytes an instruction reads and writes: derived from the table's semantics, used by the compiler
 * to synchronise, by the verifier to prove it did, and by the chip to check it.
 */
import { unreachable } from "../base/assert.ts";
import { CROUTON_BYTES, MICRO_OPS, VECTOR_BYTES, VTCM_REGION, WEIGHT_TILE_BYTES } from "./table.ts";
import type { Address, Instruction, InstructionOf, MicroOp, Operand, Window } from "./table.ts";

/** A run of bytes; whole croutons where access goes through a pointer table. */
export interface Span {
  readonly region: number;
  readonly offset: number;
  readonly bytes: number;
}

export interface Accesses {
  readonly reads: readonly Span[];
  readonly writes: readonly Span[];
}

/** The u32 at a VTCM offset inside the program's declared pointer tables; undefined outside them. */
export type ReadPointer = (vtcmOffset: number) => number | undefined;

/** Spans of a DMA with gaps narrower than this are reported as one covering span. */
const GAP_MERGE_BYTES = VECTOR_BYTES;

/** Undefined when a window leaves the pointer tables or names a negative pixel. */
export function accessesOf(instruction: Instruction, pointer: ReadPointer): Accesses | undefined {
  switch (instruction.op) {
    case "dma.copy":
      return dmaAccesses(instruction);
    case "hmx.clear":
      return { reads: [], writes: [] };
    case "hmx.load":
      return { reads: [span(instruction.bias, 128)], writes: [] };
    case "hmx.mac":
      return macAccesses(instruction, pointer);
    case "hmx.store":
      return {
        reads: [span(instruction.multipliers, 128)],
        writes: [span(instruction.destination, CROUTON_BYTES)],
      };
    case "hvx.run":
      return hvxAccesses(instruction, pointer);
    default:
      return unreachable(instruction);
  }
}

function span(address: Address, bytes: number): Span {
  return { region: address.region, offset: address.offset, bytes };
}

function dmaAccesses(copy: InstructionOf<"dma.copy">): Accesses {
  const side = (base: Address, rowStride: number, planeStride: number): Span[] =>
    stridedSpans(base, {
      bytes: copy.bytes,
      rows: copy.rows,
      rowStride,
      planes: copy.planes,
      planeStride,
    });
  return {
    reads: side(copy.source, copy.sourceRowStride, copy.sourcePlaneStride),
    writes: side(copy.destination, copy.destinationRowStride, copy.destinationPlaneStride),
  };
}

interface Strided {
  readonly bytes: number;
  readonly rows: number;
  readonly rowStride: number;
  readonly planes: number;
  readonly planeStride: number;
}

function stridedSpans(base: Address, shape: Strided): Span[] {
  const spans: OpenSpan[] = [];
  for (let plane = 0; plane < shape.planes; plane++) {
    const start = base.offset + plane * shape.planeStride;
    if (isDense(shape)) {
      const bytes = (shape.rows - 1) * shape.rowStride + shape.bytes;
      appendRun(spans, base, { offset: start, bytes });
      continue;
    }
    for (let row = 0; row < shape.rows; row++) {
      appendRun(spans, base, { offset: start + row * shape.rowStride, bytes: shape.bytes });
    }
  }
  return spans;
}

function isDense(shape: Strided): boolean {
  if (shape.rows === 1) return true;
  return shape.rowStride > 0 && shape.rowStride - shape.bytes < GAP_MERGE_BYTES;
}

/** A span under construction. */
type OpenSpan = { -readonly [Field in keyof Span]: Span[Field] };

/** Adds a run of bytes, to the last span where it continues it. */
function appendRun(spans: OpenSpan[], base: Address, run: Pick<Span, "offset" | "bytes">): void {
  const last = spans.at(-1);
  if (last?.region === base.region && last.offset + last.bytes === run.offset) {
    last.bytes += run.bytes;
  } else spans.push({ region: base.region, offset: run.offset, bytes: run.bytes });
}

function macAccesses(mac: InstructionOf<"hmx.mac">, pointer: ReadPointer): Accesses | undefined {
  const reads: OpenSpan[] = [];
  const tapRowFirst = Math.floor(mac.tapBegin / mac.tapColumns);
  const tapRowLast = Math.floor((mac.tapBegin + mac.tapCount - 1) / mac.tapColumns);
  const area: Area = {
    yFirst: tapRowFirst * mac.dilationY,
    yLast: (mac.rows - 1) * mac.activations.strideY + tapRowLast * mac.dilationY,
    xFirst: 0,
    xLast: (mac.columns - 1) * mac.activations.strideX + (mac.tapColumns - 1) * mac.dilationX,
  };
  for (let tile = mac.tileBegin; tile < mac.tileBegin + mac.tileCount; tile++) {
    if (!appendWindow(reads, { window: mac.activations, tile, area, pointer })) return undefined;
  }
  for (let tap = 0; tap < mac.tapCount; tap++) {
    const first = mac.weights.offset + tap * mac.weightTapPitch;
    for (let tile = 0; tile < mac.tileCount; tile++) {
      const offset = first + tile * mac.weightTilePitch;
      appendRun(reads, mac.weights, { offset, bytes: WEIGHT_TILE_BYTES });
    }
  }
  return { reads, writes: [] };
}

/** Pixel offsets from the window's origin, both ends included. */
interface Area {
  readonly yFirst: number;
  readonly yLast: number;
  readonly xFirst: number;
  readonly xLast: number;
}

interface WindowRead {
  readonly window: Window;
  readonly tile: number;
  readonly area: Area;
  readonly pointer: ReadPointer;
}

function appendWindow(reads: Span[], read: WindowRead): boolean {
  const { window, area } = read;
  const yFirst = window.originY + area.yFirst;
  const xFirst = window.originX + area.xFirst;
  if (yFirst < 0 || xFirst < 0) return false;
  const columnFirst = xFirst >> 3;
  const columnLast = (window.originX + area.xLast) >> 3;
  for (let row = yFirst >> 3; row <= (window.originY + area.yLast) >> 3; row++) {
    const entry = read.tile * window.tilePitch + row * window.rowPitch + columnFirst;
    const at = window.table.offset + 4 * entry;
    reads.push({
      region: window.table.region,
      offset: at,
      bytes: 4 * (columnLast - columnFirst + 1),
    });
    for (let column = columnFirst; column <= columnLast; column++) {
      const offset = read.pointer(at + 4 * (column - columnFirst));
      if (offset === undefined) return false;
      reads.push({ region: VTCM_REGION, offset, bytes: CROUTON_BYTES });
    }
  }
  return true;
}

/** Bytes that one vector step of a linear operand touches, by micro-op. */
const LINEAR_BYTES: Readonly<Record<string, number>> = {
  load_i8: 128,
  load_i32: 512,
  load_channel_i8: 32,
  load_channel_i32: 128,
  table_i8: 256,
  table_i32: 1024,
  store_i8: 128,
  store_i32: 512,
  store_channel_i32: 128,
};

function hvxAccesses(run: InstructionOf<"hvx.run">, pointer: ReadPointer): Accesses | undefined {
  const reads: Span[] = [];
  const writes: Span[] = [];
  const parts = [
    { ops: run.code.prologue, vectors: 1 },
    { ops: run.code.body, vectors: run.vectors },
    { ops: run.code.epilogue, vectors: 1 },
  ];
  for (const { ops, vectors } of parts) {
    for (const use of operandUses(ops)) {
      const operand = run.operands[use.index];
      if (operand === undefined) return undefined;
      if (operand.kind === "linear") {
        appendLinear(use.writes ? writes : reads, { operand, vectors, bytes: use.bytes });
      } else if (
        use.writes ||
        !appendWindow(reads, hvxWindowRead({ operand, vectors, use, pointer }))
      ) {
        return undefined;
      }
    }
  }
  return { reads, writes };
}

interface OperandUse {
  readonly index: number;
  readonly writes: boolean;
  readonly bytes: number;
  readonly area: Area;
}

/** What a list of micro-ops does with each operand it names: loads joined, stores joined, taps joined. */
function operandUses(ops: readonly MicroOp[]): Iterable<OperandUse> {
  const found = new Map<number, OperandUse>();
  for (const micro of ops) {
    const row = MICRO_OPS[micro.op];
    const index = row.a === "operand" ? micro.a : row.b === "operand" ? micro.b : undefined;
    if (index === undefined) continue;
    const writes = micro.op.startsWith("store");
    const key = index * 2 + Number(writes);
    const [dy, dx] = tapOf(micro.immediate);
    const before = found.get(key);
    found.set(key, {
      index,
      writes,
      bytes: Math.max(LINEAR_BYTES[micro.op] ?? 0, before?.bytes ?? 0),
      area: {
        yFirst: Math.min(dy, before?.area.yFirst ?? dy),
        yLast: Math.max(dy, before?.area.yLast ?? dy),
        xFirst: Math.min(dx, before?.area.xFirst ?? dx),
        xLast: Math.max(dx, before?.area.xLast ?? dx),
      },
    });
  }
  return found.values();
}

/** The (dy, dx) of a window load's immediate. */
export function tapOf(immediate: number): readonly [dy: number, dx: number] {
  return [immediate >> 8, immediate & 0xff];
}

export function tapImmediate(dy: number, dx: number): number {
  return dy * 256 + dx;
}

interface LinearUse {
  readonly operand: Extract<Operand, { kind: "linear" }>;
  readonly vectors: number;
  readonly bytes: number;
}

function appendLinear(spans: Span[], use: LinearUse): void {
  const { address, strideBytes } = use.operand;
  if (strideBytes === 0 || use.vectors === 1) {
    spans.push(span(address, use.bytes));
  } else if (strideBytes === use.bytes) {
    spans.push(span(address, use.bytes * use.vectors));
  } else {
    for (let vector = 0; vector < use.vectors; vector++) {
      spans.push({
        region: address.region,
        offset: address.offset + vector * strideBytes,
        bytes: use.bytes,
      });
    }
  }
}

function hvxWindowRead(from: {
  readonly operand: Extract<Operand, { kind: "window" }>;
  readonly vectors: number;
  readonly use: OperandUse;
  readonly pointer: ReadPointer;
}): WindowRead {
  const { window } = from.operand;
  const rowLast = Math.min(from.vectors - 1, 15) >> 1;
  const columnLast = from.vectors === 1 ? 3 : ((from.vectors - 1) >> 4) * 8 + 7;
  const { area } = from.use;
  return {
    window,
    tile: 0,
    pointer: from.pointer,
    area: {
      yFirst: area.yFirst,
      yLast: area.yLast + rowLast * window.strideY,
      xFirst: area.xFirst,
      xLast: area.xLast + columnLast * window.strideX,
    },
  };
}
