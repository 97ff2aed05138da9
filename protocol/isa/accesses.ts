/**
 * Which bytes an instruction reads and writes: derived from the table's semantics, used by the compiler
 * to synchronise, by the verifier to prove it did, and by the chip to check it.
 */
import { unreachable } from "../base/assert.ts";
import { productForm } from "./matrix.ts";
import type { Product } from "./matrix.ts";
import { CROUTON_BYTES, VECTOR_BYTES } from "./table.ts";
import type { Address, Instruction, InstructionOf } from "./table.ts";
import { vectorAccesses } from "./vector-accesses.ts";
import { appendRun, appendWindow, span } from "./spans.ts";
import type { Accesses, OpenSpan, ReadPointer, Span, WindowArea } from "./spans.ts";

export type { Accesses, ReadPointer, Span } from "./spans.ts";

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
    case "hmx.load_f16":
      return { reads: [span(instruction.bias, 128)], writes: [] };
    case "hmx.load_i64":
      return { reads: [span(instruction.bias, 256)], writes: [] };
    case "hmx.mac":
    case "hmx.mac_zero":
    case "hmx.mac_f16":
    case "hmx.mac_i16":
      return productAccesses(instruction, pointer);
    case "hmx.store":
      return storeAccesses(instruction, [span(instruction.multipliers, 128)]);
    case "hmx.store_fixed":
      return storeAccesses(instruction, [span(instruction.multipliers, 256)]);
    case "hmx.store_f16":
      return storeAccesses(instruction, []);
    case "hmx.store_i16": {
      const bytes = instruction.mode === 0 ? 128 : 256;
      return storeAccesses(instruction, [span(instruction.multipliers, bytes)]);
    }
    case "hvx.pack":
      return packAccesses(instruction);
    case "hvx.run":
    case "hvx.run16":
      return vectorAccesses(instruction, pointer);
    default:
      return unreachable(instruction);
  }
}

function storeAccesses(
  { destination }: { readonly destination: Address },
  reads: readonly Span[],
): Accesses {
  return { reads, writes: [span(destination, CROUTON_BYTES)] };
}

function packAccesses(pack: InstructionOf<"hvx.pack">): Accesses {
  const { tiles, elementBytes, source, destination } = pack;
  const blocks = (base: Address, pitch: number): Span[] => {
    const spans: OpenSpan[] = [];
    for (let tile = 0; tile < tiles; tile++) {
      appendRun(spans, base, { offset: base.offset + tile * pitch, bytes: 1024 * elementBytes });
    }
    return spans;
  };
  return {
    reads: blocks(source, pack.sourcePitch),
    writes: blocks(destination, pack.destinationPitch),
  };
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

function productAccesses(mac: Product, pointer: ReadPointer): Accesses | undefined {
  const { pixelBits, weightTileBytes } = productForm(mac);
  const reads: OpenSpan[] = [];
  const tapRowFirst = Math.floor(mac.tapBegin / mac.tapColumns);
  const tapRowLast = Math.floor((mac.tapBegin + mac.tapCount - 1) / mac.tapColumns);
  const area: WindowArea = {
    yFirst: tapRowFirst * mac.dilationY,
    yLast: (mac.rows - 1) * mac.activations.strideY + tapRowLast * mac.dilationY,
    xFirst: 0,
    xLast: (mac.columns - 1) * mac.activations.strideX + (mac.tapColumns - 1) * mac.dilationX,
  };
  for (let tile = mac.tileBegin; tile < mac.tileBegin + mac.tileCount; tile++) {
    const read = { window: mac.activations, tile, area, pointer, pixelBits };
    if (!appendWindow(reads, read)) return undefined;
  }
  for (let tap = 0; tap < mac.tapCount; tap++) {
    const first = mac.weights.offset + tap * mac.weightTapPitch;
    for (let tile = 0; tile < mac.tileCount; tile++) {
      const offset = first + tile * mac.weightTilePitch;
      appendRun(reads, mac.weights, { offset, bytes: weightTileBytes });
    }
  }
  return { reads, writes: [] };
}
