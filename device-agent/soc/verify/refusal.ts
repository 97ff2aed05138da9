/** How the verifier says no: a closed code, and where in the program. */
import { CodedError } from "../../../protocol/base/result.ts";
import type { Instruction, Stream } from "../../../protocol/isa/index.ts";
import type { CpuModuleCode } from "../../../protocol/wasm/validate.ts";

export type VerifyCode =
  | "WRONG_SOC"
  | "WRONG_ISA"
  | "PROGRAM_TOO_LARGE"
  | "VTCM_TOO_SMALL"
  | "BAD_QUEUE"
  | "BAD_OPERAND"
  | "UNSUPPORTED_FEATURE"
  | "BAD_MICRO_CODE"
  | "BAD_POINTER_TABLE"
  | "BAD_POINTER"
  | "NOT_IN_VTCM"
  | "OUT_OF_BOUNDS"
  | "WRITE_TO_CONSTANT"
  | "OVERLAP"
  | "SHARED_SEMAPHORE"
  | "DEADLOCK"
  | "RACE"
  | "UNINITIALISED_READ"
  | "OUTPUT_NOT_WRITTEN"
  | "TOO_MANY_CYCLES"
  | "BAD_PORT"
  /** What segments read and write makes no graph; then, by what is wrong with one tensor. */
  | "BAD_FLOW"
  | "READ_BEFORE_WRITE"
  | "WRITTEN_TWICE"
  /** An access to a port or tensor that the segment does not name. */
  | "NOT_IN_FLOW"
  | "TENSOR_NOT_WRITTEN"
  | "BAD_CPU_SEGMENT"
  | CpuModuleCode;

/** One instruction of a segment. */
export interface Place {
  readonly streams: readonly Stream[];
  /** Names of the model's nodes. */
  readonly origins: readonly string[];
  /** Index into streams. */
  readonly lane: number;
  readonly index: number;
}

function instructionAt(place: Place): Instruction | undefined {
  return place.streams[place.lane]?.instructions[place.index];
}

/** For instance `hmx0[12] hmx.mac (conv_3)`. */
export function placeName(place: Place): string {
  const queue = place.streams[place.lane]?.queue;
  const instruction = instructionAt(place);
  const origin = instruction === undefined ? undefined : place.origins[instruction.origin];
  const name = `${queue?.engine ?? "queue"}${queue?.index ?? place.lane}[${place.index}]`;
  return `${name} ${instruction?.op ?? ""} (${origin ?? "no origin"})`;
}

/** The failure of one instruction, thrown through the walk and returned by verifyProgram. */
export function refuse(code: VerifyCode, place: Place, what: string): never {
  const queue = place.streams[place.lane]?.queue;
  const origin = instructionAt(place)?.origin ?? 0;
  throw new CodedError<VerifyCode>(code, `${placeName(place)} ${what}`, {
    queue: `${queue?.engine ?? ""}${queue?.index ?? ""}`,
    instruction: place.index,
    origin: place.origins[origin] ?? "",
  });
}
