/** What the verifier says of instruction set 1.1: features, types of accumulators, reductions, pixels, packing. */
import { describe, expect, test } from "@jest/globals";
import type { Program } from "../../../../protocol/program/index.ts";
import type { SocDescription } from "../../../../protocol/isa/index.ts";
import { socNamed, verifyProgram } from "../../../../device-agent/soc/index.ts";
import { CONVOLUTION, convolution } from "./convolution.ts";
import { SM8650 } from "./programs.ts";

/** The convolution in fp16: a weight tile of 2,048 bytes, half as many columns. */
const HALF = CONVOLUTION.replace("source=r4+0x100 bytes=1024", "source=r4+0x0 bytes=2048")
  .replace("hmx.load", "hmx.load_f16")
  .replace("hmx.mac set=0 rows=8 columns=8", "hmx.mac_f16 set=0 rows=8 columns=4")
  .replace(
    /hmx\.store .* zeroPoint=0 low=-128 high=127/,
    "hmx.store_f16 set=0 rows=8 columns=4 destination=r0+0x4000 low=64512 high=31744",
  );

function codeOf(program: Program, soc: SocDescription = SM8650): string {
  const verified = verifyProgram(program, soc);
  return verified.ok ? "" : verified.code;
}

/** HALF, and a vector run after the store, which a second copy would wait for. */
function withRun(operands: string, code: string, op = "hvx.run16"): Program {
  const run =
    `hvx0: ${op} vectors=8 rows=8 columns=4 operands=[${operands}] code={${code}} ` +
    "wait=1>=1 signal= origin=1";
  return convolution(`${HALF}\n${run}`);
}

describe("fp16", () => {
  test("a chip with the feature accepts it", () => expect(codeOf(convolution(HALF))).toBe(""));

  test("a chip without it refuses it by name", () => {
    expect(codeOf(convolution(HALF), { ...SM8650, features: [] })).toBe("UNSUPPORTED_FEATURE");
  });

  test("a function that v69 lacks is refused there", () => {
    const program = withRun("r0+0x4000:256", "|load_f16:r0,@0,tile=0,dy=0,dx=0;tanh_f16:r0,r0|");
    const v69 = socNamed("sm8450");
    expect(codeOf(program)).toBe("");
    expect(codeOf(program, { ...SM8650, features: v69!.features })).toBe("UNSUPPORTED_FEATURE");
  });

  test.each([
    ["an int32 set is stored as fp16", HALF.replace("hmx.load_f16", "hmx.load")],
    ["five columns of a 16-bit crouton", HALF.replaceAll("columns=4", "columns=5")],
  ])("%s", (_name, text) => {
    expect(codeOf(convolution(text))).toBe("BAD_OPERAND");
  });

  test("a cleared set is a zero of every type", () => {
    const text = HALF.replace(/hmx\.load_f16 set=0 bias=\S+/, "hmx.clear set=0");
    expect(codeOf(convolution(text))).toBe("");
  });
});

describe("vectors", () => {
  const LOAD = "load_f16:r0,@0,tile=0,dy=0,dx=0";
  const AT = "r0+0x4000:256";
  test.each([
    [
      "two float32 sums in one register depend on the order of strips",
      "BAD_MICRO_CODE",
      [AT, `splat_f32:r1,#0|${LOAD};accumulate_add_f32:r1,r0;accumulate_add_f32:r1,r0|`],
    ],
    ["one does not", "", [AT, `splat_f32:r1,#0|${LOAD};accumulate_add_f32:r1,r0|`]],
    ["a gather from nothing", "BAD_MICRO_CODE", [AT, `|${LOAD};gather_i16:r1,r0,@0,#0|`]],
    [
      "a gather behind what is written",
      "UNINITIALISED_READ",
      [AT, `|${LOAD};gather_i16:r1,r0,@0,#9999|`],
    ],
    ["pixels outside the pointer tables", "BAD_POINTER", ["*r0+0x0:0", `|${LOAD}|`]],
    [
      "a table of channels through pixels",
      "BAD_MICRO_CODE",
      [`${AT}|*r0+0x0:0`, `|${LOAD};shuffle_channels:r0,r0,@1|`],
    ],
    [
      "fills with no int16",
      "BAD_MICRO_CODE",
      [`${AT}|r0+0x4000:256`, `|${LOAD};store_i16:r0,@1,#40000|`],
    ],
  ] as const)("%s", (_name, expected, [operands, code]) => {
    expect(codeOf(withRun(operands, code))).toBe(expected);
  });

  test("weight tiles packed over one another", () => {
    const pack = (pitch: number): Program =>
      convolution(
        `${HALF}\nhvx0: hvx.pack elementBytes=1 transposed=1 tiles=2 source=r0+0x4000 destination=r0+0x8000 ` +
          `sourcePitch=1024 destinationPitch=${pitch} wait=1>=1 signal= origin=1`,
      );
    expect(codeOf(pack(1024))).toBe("");
    expect(codeOf(pack(512))).toBe("OVERLAP");
  });
});
