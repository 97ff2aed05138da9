/**
 * What the verifier accepts is defined: thousands of mutants of a small program are refused with a code, or give
 * the same output on every chip state and in every order that their semaphores allow.
 */
import { describe, expect, test } from "@jest/globals";
import fc from "fast-check";
import { seededRandom } from "../../../../protocol/base/random.ts";
import type { Random } from "../../../../protocol/base/random.ts";
import { CodedError, unwrap } from "../../../../protocol/base/result.ts";
import { decodeProgram, encodeProgram } from "../../../../protocol/program/index.ts";
import type { Program } from "../../../../protocol/program/index.ts";
import { createMachine, verifyProgram } from "../../../../device-agent/soc/index.ts";
import type { VerifiedHtpSegment } from "../../../../device-agent/soc/index.ts";
import { CONVOLUTION, convolution } from "./convolution.ts";
import { INPUT, OUTPUT, SM8650 } from "./programs.ts";

/** The convolution, then its maximum with -5 on a vector context, which stores beside it; semaphore 2 = hvx0. */
const PIPELINE = CONVOLUTION.replace(
  "source=r0+0x4000 bytes=2048",
  "source=r0+0x4800 bytes=2048",
).replace(
  "wait=1>=1 signal= origin=2",
  "wait=2>=1 signal= origin=2\n" +
    "hvx0: hvx.run vectors=16 rows=8 columns=8 operands=[r0+0x4000:128|r0+0x4800:128] " +
    "code={splat_i32:r1,#-5|load_i8:r0,@0,dy=0,dx=0;maximum_i8:r0,r0,r1;store_i8:r0,@1,#0|} " +
    "wait=1>=1 signal=2 origin=1",
);

const LINES = PIPELINE.split("\n");
const NUMBERS = [...new Set(PIPELINE.match(/0x[0-9a-f]+|-?\d+/g))];

function mutate(random: Random): string {
  const lines = [...LINES];
  const at = random.below(lines.length);
  const line = lines[at]!;
  switch (random.below(6)) {
    case 0:
      lines[at] = line.replace(/wait=\S+/, "wait=");
      break;
    case 1:
      lines[at] = line.replace(/signal=\S+/, "signal=");
      break;
    case 2:
      lines.splice(at, 1);
      break;
    case 3:
      [lines[at], lines[(at + 1) % lines.length]] = [lines[(at + 1) % lines.length]!, line];
      break;
    default:
      lines[at] = changeNumber(line, random);
  }
  return lines.join("\n");
}

function changeNumber(line: string, random: Random): string {
  const found = [...line.matchAll(/(?<=[=+<,>:#@r])(0x[0-9a-f]+|-?\d+)/g)];
  const chosen = found[random.below(found.length)]!;
  const old = Number(chosen[0]);
  const isHex = chosen[0].startsWith("0x");
  const near = old + [-128, -32, -4, -1, 1, 2, 4, 16, 64, 128, 2048][random.below(11)]!;
  const next = random.below(4) === 0 ? Number(NUMBERS[random.below(NUMBERS.length)]) : near;
  const text = isHex ? `0x${Math.max(next, 0).toString(16)}` : String(next);
  return line.slice(0, chosen.index) + text + line.slice(chosen.index + chosen[0].length);
}

/** The program as it comes out of its file, or undefined when the text does not parse. */
function programOfText(text: string): Program | undefined {
  try {
    return unwrap(decodeProgram(encodeProgram(convolution(text))));
  } catch (error) {
    if (error instanceof CodedError) return undefined;
    throw error;
  }
}

/** The output after a run on memory full of `garbage`; the code when the program is refused. */
function outputOf(program: Program, garbage: number): Uint8Array | string {
  const verified = verifyProgram(program, SM8650);
  if (!verified.ok) return verified.code;
  const machine = unwrap(createMachine(verified.value));
  for (const index of [0, 1, OUTPUT]) machine.region(index).fill(garbage);
  machine.region(INPUT).forEach((_, at, input) => (input[at] = (at * 13) % 256));
  machine.run(verified.value.segments[0] as VerifiedHtpSegment);
  return machine.region(OUTPUT).slice();
}

/** The same program with its streams the other way round: another order of execution. */
function reordered(program: Program): Program {
  const segments = program.segments.map((segment) =>
    segment.kind === "htp" ? { ...segment, streams: segment.streams.toReversed() } : segment,
  );
  return { ...program, segments };
}

describe("mutants", () => {
  test("the program itself runs", () => {
    expect(outputOf(convolution(PIPELINE), 0)).toBeInstanceOf(Uint8Array);
  });

  test("are refused, or their output depends on nothing but the program and its input", () => {
    const tally = new Map<string, number>();
    fc.assert(
      fc.property(fc.noShrink(fc.integer({ min: 0, max: 2 ** 31 - 1 })), (seed) => {
        const program = programOfText(mutate(seededRandom(seed)));
        if (program === undefined) return;
        const output = outputOf(program, 0x5a);
        const code = typeof output === "string" ? output : "accepted";
        tally.set(code, (tally.get(code) ?? 0) + 1);
        const other = outputOf(reordered(program), 0xa5);
        if (typeof output === "string") expect(typeof other).toBe("string");
        else expect(Buffer.compare(output, other as Uint8Array)).toBe(0);
      }),
      { numRuns: 400 },
    );
    for (const code of ["accepted", "RACE", "DEADLOCK", "UNINITIALISED_READ", "OUT_OF_BOUNDS"]) {
      expect({ code, count: tally.get(code) ?? 0 }).not.toEqual({ code, count: 0 });
    }
  });
});
