/** Puts an hvx.run into the form that its kernels read: micro-ops and operands as words, addresses absolute. */
import { MICRO_OPS, VECTOR_REGISTERS } from "../../../protocol/isa/index.ts";
import type { HvxRun, MicroOp, Operand } from "../../../protocol/isa/index.ts";
import {
  MICRO_CODE,
  MICRO_OP_BYTES,
  OPERAND_BYTES,
  OPERANDS,
  REGISTER_BYTES,
  REGISTERS,
  STRIP_VECTORS,
  VTCM,
} from "./layout.ts";
import { MICRO_KERNEL_NAMES } from "./micro-kernels.ts";
import { OPERAND } from "./micro-pixels.ts";

export interface PreparedRun {
  /** To be placed at OPERANDS and at MICRO_CODE. */
  readonly operands: Int32Array;
  readonly microCode: Int32Array;
  /** Parameters of the kernel hvx_run, without vectors, rows and columns. */
  readonly prologueEnd: number;
  readonly bodyEnd: number;
  readonly epilogueEnd: number;
  /** Registers that the prologue sets, as bits. */
  readonly constants: number;
  /** 1 where vectors visit 16-bit croutons. */
  readonly wide: number;
}

const KERNEL_NUMBER = new Map(MICRO_KERNEL_NAMES.map((name, index) => [name, index]));

export function prepareRun(run: HvxRun): PreparedRun {
  const { prologue, body, epilogue } = run.code;
  const prologueEnd = MICRO_CODE + prologue.length * MICRO_OP_BYTES;
  const bodyEnd = prologueEnd + body.length * MICRO_OP_BYTES;
  return {
    operands: Int32Array.from(run.operands.flatMap(operandWords)),
    microCode: Int32Array.from([...prologue, ...body, ...epilogue].flatMap(microWords)),
    prologueEnd,
    bodyEnd,
    epilogueEnd: bodyEnd + epilogue.length * MICRO_OP_BYTES,
    constants: registersSet(prologue),
    wide: Number(run.op === "hvx.run16"),
  };
}

function operandWords(operand: Operand): number[] {
  const words = new Array<number>(OPERAND_BYTES / 4).fill(0);
  if (operand.kind === "linear") {
    words[OPERAND.linear.address / 4] = VTCM + operand.address.offset;
    words[OPERAND.linear.stride / 4] = operand.strideBytes;
    return words;
  }
  if (operand.kind === "pixels") {
    words[OPERAND.pixels.table / 4] = VTCM + operand.table.offset;
    words[OPERAND.pixels.offset / 4] = operand.offsetBytes;
    words[OPERAND.kind / 4] = 2;
    return words;
  }
  const { window } = operand;
  words[OPERAND.kind / 4] = 1;
  words[OPERAND.window.table / 4] = VTCM + window.table.offset;
  words[OPERAND.window.originY / 4] = window.originY;
  words[OPERAND.window.originX / 4] = window.originX;
  words[OPERAND.window.rowPitch / 4] = window.rowPitch;
  words[OPERAND.window.strideY / 4] = window.strideY;
  words[OPERAND.window.strideX / 4] = window.strideX;
  words[OPERAND.window.tilePitch / 4] = window.tilePitch;
  return words;
}

const FLOAT = new Float32Array(1);
const FLOAT_BITS = new Int32Array(FLOAT.buffer);

function microWords(micro: MicroOp): number[] {
  const row = MICRO_OPS[micro.op];
  const place = (use: string, index: number): number => {
    if (use === "operand") return OPERANDS + index * OPERAND_BYTES;
    return REGISTERS + index * STRIP_VECTORS * REGISTER_BYTES;
  };
  FLOAT[0] = micro.immediate;
  const immediate = row.immediate === "f32" ? (FLOAT_BITS[0] ?? 0) : micro.immediate;
  const kernel = KERNEL_NUMBER.get(micro.op) ?? -1;
  return [kernel, place(row.d, micro.d), place(row.a, micro.a), place(row.b, micro.b), immediate];
}

function registersSet(ops: readonly MicroOp[]): number {
  let bits = 0;
  for (const micro of ops) {
    if (MICRO_OPS[micro.op].d === "register" && micro.d < VECTOR_REGISTERS) bits |= 1 << micro.d;
  }
  return bits;
}
