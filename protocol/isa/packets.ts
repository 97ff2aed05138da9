/** HVX packets of a micro-op list: maximum over the packet's resources, as in a modulo schedule. */
import { divCeil } from "../base/integers.ts";
import { tapOf } from "./accesses.ts";
import type { SocDescription } from "./soc.ts";
import { MICRO_OPS } from "./table.ts";
import type { InstructionOf, MicroOp, Operand, Resources } from "./table.ts";

/** Total cycles of one hvx.run on its context: prologue, `vectors` times the body, epilogue, one latency. */
export function hvxCycles(
  run: Pick<InstructionOf<"hvx.run">, "vectors" | "operands" | "code">,
  soc: SocDescription,
): number {
  const { prologue, body, epilogue } = run.code;
  const packets = (ops: readonly MicroOp[]): number => packetCount(ops, run.operands, soc);
  return (
    packets(prologue) + run.vectors * packets(body) + packets(epilogue) + soc.hvx.latencyCycles
  );
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

/** Loads of four pixels: one when they lie in one aligned vector, two and a realignment when they do not, three when strided. */
function usesOf(op: MicroOp, operands: readonly Operand[]): Resources {
  const { uses } = MICRO_OPS[op.op];
  if (op.op !== "load_i8") return uses;
  const operand = operands[op.a];
  if (operand === undefined || operand.kind === "linear") return uses;
  const { strideX, originX } = operand.window;
  if (strideX !== 1) return { ...uses, load: 1 + strideX, permute: strideX };
  const [, dx] = tapOf(op.immediate);
  return (originX + dx) % 4 === 0 ? uses : { ...uses, load: 2, permute: 1 };
}
