/** A CPU segment of a program as a job of the engine that runs it, between the program's regions. */
import { present } from "../../protocol/base/assert.ts";
import { succeeded } from "../../protocol/base/result.ts";
import type { Result } from "../../protocol/base/result.ts";
import type { CpuSegment, Placement, Port, Program } from "../../protocol/program/index.ts";
import type { VerifiedCpuSegment } from "../soc/index.ts";
import type { CpuCode, CpuEngine, MemoryWindow } from "./cpu-engine.ts";

export interface CpuRunner {
  /** What it reads in, all stages, what it writes out; the microseconds that took. */
  run(region: (index: number) => Uint8Array): Result<number, CpuCode>;
}

export function createCpuRunner(
  program: Program,
  { segment, ends, module }: VerifiedCpuSegment,
  engine: CpuEngine,
): CpuRunner {
  const inputs = connected(program, ends.reads, segment.ports);
  const outputs = connected(program, ends.writes, segment.ports);
  const task = engine.place({
    module: segment.module,
    memoryPages: module.memoryPagesMax,
    stages: segment.stages,
    image: segment.image.map((placed) => {
      return { memoryOffset: placed.memoryOffset, content: contentOf(program, placed) };
    }),
    inputs,
    outputs,
  });
  return {
    run: (region) => {
      const ran = task.run(inputs.map(({ index }) => region(index)));
      if (!ran.ok) return ran;
      ran.value.outputs.forEach((bytes, at) =>
        region(present(outputs[at], "output").index).set(bytes),
      );
      return succeeded(ran.value.microseconds);
    },
  };
}

interface Connected extends MemoryWindow {
  /** Of the port's region. */
  readonly index: number;
}

function connected(
  program: Program,
  ports: readonly Port[],
  placed: CpuSegment["ports"],
): readonly Connected[] {
  const offsets = new Map(placed.map(({ name, memoryOffset }) => [name, memoryOffset]));
  return ports.map(({ name, shape, storage, region: index }) => ({
    index,
    port: { name, shape, storage },
    memoryOffset: present(offsets.get(name), `place of ${name}`),
    bytes: present(program.regions[index], "region").bytes,
  }));
}

function contentOf(program: Program, { region, regionOffset, bytes }: Placement): Uint8Array {
  const weights = program.regions[region];
  const blob = weights?.kind === "weights" ? program.blobs.get(weights.sha256) : undefined;
  return present(blob, "weights").subarray(regionOffset, regionOffset + bytes);
}
