/** Which bytes a run of micro-ops reads and writes. */
import { present, unreachable } from "../base/assert.ts";
import { placeOf, tapOf } from "./place.ts";
import { CROUTON_CHANNELS, MICRO_OPS, VTCM_REGION } from "./table.ts";
import type { HvxRun, MicroAccess, MicroOp, Operand, Window } from "./table.ts";
import { appendRun, appendWindow, span } from "./spans.ts";
import type { Accesses, OpenSpan, ReadPointer, Span, WindowArea } from "./spans.ts";

export function vectorAccesses(run: HvxRun, pointer: ReadPointer): Accesses | undefined {
  const reads: OpenSpan[] = [];
  const writes: OpenSpan[] = [];
  const parts = [
    { ops: run.code.prologue, vectors: 1 },
    { ops: run.code.body, vectors: run.vectors },
    { ops: run.code.epilogue, vectors: 1 },
  ];
  for (const { ops, vectors } of parts) {
    for (const use of operandUses(ops)) {
      const operand = run.operands[use.index];
      if (operand === undefined) return undefined;
      const spans = use.kind === "store" ? writes : reads;
      if (!appendUse(spans, { operand, use, vectors, pointer, op: run.op })) return undefined;
    }
  }
  return { reads, writes };
}

interface OperandUse {
  readonly index: number;
  readonly kind: MicroAccess["kind"];
  readonly bytes: number;
  readonly pixelBits: 8 | 16 | undefined;
  readonly enlarged: boolean;
  readonly tile: number;
  readonly area: WindowArea;
}

/** What a list of micro-ops does with each operand it names: loads joined, stores joined, taps of a tile joined. */
function operandUses(ops: readonly MicroOp[]): readonly OperandUse[] {
  const known = USES.get(ops) ?? usesOf(ops);
  USES.set(ops, known);
  return known;
}

/** Runs of one kernel share their micro-ops. */
const USES = new WeakMap<readonly MicroOp[], readonly OperandUse[]>();

function usesOf(ops: readonly MicroOp[]): OperandUse[] {
  const found = new Map<string, OperandUse>();
  for (const micro of ops) {
    const row = MICRO_OPS[micro.op];
    if (row.access === undefined) continue;
    const { kind, counted, pixelBits, enlarged = false } = row.access;
    const index = row.a === "operand" ? micro.a : micro.b;
    const { tile, dy, dx } = windowPlace(micro);
    const key = [index, kind === "store", tile, pixelBits, enlarged].join();
    const before = found.get(key);
    const bytes = row.access.bytes * (counted ? micro.immediate : 1);
    found.set(key, {
      index,
      kind,
      pixelBits,
      enlarged,
      tile,
      bytes: Math.max(bytes, before?.bytes ?? 0),
      area: {
        yFirst: Math.min(dy, before?.area.yFirst ?? dy),
        yLast: Math.max(dy, before?.area.yLast ?? dy),
        xFirst: Math.min(dx, before?.area.xFirst ?? dx),
        xLast: Math.max(dx, before?.area.xLast ?? dx),
      },
    });
  }
  return [...found.values()];
}

function windowPlace(micro: MicroOp): { tile: number; dy: number; dx: number } {
  const { immediate } = MICRO_OPS[micro.op];
  if (immediate === "place") return placeOf(micro.immediate);
  const [dy, dx] = immediate === "tap" ? tapOf(micro.immediate) : [0, 0];
  return { tile: 0, dy, dx };
}

interface Use {
  readonly operand: Operand;
  readonly use: OperandUse;
  readonly vectors: number;
  readonly pointer: ReadPointer;
  readonly op: HvxRun["op"];
}

/** False when the access leaves the pointer tables, or an operand that the micro-op cannot go through. */
function appendUse(spans: OpenSpan[], from: Use): boolean {
  const { operand, use } = from;
  switch (operand.kind) {
    case "linear":
      appendLinear(spans, { operand, vectors: from.vectors, bytes: use.bytes });
      return true;
    case "window": {
      if (use.pixelBits === undefined) return false;
      const { window } = operand;
      const area = use.enlarged ? enlargedArea(from, window) : visitedArea(from, window);
      const { pointer } = from;
      return appendWindow(spans, {
        window,
        tile: use.tile,
        area,
        pointer,
        pixelBits: use.pixelBits,
      });
    }
    case "pixels":
      return use.pixelBits !== undefined && appendPixels(spans, from, operand);
    default:
      return unreachable(operand);
  }
}

/** The same where strides divide. */
function enlargedArea(from: Use, window: Window): WindowArea {
  const [rowLast, columnLast] = lastPosition(from);
  const { area } = from.use;
  const { originY, originX, strideY, strideX } = window;
  const inside = (origin: number, place: number, stride: number): number =>
    Math.max(-origin, Math.floor(place / stride));
  return {
    yFirst: inside(originY, area.yFirst, strideY),
    yLast: inside(originY, area.yLast + rowLast, strideY),
    xFirst: inside(originX, area.xFirst, strideX),
    xLast: inside(originX, area.xLast + columnLast, strideX),
  };
}

interface LinearUse {
  readonly operand: Extract<Operand, { kind: "linear" }>;
  readonly vectors: number;
  readonly bytes: number;
}

function appendLinear(spans: OpenSpan[], use: LinearUse): void {
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

/** The last row and column of the vectors. */
function lastPosition({ vectors, op }: Use): readonly [row: number, column: number] {
  const last = vectors - 1;
  if (op === "hvx.run16") return [Math.min(last, 7), (last >> 3) * 4 + 3];
  return [Math.min(last, 15) >> 1, last === 0 ? 3 : (last >> 4) * 8 + 7];
}

/** Pixels that all vectors and taps reach, from the window's origin. */
function visitedArea(from: Use, window: Window): WindowArea {
  const [rowLast, columnLast] = lastPosition(from);
  const { area } = from.use;
  return {
    yFirst: area.yFirst,
    yLast: area.yLast + rowLast * window.strideY,
    xFirst: area.xFirst,
    xLast: area.xLast + columnLast * window.strideX,
  };
}

function appendPixels(
  spans: OpenSpan[],
  { use, vectors, pointer }: Use,
  operand: Extract<Operand, { kind: "pixels" }>,
): boolean {
  const { table, offsetBytes } = operand;
  spans.push(span(table, 16 * vectors));
  const step = present(use.pixelBits, "pixel bits") === 8 ? 1 : 4;
  const bytes = (CROUTON_CHANNELS - 1) * step + (step === 1 ? 1 : 2);
  const pixels: Span[] = [];
  for (let pixel = 0; pixel < 4 * vectors; pixel++) {
    const at = pointer(table.offset + 4 * pixel);
    if (at === undefined) return false;
    pixels.push({ region: VTCM_REGION, offset: at + offsetBytes, bytes });
  }
  // A pixel that several vectors read, and neighbours, count once.
  pixels.sort((a, b) => a.offset - b.offset);
  const first = spans.length;
  for (const { offset, region } of pixels) {
    const last = spans.length > first ? spans.at(-1) : undefined;
    const end = last === undefined ? -Infinity : last.offset + last.bytes;
    if (last !== undefined && offset <= end)
      last.bytes = Math.max(end, offset + bytes) - last.offset;
    else appendRun(spans, { region, offset }, { offset, bytes });
  }
  return true;
}
