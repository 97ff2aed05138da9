/** Programs of several segments: one correct one, and for each code the smallest change that earns it. */
import { describe, expect, test } from "@jest/globals";
import { decodeProgram, encodeProgram } from "../../../../protocol/program/index.ts";
import type { Flow, Port, Program, Segment } from "../../../../protocol/program/index.ts";
import { unwrap } from "../../../../protocol/base/result.ts";
import { seededRandom } from "../../../../protocol/base/random.ts";
import { verifyProgram } from "../../../../device-agent/soc/index.ts";
import { SM8650, streamsOf } from "./programs.ts";
import { THREE_SEGMENTS } from "./three-segments.ts";

function codeOf(program: Program): string {
  const verified = verifyProgram(program, SM8650);
  return verified.ok ? "" : verified.code;
}

/** The program with one segment changed. */
function segment(index: number, change: Partial<Segment>): Program {
  const { segments } = THREE_SEGMENTS;
  return {
    ...THREE_SEGMENTS,
    segments: segments.with(index, { ...segments[index]!, ...change } as Segment),
  };
}

/** With another flow; CPU segments get places for what it names. */
function flow(index: number, next: Flow): Program {
  const ports = [...new Set([...next.reads, ...next.writes])];
  return segment(index, {
    flow: next,
    ports: ports.map((name, at) => ({ name, memoryOffset: 256 * (at + 1) })),
  });
}

function tensor(change: Partial<Port>): Program {
  const { tensors } = THREE_SEGMENTS;
  return { ...THREE_SEGMENTS, tensors: tensors.with(0, { ...tensors[0]!, ...change }) };
}

/** The HTP segment with its text changed. */
function copying(from: RegExp, to: string): Program {
  const one = THREE_SEGMENTS.segments[1]!;
  const strides = "rows=1 destinationRowStride=4 sourceRowStride=4 planes=1";
  const rest = `${strides} destinationPlaneStride=4 sourcePlaneStride=4`;
  const text = `
    dma0: dma.copy destination=r0+0x0 source=r5+0x0 bytes=4 ${rest} wait= signal=0 origin=0
    dma1: dma.copy destination=r6+0x0 source=r0+0x0 bytes=4 ${rest} wait=0>=1 signal= origin=2`;
  expect(text).toMatch(from);
  return segment(1, { ...one, streams: streamsOf(text.replace(from, to)) } as Segment);
}

const PIXELS = THREE_SEGMENTS.tensors[0]!.storage as Extract<Port["storage"], { kind: "pixels" }>;
const { segments } = THREE_SEGMENTS;

describe("a program of three segments", () => {
  test("is accepted, and so is what its file says", () => {
    expect(codeOf(THREE_SEGMENTS)).toBe("");
    const decoded = unwrap(decodeProgram(encodeProgram(THREE_SEGMENTS)));
    expect(decoded).toEqual(THREE_SEGMENTS);
    expect(codeOf(decoded)).toBe("");
  });

  test.each<[string, string, Program]>([
    // The graph
    [
      "segments that read each other",
      "READ_BEFORE_WRITE",
      flow(0, { reads: ["copied"], writes: ["first"] }),
    ],
    ["another order", "READ_BEFORE_WRITE", { ...THREE_SEGMENTS, segments: segments.toReversed() }],
    [
      "a segment that is not there",
      "READ_BEFORE_WRITE",
      { ...THREE_SEGMENTS, segments: segments.slice(1) },
    ],
    [
      "a segment that reads what it writes",
      "READ_BEFORE_WRITE",
      flow(0, { reads: ["first"], writes: ["first"] }),
    ],
    [
      "a tensor with two writers",
      "WRITTEN_TWICE",
      flow(2, { reads: ["copied", "x"], writes: ["y", "first"] }),
    ],
    [
      "an input that is written",
      "WRITTEN_TWICE",
      flow(0, { reads: ["x"], writes: ["first", "x"] }),
    ],
    ["an unknown tensor that is read", "BAD_FLOW", flow(0, { reads: ["z"], writes: ["first"] })],
    [
      "an unknown tensor that is written",
      "BAD_FLOW",
      flow(0, { reads: ["x"], writes: ["first", "z"] }),
    ],
    ["a segment without a flow", "BAD_FLOW", segment(0, { flow: undefined } as never)],
    [
      "an output that no segment writes",
      "OUTPUT_NOT_WRITTEN",
      { ...THREE_SEGMENTS, segments: segments.slice(0, 2) },
    ],
    // Tensors
    ["a tensor with a port's name", "BAD_FLOW", tensor({ name: "x" })],
    ["two tensors in one region", "BAD_FLOW", tensor({ region: 6 })],
    ["a tensor in an output's region", "BAD_PORT", tensor({ region: 3 })],
    ["a tensor of another size", "BAD_PORT", tensor({ shape: [5] })],
    ["a scale of zero", "BAD_PORT", tensor({ storage: { ...PIXELS, scale: 0 } })],
    ["a zero point outside int8", "BAD_PORT", tensor({ storage: { ...PIXELS, zeroPoint: 128 } })],
    // What the HTP does with them
    [
      "a tensor written in part",
      "TENSOR_NOT_WRITTEN",
      copying(
        /bytes=4(.*)\n.*bytes=4/s,
        "bytes=3$1\ndma1: dma.copy destination=r6+0x0 source=r0+0x0 bytes=3",
      ),
    ],
    ["a write into what it reads", "NOT_IN_FLOW", copying(/destination=r6/, "destination=r5")],
    [
      "a write to an output of another segment",
      "NOT_IN_FLOW",
      copying(/destination=r6/, "destination=r3"),
    ],
    ["a read of an input that it does not name", "NOT_IN_FLOW", copying(/source=r5/, "source=r2")],
    ["a read behind a tensor's end", "OUT_OF_BOUNDS", copying(/source=r5\+0x0/, "source=r5+0x1")],
    // Where the CPU has them
    [
      "a tensor without a place in memory",
      "BAD_CPU_SEGMENT",
      segment(0, { ports: [{ name: "x", memoryOffset: 0 }] }),
    ],
    [
      "a tensor with two places",
      "BAD_CPU_SEGMENT",
      segment(0, { ports: ["x", "first", "x"].map((name) => ({ name, memoryOffset: 0 })) }),
    ],
    [
      "a place for another segment's tensor",
      "BAD_CPU_SEGMENT",
      segment(0, { ports: ["x", "first", "copied"].map((name) => ({ name, memoryOffset: 0 })) }),
    ],
    [
      "a tensor that leaves the memory",
      "BAD_CPU_SEGMENT",
      segment(0, { ports: ["x", "first"].map((name) => ({ name, memoryOffset: 65_524 })) }),
    ],
  ])("%s is %s", (_name, code, program) => {
    expect(codeOf(program)).toBe(code);
  });
});

test("HTP segments may use different numbers of queues", () => {
  const { regions, tensors } = THREE_SEGMENTS;
  const again: Port = { ...tensors[1]!, name: "again", region: regions.length };
  const strides = "rows=1 destinationRowStride=4 sourceRowStride=4 planes=1";
  const rest = `${strides} destinationPlaneStride=4 sourcePlaneStride=4 wait= signal= origin=0`;
  const oneQueue = streamsOf(`
    dma0: dma.copy destination=r0+0x80 source=r6+0x0 bytes=4 ${rest}
    dma0: dma.copy destination=r${again.region}+0x0 source=r0+0x80 bytes=4 ${rest}`);
  const flow = { reads: ["copied"], writes: ["again"] };
  const copy = { ...segments[1]!, flow, streams: oneQueue } as Segment;
  const program: Program = {
    ...THREE_SEGMENTS,
    regions: [...regions, { kind: "tensor", bytes: 4 }],
    tensors: [...tensors, again],
    segments: segments.toSpliced(2, 0, copy),
  };
  expect(codeOf(program)).toBe("");
});

test("files with flipped bits are refused with a code or accepted as another program, never a crash", () => {
  const random = seededRandom(9);
  const bytes = encodeProgram(THREE_SEGMENTS);
  const codes = new Set<string>();
  for (let round = 0; round < 2000; round++) {
    const damaged = bytes.slice();
    // The header alone: sections are guarded by their hashes.
    for (let flips = 0; flips <= round % 3; flips++) {
      damaged[16 + random.below(560)]! ^= 1 << random.below(8);
    }
    const decoded = decodeProgram(damaged);
    codes.add(decoded.ok ? codeOf(decoded.value) : decoded.code);
  }
  for (const code of ["", "BAD_PROGRAM", "BAD_FLOW", "READ_BEFORE_WRITE"]) {
    expect([...codes]).toContain(code);
  }
});
