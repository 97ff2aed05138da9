/** Small programs for the tests of the chip. */
import { brand } from "../../../../protocol/base/brand.ts";
import type { Sha256 } from "../../../../protocol/base/brand.ts";
import { hex } from "../../../../protocol/base/bytes.ts";
import { sha256 } from "../../../../protocol/crypto/index.ts";
import { ISA_VERSION, parseInstruction } from "../../../../protocol/isa/index.ts";
import type { Instruction, Stream } from "../../../../protocol/isa/index.ts";
import { NO_COUNTERS } from "../../../../protocol/program/index.ts";
import type { HtpSegment, Program, Region } from "../../../../protocol/program/index.ts";
import { socNamed } from "../../../../device-agent/soc/index.ts";
import type { VerifiedHtpSegment, VerifiedProgram } from "../../../../device-agent/soc/index.ts";

export const SM8650 = socNamed("sm8650")!;
export const VTCM_BYTES = 64 * 1024;

/** "dma0: one instruction a line": a stream for each queue named, in the order of first mention. */
export function streamsOf(text: string): Stream[] {
  const streams = new Map<string, Instruction[]>();
  for (const line of text.split("\n").map((part) => part.trim())) {
    if (line === "") continue;
    const [queue = "", rest = ""] = [
      line.slice(0, line.indexOf(":")),
      line.slice(line.indexOf(":") + 1),
    ];
    streams.set(queue, [...(streams.get(queue) ?? []), parseInstruction(rest)]);
  }
  return [...streams].map(([name, instructions]) => {
    const [, engine = "", index = "0"] = /^([a-z]+)(\d+)$/.exec(name) ?? [];
    return {
      queue: { core: 0, engine: engine as Stream["queue"]["engine"], index: Number(index) },
      instructions,
    };
  });
}

export interface ProgramParts {
  readonly streams: readonly Stream[];
  readonly weights?: Uint8Array;
  readonly tables?: HtpSegment["tables"];
  readonly vtcmBytes?: number;
  readonly scratchBytes?: number;
  readonly inputBytes?: number;
  readonly outputBytes?: number;
}

export const SCRATCH = 1;
export const INPUT = 2;
export const OUTPUT = 3;
export const WEIGHTS = 4;

/** Regions: VTCM, scratch, input, output, weights; one HTP segment. */
export function programOf(parts: ProgramParts): Program {
  const weights = parts.weights ?? new Uint8Array(4096);
  const hash = brand<Sha256>(hex(sha256(weights)));
  const port = (name: string, region: number, bytes: number): Program["inputs"][number] => ({
    name,
    dtype: "f32",
    shape: [1, 1, 1, bytes],
    region,
    storage: {
      kind: "pixels",
      element: "int8",
      scale: 0.5,
      zeroPoint: 3,
      rows: 1,
      columns: bytes,
      channels: 1,
    },
  });
  const { inputBytes = 128, outputBytes = 0, scratchBytes = 4096 } = parts;
  const regions: Region[] = [
    { kind: "vtcm", bytes: parts.vtcmBytes ?? VTCM_BYTES },
    { kind: "scratch", bytes: scratchBytes },
    { kind: "input", bytes: inputBytes },
    { kind: "output", bytes: outputBytes },
    { kind: "weights", bytes: weights.length, sha256: hash },
  ];
  const noTables = { vtcmOffset: 0, bytes: 0, region: WEIGHTS, regionOffset: 0 };
  return {
    isa: ISA_VERSION,
    soc: "sm8650",
    modelName: "test",
    modelSha256: hash,
    driverVersion: "0.0.0",
    options: "{}",
    regions,
    inputs: [port("x", INPUT, inputBytes)],
    outputs: outputBytes > 0 ? [port("y", OUTPUT, outputBytes)] : [],
    tensors: [],
    origins: ["load", "convolve", "store"],
    segments: [{ kind: "htp", tables: parts.tables ?? noTables, streams: parts.streams }],
    counters: NO_COUNTERS,
    blobs: new Map([[hash, weights]]),
  };
}

/** For tests of single instructions, which a whole program could not contain: nothing has verified it. */
export function unverified(program: Program, order: readonly Instruction[]): VerifiedProgram {
  const segment = { kind: "htp", order } as unknown as VerifiedHtpSegment;
  return { program, soc: SM8650, segments: [segment] } as unknown as VerifiedProgram;
}
