/** A CPU program as a segment of the program file: its weights become one blob. */
import type { CpuSegment } from "../../../protocol/program/index.ts";
import type { CpuProgram } from "./program.ts";

export interface SegmentWithWeights {
  readonly segment: CpuSegment;
  /** The content of the weights region; it begins at memory offset 0. */
  readonly weights: Uint8Array;
}

/** `weightsRegion` is the index of the region that is to hold the blob. */
export function cpuSegment(program: CpuProgram, weightsRegion: number): SegmentWithWeights {
  const last = program.image.at(-1);
  const weights = new Uint8Array(last === undefined ? 0 : last.memoryOffset + last.bytes.length);
  for (const part of program.image) weights.set(part.bytes, part.memoryOffset);
  const placement = {
    region: weightsRegion,
    regionOffset: 0,
    bytes: weights.length,
    memoryOffset: 0,
  };
  const segment: CpuSegment = {
    kind: "cpu",
    module: program.module,
    memoryBytes: program.memoryBytes,
    stages: program.stages.length,
    image: weights.length === 0 ? [] : [placement],
    ports: [...program.inputs, ...program.outputs].map(({ name, memoryOffset }) => ({
      name,
      memoryOffset,
    })),
  };
  return { segment, weights };
}
