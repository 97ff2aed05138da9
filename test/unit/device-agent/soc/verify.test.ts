/** One correct program, and for each code of the verifier the smallest change that earns it. */
import { describe, expect, test } from "@jest/globals";
import { ACCUMULATOR_SETS } from "../../../../protocol/isa/index.ts";
import type { Program } from "../../../../protocol/program/index.ts";
import { moduleBuilder } from "../../../../protocol/wasm/module.ts";
import { socNamed, verifyProgram } from "../../../../device-agent/soc/index.ts";
import { CONVOLUTION, convolution, TABLES } from "./convolution.ts";
import { programOf, SM8650, streamsOf, WEIGHTS } from "./programs.ts";

/** The code of the refusal, "" when the program is accepted. */
function codeOf(program: Program): string {
  const verified = verifyProgram(program, SM8650);
  return verified.ok ? "" : verified.code;
}

function messageOf(program: Program): string {
  const verified = verifyProgram(program, SM8650);
  return verified.ok ? "" : verified.message;
}

/** The convolution with parts of its text replaced; every part must occur. */
function changed(...changes: readonly (readonly [from: string, to: string])[]): Program {
  let text = CONVOLUTION;
  for (const [from, to] of changes) {
    if (!text.includes(from)) throw new Error(`the program has no "${from}"`);
    text = text.replace(from, to);
  }
  return convolution(text);
}

describe("verifier", () => {
  test("accepts the convolution", () => {
    expect(messageOf(convolution(CONVOLUTION))).toBe("");
  });

  test.each([
    // Synchronisation
    ["a dropped wait is a race", "RACE", ["wait=0>=2", "wait=0>=1"]],
    ["a dropped wait of the store to DDR is a race", "RACE", ["wait=1>=1", "wait="]],
    ["waiting for a signal that never comes", "DEADLOCK", ["wait=0>=2", "wait=0>=3"]],
    ["a dropped signal", "DEADLOCK", ["signal=1", "signal="]],
    ["a semaphore of two queues", "SHARED_SEMAPHORE", ["signal=1", "signal=0"]],
    // Memory
    [
      "a shifted bias is read before anything wrote it",
      "UNINITIALISED_READ",
      ["bias=r0+0x6000", "bias=r0+0x7000"],
    ],
    [
      "a shortened DMA leaves weights unwritten",
      "UNINITIALISED_READ",
      ["bytes=1024", "bytes=1008"],
    ],
    [
      "a set is used before it is cleared",
      "UNINITIALISED_READ",
      ["hmx.load set=0", "hmx.load set=1"],
    ],
    ["reading behind the end of VTCM", "OUT_OF_BOUNDS", ["weights=r0+0x5000", "weights=r0+0xfe00"]],
    ["a region that does not exist", "OUT_OF_BOUNDS", ["source=r2+0x0", "source=r9+0x0"]],
    ["a DMA longer than its region", "OUT_OF_BOUNDS", ["destination=r3+0x0", "destination=r3+0x1"]],
    ["writing to weights", "WRITE_TO_CONSTANT", ["destination=r3+0x0", "destination=r4+0x0"]],
    ["writing to an input", "WRITE_TO_CONSTANT", ["destination=r3+0x0", "destination=r2+0x0"]],
    [
      "the matrix engine does not see DDR",
      "NOT_IN_VTCM",
      ["weights=r0+0x5000", "weights=r4+0x100"],
    ],
    [
      "an output with a gap",
      "OUTPUT_NOT_WRITTEN",
      [
        "destination=r3+0x0 source=r0+0x4000 bytes=2048",
        "destination=r3+0x0 source=r0+0x4000 bytes=2047",
      ],
    ],
    [
      "a copy onto itself",
      "OVERLAP",
      ["destination=r3+0x0 source=r0+0x4000", "destination=r0+0x4800 source=r0+0x4001"],
    ],
    [
      "a copy that writes bytes twice",
      "OVERLAP",
      [
        "bytes=2048 rows=1 destinationRowStride=0 sourceRowStride=0 planes=1",
        "bytes=512 rows=2 destinationRowStride=256 sourceRowStride=512 planes=1",
      ],
    ],
    // Pointer tables
    [
      "a second write into the tables",
      "BAD_POINTER_TABLE",
      ["destination=r0+0x6000", "destination=r0+0x0"],
    ],
    [
      "tables loaded from elsewhere",
      "BAD_POINTER_TABLE",
      ["source=r4+0x0 bytes=16", "source=r4+0x10 bytes=16"],
    ],
    ["a window outside the tables", "BAD_POINTER", ["activations=<r0+0x0", "activations=<r0+0x10"]],
    ["a negative pixel", "BAD_POINTER", ["activations=<r0+0x0,0,0", "activations=<r0+0x0,-1,0"]],
    // Fields
    [
      "an accumulator set that does not exist",
      "BAD_OPERAND",
      ["hmx.load set=0", `hmx.load set=${ACCUMULATOR_SETS}`],
    ],
    ["more rows than a crouton has", "BAD_OPERAND", ["set=0 mode=0 rows=8", "set=0 mode=0 rows=9"]],
    ["no taps", "BAD_OPERAND", ["tapCount=1", "tapCount=0"]],
    ["no tap columns", "BAD_OPERAND", ["tapColumns=1", "tapColumns=0"]],
    [
      "a huge tile product",
      "BAD_OPERAND",
      ["tapCount=1", "tapCount=65535"],
      ["tileCount=1", "tileCount=65535"],
    ],
    ["an unknown requantise mode", "BAD_OPERAND", ["mode=0", "mode=1"]],
    ["bounds the wrong way round", "BAD_OPERAND", ["low=-128 high=127", "low=1 high=0"]],
    ["an origin that has no name", "BAD_OPERAND", ["signal=1 origin=1", "signal=1 origin=9"]],
    ["an empty copy", "BAD_OPERAND", ["bytes=16 rows=1", "bytes=16 rows=0"]],
    // Queues
    ["an instruction of another engine", "BAD_QUEUE", ["hmx0: hmx.load", "hvx0: hmx.load"]],
    ["a queue that the chip does not have", "BAD_QUEUE", ["dma1:", "dma7:"]],
  ] as const)("%s: %s", (_name, code, ...changes) => {
    const program = changed(...(changes as readonly (readonly [string, string])[]));
    expect(`${codeOf(program)} ${messageOf(program)}`).toMatch(new RegExp(`^${code} `));
  });

  test("bytes between the runs of a copy stay uninitialised", () => {
    const copies = [16, 16, 16].map((bytes, index) => {
      const strides = `destinationRowStride=${index === 2 ? 16 : 32} sourceRowStride=16`;
      const places = ["destination=r0+0x0 source=r4+0x0", "destination=r0+0x10 source=r4+0x0"];
      const place = places[index] ?? "destination=r1+0x0 source=r0+0x0";
      return `dma0: dma.copy ${place} bytes=${bytes} rows=8 ${strides} planes=1 destinationPlaneStride=0 sourcePlaneStride=0 wait= signal= origin=0`;
    });
    expect(messageOf(programOf({ streams: streamsOf(copies.join("\n")) }))).toBe("");
    const gappy = streamsOf([copies[0], copies[2]].join("\n"));
    expect(codeOf(programOf({ streams: gappy }))).toBe("UNINITIALISED_READ");
  });

  test("a message names queue, instruction, mnemonic, node and address", () => {
    expect(messageOf(changed(["wait=0>=2", "wait=0>=1"]))).toBe(
      "hmx0[1] hmx.mac (convolve) reads r0+0x5000; dma0[3] dma.copy (load) writes it, and no semaphore orders them",
    );
  });

  test("the header: chip, instruction set, VTCM, ports", () => {
    const program = convolution(CONVOLUTION);
    const regions = program.regions.map((region, index) =>
      index === 0 ? { ...region, bytes: SM8650.vtcmBytes + 1 } : region,
    );
    expect(codeOf({ ...program, soc: "sm8350" })).toBe("WRONG_SOC");
    expect(codeOf({ ...program, isa: { major: 2, minor: 0 } })).toBe("WRONG_ISA");
    expect(codeOf({ ...program, regions })).toBe("VTCM_TOO_SMALL");
    expect(codeOf({ ...program, inputs: program.outputs })).toBe("BAD_PORT");
    const [port] = program.inputs;
    const storage = { ...port!.storage, scale: Infinity };
    expect(codeOf({ ...program, inputs: [{ ...port!, storage } as typeof port & {}] })).toBe(
      "BAD_PORT",
    );
  });

  test("more segments than a program may have", () => {
    const program = convolution(CONVOLUTION);
    const segments = new Array(257).fill(program.segments[0]!);
    expect(codeOf({ ...program, segments })).toBe("PROGRAM_TOO_LARGE");
  });

  test("a pointer that leaves VTCM", () => {
    const program = convolution(CONVOLUTION);
    const blob = [...program.blobs.values()][0]!.slice();
    new DataView(blob.buffer).setUint32(TABLES.regionOffset + 4, 0x10000, true);
    const blobs = new Map([...program.blobs.keys()].map((hash) => [hash, blob]));
    expect(codeOf({ ...program, blobs })).toBe("BAD_POINTER_TABLE");
  });

  test("tables that nothing loads", () => {
    expect(codeOf(programOf({ streams: [], tables: TABLES }))).toBe("BAD_POINTER_TABLE");
  });

  test("a program that takes too long", () => {
    const line =
      "dma0: dma.copy destination=r0+0x0 source=r4+0x0 bytes=1024 rows=262144 destinationRowStride=0 " +
      "sourceRowStride=0 planes=1 destinationPlaneStride=0 sourcePlaneStride=0 wait= signal= origin=0";
    expect(codeOf(programOf({ streams: streamsOf(line) }))).toBe("OVERLAP");
    const hvx =
      "hvx0: hvx.run vectors=1048576 rows=8 columns=8 operands=[] code={|" +
      `${"splat_i32:r0,#1;".repeat(500)}splat_i32:r0,#1|} wait= signal= origin=0\n`;
    expect(codeOf(programOf({ streams: streamsOf(hvx.repeat(300)) }))).toBe("TOO_MANY_CYCLES");
  });
});

describe("verifier of micro-code", () => {
  const run = (code: string, operands = "r0+0x0:128|r0+0x2000:128"): Program => {
    const fill =
      "dma0: dma.copy destination=r0+0x0 source=r4+0x0 bytes=4096 rows=1 destinationRowStride=0 " +
      "sourceRowStride=0 planes=1 destinationPlaneStride=0 sourcePlaneStride=0 wait= signal=0 origin=0\n";
    const vectors = `vectors=32 rows=8 columns=16 operands=[${operands}] code={${code}}`;
    return programOf({
      streams: streamsOf(`${fill}hvx0: hvx.run ${vectors} wait=0>=1 signal= origin=0`),
    });
  };

  test.each([
    ["a copy", "", "|load_i8:r0,@0,dy=0,dx=0;store_i8:r0,@1,#0|"],
    [
      "a constant of the prologue",
      "",
      "splat_i32:r1,#4|load_i8:r0,@0,dy=0,dx=0;add_i32:r0,r0,r1;store_i8:r0,@1,#0|",
    ],
    [
      "a reduction",
      "",
      "splat_i32:r1,#0|load_i8:r0,@0,dy=0,dx=0;accumulate_add:r1,r0|store_channel_i32:r1,@1",
    ],
    ["a register that nothing set", "BAD_MICRO_CODE", "|store_i8:r0,@1,#0|"],
    [
      "a value of the vector before",
      "BAD_MICRO_CODE",
      "splat_i32:r0,#0|store_i8:r0,@1,#0;load_i8:r0,@0,dy=0,dx=0|",
    ],
    ["a hidden reduction", "BAD_MICRO_CODE", "splat_i32:r0,#0|multiply_add_i8:r0,r0,r0|"],
    [
      "the last vector's value",
      "BAD_MICRO_CODE",
      "|load_i8:r0,@0,dy=0,dx=0|store_channel_i32:r0,@1",
    ],
    [
      "a reduction read in the body",
      "BAD_MICRO_CODE",
      "splat_i32:r1,#0|load_i8:r0,@0,dy=0,dx=0;accumulate_add:r1,r0;store_i8:r1,@1,#0|",
    ],
    [
      "a reduction overwritten",
      "BAD_MICRO_CODE",
      "splat_i32:r1,#0|load_i8:r1,@0,dy=0,dx=0;accumulate_add:r1,r1|",
    ],
    [
      "a reduction of two kinds",
      "BAD_MICRO_CODE",
      "splat_i32:r1,#0|load_i8:r0,@0,dy=0,dx=0;accumulate_add:r1,r0;accumulate_max:r1,r0|",
    ],
    [
      "a reduction outside the body",
      "BAD_MICRO_CODE",
      "splat_i32:r1,#0;splat_i32:r0,#0;accumulate_add:r1,r0||",
    ],
    ["a register that does not exist", "BAD_MICRO_CODE", "|splat_i32:r16,#0|"],
    ["an operand that does not exist", "BAD_MICRO_CODE", "|load_i8:r0,@2,dy=0,dx=0|"],
    ["a tap of a linear operand", "BAD_MICRO_CODE", "|load_i8:r0,@0,dy=1,dx=0|"],
    ["a fill value that is no int8", "BAD_MICRO_CODE", "|splat_i32:r0,#0;store_i8:r0,@1,#300|"],
  ])("%s: %s", (_name, code, text) => {
    expect(`${codeOf(run(text))}${code === "" ? messageOf(run(text)) : ""}`).toBe(code);
  });

  test.each([
    ["in place, vector by vector", "", "r0+0x0:128|r0+0x0:128"],
    ["shifted by a vector", "OVERLAP", "r0+0x80:128|r0+0x0:128"],
    ["over vectors still to be loaded", "OVERLAP", "r0+0x0:128|r0+0x80:128"],
  ])("stores %s: %s", (_name, code, operands) => {
    const text = "|load_i8:r0,@0,dy=0,dx=0;store_i8:r0,@1,#0|";
    expect(codeOf(run(text, operands)).replace("UNINITIALISED_READ", "")).toBe(code);
  });
});

describe("verifier of CPU segments", () => {
  const module = moduleBuilder({ pagesMin: 1, pagesMax: 1 });
  module.function({ name: "run", parameters: ["i32"], exported: true }, () => {});
  const segment = {
    kind: "cpu",
    module: module.encode(),
    memoryBytes: 65_536,
    stages: 1,
    image: [{ region: WEIGHTS, regionOffset: 0, bytes: 64, memoryOffset: 0 }],
    ports: [{ name: "x", memoryOffset: 128 }],
  } as const;
  const [image] = segment.image;
  const program = programOf({ streams: [] });

  test.each([
    ["accepted", "", {}],
    ["no module", "CPU_MODULE_MALFORMED", { module: new Uint8Array(8) }],
    ["more memory than the module imports", "BAD_CPU_SEGMENT", { memoryBytes: 65_537 }],
    ["no stages", "BAD_CPU_SEGMENT", { stages: 0 }],
    ["an unknown port", "BAD_CPU_SEGMENT", { ports: [{ name: "z", memoryOffset: 0 }] }],
    [
      "a port outside the memory",
      "BAD_CPU_SEGMENT",
      { ports: [{ name: "x", memoryOffset: 65_500 }] },
    ],
    [
      "an image outside its region",
      "BAD_CPU_SEGMENT",
      { image: [{ ...image, regionOffset: 4095 }] },
    ],
    ["an image from an input", "BAD_CPU_SEGMENT", { image: [{ ...image, region: 2 }] }],
  ] as const)("%s: %s", (_name, code, change) => {
    expect(codeOf({ ...program, segments: [{ ...segment, ...change }] })).toBe(code);
  });
});

test("chips are found by name", () => {
  expect(socNamed("sm8350")?.family).toBe("v68");
  expect(socNamed("__proto__")).toBeUndefined();
});
