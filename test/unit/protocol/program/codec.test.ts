/** The program file: round trip, determinism, and that any damage is a typed failure. */
import { describe, expect, test } from "@jest/globals";
import fc from "fast-check";
import { brand } from "../../../../protocol/base/brand.ts";
import type { Sha256 } from "../../../../protocol/base/brand.ts";
import { hex } from "../../../../protocol/base/bytes.ts";
import { unwrap } from "../../../../protocol/base/result.ts";
import { sha256 } from "../../../../protocol/crypto/index.ts";
import { ISA_VERSION } from "../../../../protocol/isa/index.ts";
import { decodeProgram, encodeProgram } from "../../../../protocol/program/index.ts";
import type { Program } from "../../../../protocol/program/index.ts";
import { instruction } from "../isa/arbitrary.ts";

const BLOB = Uint8Array.from({ length: 64 }, (_, index) => index * 3);
const HASH = brand<Sha256>(hex(sha256(BLOB)));

function programWith(
  streams: Extract<Program["segments"][number], { kind: "htp" }>["streams"],
): Program {
  const pixels = {
    ...{ kind: "pixels" as const, element: "int16" as const, scale: 0.5, zeroPoint: -3 },
    ...{ rows: 2, columns: 4, channels: 4 },
  };
  return {
    isa: ISA_VERSION,
    soc: "sm8650",
    modelName: "network",
    modelSha256: HASH,
    driverVersion: "1.2.3",
    options: '{"a":1}',
    regions: [
      { kind: "vtcm", bytes: 4096 },
      { kind: "scratch", bytes: 10 },
      { kind: "weights", bytes: 64, sha256: HASH },
      { kind: "input", bytes: 64 },
      { kind: "output", bytes: 8 },
    ],
    inputs: [{ name: "x", dtype: "f32", shape: [1, 4, 2, 4], region: 3, storage: pixels }],
    outputs: [{ name: "y", dtype: "f32", shape: [1, 2], region: 4, storage: { kind: "float32" } }],
    tensors: [],
    origins: ["conv_0", "relu"],
    segments: [
      {
        kind: "htp",
        tables: { vtcmOffset: 128, bytes: 16, region: 2, regionOffset: 4 },
        streams,
      },
      {
        kind: "cpu",
        module: Uint8Array.of(1, 2, 3),
        memoryBytes: 65_536,
        stages: 3,
        image: [{ region: 2, regionOffset: 0, bytes: 64, memoryOffset: 128 }],
        ports: [{ name: "x", memoryOffset: 256 }],
      },
    ],
    counters: {
      macsInt8: 5e9,
      macsFp16: 6e9,
      macsInt16: 7e9,
      ddrReadBytes: 1,
      ddrWriteBytes: 2,
      vtcmPeakBytes: 3,
    },
    blobs: new Map([[HASH, BLOB]]),
  };
}

const PROGRAM = programWith([{ queue: { core: 0, engine: "dma", index: 1 }, instructions: [] }]);

const codeOf = (bytes: Uint8Array): string => {
  const decoded = decodeProgram(bytes);
  return decoded.ok ? "" : decoded.code;
};

describe("program file", () => {
  test("what is encoded decodes to itself, and encodes to the same bytes again", () => {
    fc.assert(
      fc.property(fc.array(instruction, { maxLength: 4 }), (instructions) => {
        const program = programWith([
          { queue: { core: 0, engine: "hmx", index: 0 }, instructions },
          { queue: { core: 0, engine: "hvx", index: 3 }, instructions },
        ]);
        const bytes = encodeProgram(program);
        const decoded = unwrap(decodeProgram(bytes));
        expect(decoded).toEqual(program);
        expect(encodeProgram(decoded)).toEqual(bytes);
      }),
      { numRuns: 30 },
    );
  });

  test("a flipped bit in any byte is a failure with a code, or another program, never a crash", () => {
    const bytes = encodeProgram(PROGRAM);
    const codes = new Set<string>();
    for (let at = 0; at < bytes.length; at++) {
      const damaged = bytes.slice();
      damaged[at]! ^= 1 << ((at * 5) % 8);
      codes.add(codeOf(damaged));
    }
    // "" is damage to the header's free text or numbers; sections are guarded by their hashes.
    expect([...codes].sort()).toEqual([
      "",
      "BAD_PROGRAM",
      "UNSUPPORTED_ISA",
      "UNSUPPORTED_PROGRAM_VERSION",
    ]);
  });

  test("a flipped bit in any section is found by its hash", () => {
    const bytes = encodeProgram(PROGRAM);
    for (let at = bytes.length - BLOB.length; at < bytes.length; at++) {
      const damaged = bytes.slice();
      damaged[at]! ^= 1;
      expect(codeOf(damaged)).toBe("BAD_PROGRAM");
    }
  });

  test("every truncation, and bytes behind the end, are refused", () => {
    const bytes = encodeProgram(PROGRAM);
    for (let length = 0; length < bytes.length; length++) {
      expect(codeOf(bytes.subarray(0, length))).toBe("BAD_PROGRAM");
    }
    expect(codeOf(Uint8Array.of(...bytes, 0))).toBe("BAD_PROGRAM");
  });

  test("random bytes are no program", () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 200 }), (bytes) => {
        expect(codeOf(bytes)).toBe("BAD_PROGRAM");
      }),
    );
  });

  test.each([
    ["a weights region without content", { blobs: new Map() }],
    [
      "a port whose region has another size",
      { regions: PROGRAM.regions.with(3, { kind: "input", bytes: 31 }) },
    ],
    ["no VTCM", { regions: PROGRAM.regions.with(0, { kind: "scratch", bytes: 1 }) }],
  ])("%s", (_name, change) => {
    expect(codeOf(encodeProgram({ ...PROGRAM, ...change }))).toBe("BAD_PROGRAM");
  });
});
