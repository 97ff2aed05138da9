/** Whether a mutant is one that matters, and whether it is caught. */
import { createMachine, verifyProgram } from "../../device-agent/soc/index.ts";
import type {
  VerifiedHtpSegment,
  VerifiedProgram,
  VerifyCode,
} from "../../device-agent/soc/index.ts";
import { seededRandom } from "../../protocol/base/random.ts";
import { unwrap } from "../../protocol/base/result.ts";
import type { Instruction } from "../../protocol/isa/index.ts";
import type { HtpSegment, Program } from "../../protocol/program/index.ts";
import { conflictsOf, instructionsOf, orderingOf, staysInside } from "./happens-before.ts";
import type { Ordering } from "./happens-before.ts";
import { SOC } from "./subject.ts";

const INPUTS = 5;

export type Outputs = readonly Uint8Array[];

/** The program as it was, and what it gives. */
export interface Original {
  readonly program: Program;
  readonly ordering: Ordering;
  readonly outputs: Outputs;
}

export interface Verdict {
  /** Changes which of two conflicting accesses comes first, or leaves it open. */
  readonly changesOrder: boolean;
  /** Changes bytes of the output on one of the inputs; also where the verifier would not let it run. */
  readonly changesOutput: boolean;
  readonly caughtBy: VerifyCode | "output" | undefined;
}

export function original(program: Program): Original {
  const verified = unwrap(verifyProgram(program, SOC));
  const ordering = orderingOf(program.segments[0] as HtpSegment);
  if (ordering === undefined) throw new Error("the program itself does not end");
  return {
    program,
    ordering,
    outputs: outputsOf(verified, verified.segments[0] as VerifiedHtpSegment),
  };
}

export function judge(from: Original, mutant: Program): Verdict {
  const segment = mutant.segments[0] as HtpSegment;
  const verified = verifyProgram(mutant, SOC);
  const ordering = orderingOf(segment);
  const changesOrder = ordering === undefined || changesConflicts(from, mutant, ordering);
  // The cap on cycles is no catch: timing decides nothing here.
  if (!verified.ok && verified.code !== "TOO_MANY_CYCLES") {
    const changesOutput = ordering !== undefined && differs(from, runAnyway(mutant, ordering));
    return { changesOrder, changesOutput, caughtBy: verified.code };
  }
  const run = verified.ok
    ? outputsOf(verified.value, verified.value.segments[0] as VerifiedHtpSegment)
    : undefined;
  const changesOutput = differs(from, run);
  return { changesOrder, changesOutput, caughtBy: changesOutput ? "output" : undefined };
}

function changesConflicts(from: Original, mutant: Program, ordering: Ordering): boolean {
  const segment = mutant.segments[0] as HtpSegment;
  const pairs = conflictsOf(mutant, segment);
  if (pairs === undefined) return false;
  return pairs.some(([a, b]) => {
    const [forth, back] = [ordering.before(a, b), ordering.before(b, a)];
    if (!forth && !back) return true;
    return (forth && from.ordering.before(b, a)) || (back && from.ordering.before(a, b));
  });
}

/** Outputs of a refused mutant, in some order its semaphores allow; undefined where it would leave its memory. */
function runAnyway(mutant: Program, ordering: Ordering): Outputs | undefined {
  const segment = mutant.segments[0] as HtpSegment;
  if (!staysInside(mutant, segment)) return undefined;
  const all = instructionsOf(segment);
  const order = ordering.order.map((id): Instruction => all[id]!);
  const unverified = { kind: "htp", order } as unknown as VerifiedHtpSegment;
  const program = { program: mutant, soc: SOC, segments: [unverified] };
  try {
    return outputsOf(program as unknown as VerifiedProgram, unverified);
  } catch (error) {
    if (error instanceof WebAssembly.RuntimeError) return undefined;
    throw error;
  }
}

function differs(from: Original, outputs: Outputs | undefined): boolean {
  if (outputs === undefined) return false;
  return outputs.some((bytes, index) => Buffer.compare(bytes, from.outputs[index]!) !== 0);
}

/** All outputs, one after another, for each of the inputs. */
function outputsOf(verified: VerifiedProgram, segment: VerifiedHtpSegment): Outputs {
  const { program } = verified;
  const machine = unwrap(createMachine(verified));
  return Array.from({ length: INPUTS }, (_, index) => {
    const random = seededRandom(1000 + index);
    for (const port of program.inputs) {
      const region = machine.region(port.region);
      const isHalf = port.storage.kind === "pixels" && port.storage.element === "fp16";
      // fp16 below 2 in magnitude; int8 of any value.
      for (let at = 0; at < region.length; at++) {
        const byte = random.below(256);
        region[at] = isHalf && at % 2 === 1 ? byte & 0xbf : byte;
      }
    }
    machine.run(segment);
    return Buffer.concat(program.outputs.map(({ region }) => machine.region(region)));
  });
}
