/** Cycles of the engines that do not touch DDR: the matrix engine with its two accumulator sets, and HVX. */
import { unreachable } from "../../../protocol/base/assert.ts";
import {
  ACCUMULATOR_SETS,
  hvxCycles,
  ISA,
  isProduct,
  productCycles,
} from "../../../protocol/isa/index.ts";
import type { Instruction, SocDescription } from "../../../protocol/isa/index.ts";
import { accountOf, occupy, signal } from "./lane.ts";
import type { Lane, Lanes } from "./lane.ts";

/** One register write for the whole set. */
const CLEAR_CYCLES = 1;
/** One vector of bias, then the broadcast. */
const LOAD_CYCLES = 2;
/** A store hands its set to the output path and leaves the queue. */
const STORE_ISSUE_CYCLES = 1;

/** Requantising runs beside products into the other set: until when each set, and the path, are in use. */
export interface OutputPath {
  freeAt: number;
  readonly setFreeAt: number[];
}

export function outputPath(): OutputPath {
  return { freeAt: 0, setFreeAt: new Array<number>(ACCUMULATOR_SETS).fill(0) };
}

type HmxInstruction = Extract<Instruction, { readonly op: `hmx.${string}` }>;

type HvxInstruction = Extract<Instruction, { readonly op: `hvx.${string}` }>;

export function isHmx(instruction: Instruction): instruction is HmxInstruction {
  return ISA[instruction.op].engine === "hmx";
}

export function isHvx(instruction: Instruction): instruction is HvxInstruction {
  return ISA[instruction.op].engine === "hvx";
}

interface Issue<I> {
  readonly instruction: I;
  /** The queue is free and all waits hold. */
  readonly start: number;
  readonly soc: SocDescription;
}

export function issueHmx(
  lanes: Lanes,
  queue: { readonly lane: Lane; readonly output: OutputPath },
  issue: Issue<HmxInstruction>,
): void {
  const { lane, output } = queue;
  const { instruction, soc } = issue;
  const isStore = ISA[instruction.op].matrix.does === "store";
  const unitFreeAt = isStore ? output.freeAt : (output.setFreeAt[instruction.set] ?? 0);
  const start = Math.max(issue.start, unitFreeAt);
  accountOf(lane).stalls.output += start - issue.start;
  const completeAt = start + hmxCycles(instruction, soc);
  if (isStore) {
    output.freeAt = completeAt;
    output.setFreeAt[instruction.set] = completeAt;
  }
  occupy(lane, { start, freeAt: isStore ? start + STORE_ISSUE_CYCLES : completeAt });
  signal(lanes, lane, { instruction, completeAt });
}

function hmxCycles(instruction: HmxInstruction, soc: SocDescription): number {
  if (isProduct(instruction)) return productCycles(instruction, soc);
  const { does } = ISA[instruction.op].matrix;
  switch (does) {
    case "clear":
      return CLEAR_CYCLES;
    case "load":
      return LOAD_CYCLES;
    case "store":
      return soc.hmx.storeCycles;
    default:
      return unreachable(does);
  }
}

export function issueHvx(lanes: Lanes, lane: Lane, issue: Issue<HvxInstruction>): void {
  const { instruction, start, soc } = issue;
  const completeAt = start + hvxCycles(instruction, soc);
  occupy(lane, { start, freeAt: completeAt });
  signal(lanes, lane, { instruction, completeAt });
}
