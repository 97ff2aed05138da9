/** x goes through the CPU to an int8 tensor, which the HTP copies; the CPU adds x to the copy: y = quantized(x + 1) + x. */
import type { CpuSegment, HtpSegment, Port, Program } from "../../../../protocol/program/index.ts";
import { at, f32, load, op } from "../../../../protocol/wasm/expression.ts";
import type { Expression } from "../../../../protocol/wasm/expression.ts";
import type { Local } from "../../../../protocol/wasm/function.ts";
import { moduleBuilder, PAGE_BYTES } from "../../../../protocol/wasm/module.ts";
import { INPUT, OUTPUT, programOf, streamsOf } from "./programs.ts";

export const COUNT = 4;
const FLOAT_BYTES = COUNT * 4;
const [FIRST, COPIED] = [5, 6];
const [A, B, RESULT] = [256, 512, 1024];

const COPY = (destination: string, source: string): string =>
  `dma.copy destination=${destination} source=${source} bytes=${COUNT} rows=1 ` +
  `destinationRowStride=${COUNT} sourceRowStride=${COUNT} planes=1 destinationPlaneStride=${COUNT} ` +
  `sourcePlaneStride=${COUNT}`;

function adding(
  flow: NonNullable<CpuSegment["flow"]>,
  second: (index: Local<"i32">) => Expression<"f32">,
): CpuSegment {
  const module = moduleBuilder({ pagesMin: 1, pagesMax: 1 });
  module.function({ name: "run", parameters: ["i32"], exported: true }, (f) => {
    const index = f.local("i32");
    f.forRange(index, { begin: 0, end: FLOAT_BYTES, step: 4 }, () => {
      const sum = op("f32.add", load("f32.load", at(index, A)), second(index));
      f.store("f32.store", at(index, RESULT), sum);
    });
  });
  const places = flow.reads.map((name, input) => ({ name, memoryOffset: input === 0 ? A : B }));
  return {
    ...{
      kind: "cpu",
      flow,
      module: module.encode(),
      memoryBytes: PAGE_BYTES,
      stages: 1,
      image: [],
    },
    ports: [...places, ...flow.writes.map((name) => ({ name, memoryOffset: RESULT }))],
  };
}

const COPYING: HtpSegment = {
  ...(programOf({ streams: [] }).segments[0] as HtpSegment),
  flow: { reads: ["first"], writes: ["copied"] },
  streams: streamsOf(`
    dma0: ${COPY("r0+0x0", `r${FIRST}+0x0`)} wait= signal=0 origin=0
    dma1: ${COPY(`r${COPIED}+0x0`, "r0+0x0")} wait=0>=1 signal= origin=2`),
};

function threeSegments(): Program {
  const base = programOf({ streams: [], inputBytes: FLOAT_BYTES, outputBytes: FLOAT_BYTES });
  const port = (name: string, region: number, storage: Port["storage"]): Port => {
    return { name, dtype: "f32", shape: [COUNT], region, storage };
  };
  const float = { kind: "float32" } as const;
  const pixels = {
    ...{ kind: "pixels" as const, element: "int8" as const, scale: 0.5, zeroPoint: 3 },
    ...{ rows: 1, columns: 1, channels: COUNT },
  };
  return {
    ...base,
    regions: [...base.regions, tensor(COUNT), tensor(COUNT)],
    inputs: [port("x", INPUT, float)],
    outputs: [port("y", OUTPUT, float)],
    tensors: [port("first", FIRST, pixels), port("copied", COPIED, pixels)],
    segments: [
      adding({ reads: ["x"], writes: ["first"] }, () => f32(1)),
      COPYING,
      adding({ reads: ["copied", "x"], writes: ["y"] }, (index) => load("f32.load", at(index, B))),
    ],
  };
}

function tensor(bytes: number): Program["regions"][number] {
  return { kind: "tensor", bytes };
}

export const THREE_SEGMENTS = threeSegments();
