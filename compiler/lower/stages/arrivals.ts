/** Rows of an input between DDR and croutons: dense pixels in slots of VTCM, turned there if they come as planes. */
import { linear } from "../emitter.ts";
import type { Format } from "../format.ts";
import type { Work } from "../stage.ts";
import { emitFill } from "./fill.ts";
import { evenParts } from "./segments.ts";

export interface Arrivals {
  readonly format: Format;
  readonly zeroPoint: number;
  /** A plane for every channel, to be turned by a task for every vector. */
  readonly turns: boolean;
  /** So many rows can be on their way. */
  readonly slots: number;
  /** Of one slot, whole vectors. */
  readonly slotBytes: number;
  /** A row of croutons before its pixels are interleaved; two rows in turn. */
  readonly plainBytes: number;
}

export function arrivalBytes({ turns, slots, slotBytes, plainBytes }: Arrivals): number {
  return 2 * plainBytes + slots * slotBytes * (turns ? 2 : 1);
}

/** VTCM offsets for the row under way. */
export interface Slot {
  readonly arrival: number;
  /** Where its pixels lie one after another. */
  readonly dense: number;
  readonly plain: number;
}

export function slotOf({ turns, slots, slotBytes, plainBytes }: Arrivals, work: Work): Slot {
  const { first: row } = work.rows;
  const arrival = work.scratch + 2 * plainBytes + (row % slots) * slotBytes;
  const dense = turns ? arrival + slots * slotBytes : arrival;
  return { arrival, dense, plain: work.scratch + (row % 2) * plainBytes };
}

/** All slots at once, with the first row: what comes in next must not wait for vector work in between. */
export function fillSlots(from: Arrivals, work: Work): void {
  if (work.rows.first > 0) return;
  const { format, zeroPoint: value } = from;
  const first = work.scratch + 2 * from.plainBytes;
  const vectors = (from.slots * from.slotBytes) / format.vectorBytes;
  for (const { begin, count } of evenParts(vectors, Math.min(vectors, work.emit.contexts))) {
    const at = first + begin * format.vectorBytes;
    emitFill(work.emit, { format, value, at, vectors: count });
  }
}

/**
 * Pixels that come as planes. Our ports lie pixel by pixel already, so this moves them as they are: it stands for
 * what the published stack spends on an image before the first operator.
 */
export function turnSlot(from: Arrivals, work: Work): void {
  if (!from.turns) return;
  const { arrival, dense } = slotOf(from, work);
  const { dtype, vectorBytes } = from.format;
  for (let offset = 0; offset < from.slotBytes; offset += vectorBytes) {
    work.emit.vector({
      format: from.format,
      kernel: `copy_${dtype}`,
      shape: { parameters: { outside: from.zeroPoint } },
      operands: {
        x: linear(arrival + offset, vectorBytes),
        y: linear(dense + offset, vectorBytes),
      },
      vectors: 1,
    });
  }
}
