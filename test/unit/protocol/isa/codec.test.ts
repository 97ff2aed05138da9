/** The instruction table's folds: codec and text form carry every field of every row; broken bytes are refused. */
import { describe, expect, test } from "@jest/globals";
import fc from "fast-check";
import { CodedError } from "../../../../protocol/base/result.ts";
import {
  decodeInstructions,
  encodeInstructions,
  ISA,
  isaManual,
  MICRO_OPS,
  parseInstruction,
  parseMicroOp,
  printInstruction,
  printMicroOp,
} from "../../../../protocol/isa/index.ts";
import { instruction, microOp } from "./arbitrary.ts";

function codeOf(act: () => unknown): string {
  try {
    act();
    return "";
  } catch (error) {
    if (error instanceof CodedError) return error.code;
    throw error;
  }
}

describe("bytes", () => {
  test("what is encoded decodes to itself", () => {
    fc.assert(
      fc.property(fc.array(instruction, { maxLength: 5 }), (instructions) => {
        expect(decodeInstructions(encodeInstructions(instructions))).toEqual(instructions);
      }),
      { numRuns: 200 },
    );
  });

  test("a flipped byte gives other instructions or a typed failure, never a crash", () => {
    fc.assert(
      fc.property(instruction, fc.nat(), fc.integer({ min: 1, max: 255 }), (one, at, flip) => {
        const bytes = encodeInstructions([one]);
        bytes[at % bytes.length]! ^= flip;
        const code = codeOf(() => {
          const decoded = decodeInstructions(bytes);
          // What decodes is what its own encoding says: nothing is lost or invented.
          expect(encodeInstructions(decoded)).toEqual(bytes);
        });
        expect(["", "ILLEGAL_INSTRUCTION", "TRUNCATED"]).toContain(code);
      }),
      { numRuns: 300 },
    );
  });

  test("every truncation within an instruction is refused", () => {
    fc.assert(
      fc.property(instruction, fc.nat(), (one, at) => {
        const bytes = encodeInstructions([one]);
        const cut = bytes.subarray(0, 1 + (at % (bytes.length - 1)));
        expect(codeOf(() => decodeInstructions(cut))).toBe("TRUNCATED");
      }),
      { numRuns: 100 },
    );
  });

  test.each([
    ["an unknown opcode", [0x99, 0, 0, 0, 0, 0, 0, 0]],
    ["more waits than the limit", [0x20, 17, 0, 0, 0, 0, 0, 0]],
    ["more signals than the limit", [0x20, 0, 5, 0, 0, 0, 0, 0]],
    ["a reserved byte", [0x20, 0, 0, 1, 0, 0, 0, 0, 0]],
  ])("%s is illegal", (_name, bytes) => {
    expect(codeOf(() => decodeInstructions(Uint8Array.from(bytes)))).toBe("ILLEGAL_INSTRUCTION");
  });
});

describe("text", () => {
  test("what is printed parses to itself", () => {
    fc.assert(
      fc.property(instruction, (one) => {
        expect(parseInstruction(printInstruction(one))).toEqual(one);
      }),
      { numRuns: 200 },
    );
  });

  test("a micro-op that is printed parses to itself", () => {
    fc.assert(
      fc.property(microOp, (one) => {
        expect(parseMicroOp(printMicroOp(one))).toEqual(one);
      }),
      { numRuns: 200 },
    );
  });

  test.each(["-0", "1e-45", "Infinity", "-3.4028234663852886e+38"])(
    "float immediate %s",
    (text) => {
      expect(printMicroOp(parseMicroOp(`splat_f32:r0,#${text}`))).toBe(`splat_f32:r0,#${text}`);
    },
  );

  test.each([
    ["an unknown mnemonic", "hmx.fly set=0 wait= signal= origin=0"],
    ["a missing field", "hmx.clear wait= signal= origin=0"],
    ["no number", "hmx.clear set=x wait= signal= origin=0"],
    ["no address", "hmx.load set=0 bias=5 wait= signal= origin=0"],
    ["a wait without a value", "hmx.clear set=0 wait=3 signal= origin=0"],
  ])("%s is refused", (_name, text) => {
    expect(codeOf(() => parseInstruction(text))).toBe("BAD_TEXT");
  });
});

test("no code is given to two rows", () => {
  for (const rows of [Object.values(ISA), Object.values(MICRO_OPS)]) {
    expect(new Set(rows.map((row) => row.code)).size).toBe(rows.length);
  }
});

test("the manual has every instruction with its fields and every micro-op, each with its meaning", () => {
  const manual = isaManual();
  for (const [op, { doc, fields }] of Object.entries(ISA)) {
    expect(doc.length).toBeGreaterThan(20);
    expect(manual).toContain(`### ${op} (0x`);
    for (const name of Object.keys(fields)) expect(manual).toContain(`| ${name} |`);
  }
  for (const [op, { doc }] of Object.entries(MICRO_OPS)) {
    expect(doc).not.toBe("");
    expect(manual).toContain(`| ${op} | 0x`);
  }
});
