/** HVX packets of a micro-op list: maximum over the packet's resources, as in a modulo schedule. */
import { unreachable } from "../base/assert.ts";
import { divCeil } from "../base/integers.ts";
import { placeOf, tapOf } from "./place.ts";
import type { SocDescription } from "./soc.ts";
import { MICRO_OPS } from "./table.ts";
import type { InstructionOf, MicroOp, MicroRow, Operand, Resources, Window } from "./table.ts";

type Run = Pick<InstructionOf<"hvx.run">, "vectors" | "operands" | "code">;
type Pack = Pick<InstructionOf<"hvx.pack">, "elementBytes" | "transposed" | "tiles">;

/** An instruction of a vector context, with or without its synchronisation. */
export type VectorWork =
  ({ readonly op: "hvx.run" | "hvx.run16" } & Run) | ({ readonly op: "hvx.pack" } & Pack);

/** Cycles on its context. */
export function hvxCycles(work: VectorWork, soc: SocDescription): number {
  return work.op === "hvx.pack" ? packCycles(work, soc) : runCycles(work, soc);
}

/** Prologue, `vectors` times the body, epilogue, one latency. */
function runCycles(run: Run, soc: SocDescription): number {
  const { prologue, body, epilogue } = run.code;
  const packets = (ops: readonly MicroOp[]): number => packetCount(ops, run.operands, soc);
  const total = packets(prologue) + run.vectors * packets(body) + packets(epilogue);
  return packetCycles(total, soc);
}

function packetCycles(packets: number, { hvx }: SocDescription): number {
  return divCeil(packets * hvx.packetCyclesPercent, 100) + hvx.latencyCycles;
}

/** Stages of two-vector shuffles: log2 32 to transpose 32 rows, one to pair the pixels that lie one after another. */
const TRANSPOSE_STAGES = 5;
const PAIR_STAGES = 1;

/** A block is loaded, goes through the stages, and is stored. */
function packCycles(pack: Pack, soc: SocDescription): number {
  const vectors = 8 * pack.elementBytes;
  const stages = pack.transposed === 0 ? PAIR_STAGES : TRANSPOSE_STAGES;
  const permutes = (stages * vectors) / 2;
  const { packet } = soc.hvx;
  const perTile = Math.max(
    divCeil(vectors, packet.load),
    divCeil(vectors, packet.store),
    divCeil(permutes, packet.permute),
  );
  return packetCycles(pack.tiles * perTile, soc);
}

export function packetCount(
  ops: readonly MicroOp[],
  operands: readonly Operand[],
  soc: SocDescription,
): number {
  if (ops.length === 0) return 0;
  const total = { load: 0, store: 0, multiply: 0, alu: 0, permute: 0 };
  for (const op of ops) {
    const uses = usesOf(op, operands);
    total.load += uses.load;
    total.store += uses.store;
    total.multiply += uses.multiply;
    total.alu += uses.alu;
    total.permute += uses.permute;
  }
  const { packet } = soc.hvx;
  const slots = total.load + total.store + total.multiply + total.alu + total.permute;
  return Math.max(
    divCeil(total.load, packet.load),
    divCeil(total.store, packet.store),
    divCeil(total.multiply, packet.multiply),
    divCeil(total.alu, packet.alu),
    divCeil(total.permute, packet.permute),
    divCeil(slots, packet.slots),
  );
}

/** What the micro-op takes, given where its operand lies. */
export function usesOf(op: MicroOp, operands: readonly Operand[]): Resources {
  const row = MICRO_OPS[op.op];
  const bits = row.access?.pixelBits;
  const operand = operands[op.a];
  if (bits === undefined || operand === undefined) return row.uses;
  switch (operand.kind) {
    case "linear":
      return row.uses;
    case "pixels":
      // One load a pixel, and its way to its place.
      return { ...row.uses, load: 4, permute: bits === 8 ? 3 : 4 };
    case "window":
      if (row.access?.enlarged === true) return row.uses;
      return bits === 8 ? bytesOfWindow(op, row, operand.window) : halvesOfWindow(op, row, operand);
    default:
      return unreachable(operand);
  }
}

/** Loads of four pixels: one when they lie in one aligned vector, two and a realignment when they do not, three when strided. */
function bytesOfWindow(op: MicroOp, { uses, immediate }: MicroRow, window: Window): Resources {
  const { strideX, originX } = window;
  if (strideX !== 1) return { ...uses, load: 1 + strideX, permute: strideX };
  const dx = immediate === "place" ? placeOf(op.immediate).dx : tapOf(op.immediate)[1];
  return (originX + dx) % 4 === 0 ? uses : { ...uses, load: 2, permute: 1 };
}

/** Pairs of columns are interleaved: an even column costs nothing, an odd one a third load and two re-pairings. */
function halvesOfWindow(
  op: MicroOp,
  { uses }: MicroRow,
  { window }: Extract<Operand, { kind: "window" }>,
): Resources {
  const { strideX, originX } = window;
  if (strideX !== 1) {
    return { ...uses, load: divCeil(3 * strideX + 2, 2), permute: 2 * strideX };
  }
  const { dx } = placeOf(op.immediate);
  return (originX + dx) % 2 === 0 ? uses : { ...uses, load: 3, permute: 2 };
}
