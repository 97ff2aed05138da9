/** Bytes that an instruction touches, and the packets it takes. */
import { describe, expect, test } from "@jest/globals";
import {
  accessesOf,
  hvxCycles,
  packetCount,
  parseInstruction,
  parseMicroOp,
} from "../../../../protocol/isa/index.ts";
import type { InstructionOf, SocDescription } from "../../../../protocol/isa/index.ts";

const copy = (fields: string): string =>
  `dma.copy ${fields} wait= signal= origin=0`.replace(
    "STRIDES",
    "destinationRowStride=1000 sourceRowStride=32 planes=2 destinationPlaneStride=5000 sourcePlaneStride=64",
  );

/** "region+offset:bytes" of reads and writes; pointers lead to 0x1000 plus their place in the table. */
function check(text: string, expected: { reads: string[]; writes: string[] } | undefined): void {
  const pointer = (at: number): number | undefined => (at < 64 ? 0x1000 + at * 0x400 : undefined);
  const accesses = accessesOf(parseInstruction(text), pointer);
  const show = (span: { region: number; offset: number; bytes: number }): string =>
    `${span.region}+${span.offset.toString(16)}:${span.bytes}`;
  const shown = accesses && {
    reads: accesses.reads.map(show),
    writes: accesses.writes.map(show),
  };
  expect(shown).toEqual(expected);
}

describe("accesses", () => {
  test("a copy: runs that touch are joined, runs far apart are not", () =>
    check(copy("destination=r1+0x0 source=r0+0x100 bytes=32 rows=2 STRIDES"), {
      reads: ["0+100:128"],
      writes: ["1+0:32", "1+3e8:32", "1+1388:32", "1+1770:32"],
    }));

  test("a product: table entries, whole croutons, weight tiles", () =>
    check(
      "hmx.mac set=0 rows=8 columns=8 tapColumns=2 activations=<r0+0x0,0,0,2,4,1,1> tapBegin=0 tapCount=2 " +
        "dilationY=1 dilationX=1 tileBegin=1 tileCount=1 weights=r0+0x8000 weightTapPitch=1024 weightTilePitch=0 " +
        "wait= signal= origin=0",
      {
        reads: ["0+10:8", "0+5000:2048", "0+6000:2048", "0+8000:2048"],
        writes: [],
      },
    ));

  test("a window that leaves the tables has no accesses", () =>
    check(
      "hmx.mac set=0 rows=8 columns=8 tapColumns=1 activations=<r0+0x40,0,0,1,1,1,1> tapBegin=0 tapCount=1 " +
        "dilationY=1 dilationX=1 tileBegin=0 tileCount=1 weights=r0+0x8000 weightTapPitch=0 weightTilePitch=0 " +
        "wait= signal= origin=0",
      undefined,
    ));

  test("a run: linear streams and a window with taps", () =>
    check(
      "hvx.run vectors=4 rows=8 columns=8 operands=[<r0+0x0,0,0,2,0,1,1>|r0+0x9000:128|r0+0xa000:0] " +
        "code={load_channel_i32:r2,@2|load_i8:r0,@0,dy=0,dx=0;load_i8:r1,@0,dy=7,dx=1;store_i8:r0,@1,#0|} " +
        "wait= signal= origin=0",
      {
        reads: [
          "0+a000:128",
          "0+0:8",
          "0+1000:2048",
          "0+2000:2048",
          "0+8:8",
          "0+3000:2048",
          "0+4000:2048",
        ],
        writes: ["0+9000:512"],
      },
    ));
});

test("an operand that is loaded and stored is read and written", () =>
  check(
    "hvx.run vectors=2 rows=8 columns=8 operands=[r0+0x9000:128] " +
      "code={|load_i8:r0,@0,dy=0,dx=0;store_i8:r0,@0,#0|} wait= signal= origin=0",
    { reads: ["0+9000:256"], writes: ["0+9000:256"] },
  ));

describe("packets", () => {
  const soc = {
    hvx: {
      packet: { slots: 6, load: 1, store: 1, multiply: 2, alu: 4, permute: 1 },
      latencyCycles: 40,
      packetCyclesPercent: 100,
    },
  } as SocDescription;
  const window = { kind: "window", window: { originX: 0, strideX: 1 } } as never;

  test.each([
    ["one load", 1, ["load_i8:r0,@0,dy=0,dx=0"]],
    ["an unaligned load", 2, ["load_i8:r0,@0,dy=0,dx=1"]],
    ["two aluops of four vectors", 2, ["add_i32:r0,r0,r0", "add_i32:r0,r0,r0"]],
    ["the scarcest resource decides", 8, ["table_i8:r0,r0,@1,#0", "add_i32:r0,r0,r0"]],
    [
      "slots bound a mixed packet",
      2,
      ["add_i32:r0,r0,r0", "multiply_i32:r0,r0,r0", "load_i8:r0,@0,dy=0,dx=0"],
    ],
    ["nothing", 0, []],
  ] as const)("%s", (_name, expected, ops) => {
    expect(packetCount(ops.map(parseMicroOp), [window, window], soc)).toBe(expected);
  });

  test("prologue, body for each vector, epilogue, one latency", () => {
    const run = parseInstruction(
      "hvx.run vectors=10 rows=8 columns=8 operands=[] " +
        "code={splat_i32:r0,#0|add_i32:r1,r0,r0;add_i32:r1,r0,r0|add_i32:r1,r0,r0} wait= signal= origin=0",
    ) as InstructionOf<"hvx.run">;
    expect(hvxCycles(run, soc)).toBe(1 + 10 * 2 + 1 + 40);
  });
});
