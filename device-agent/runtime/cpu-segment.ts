/** A CPU segment: WebAssembly that sees its own memory and nothing else. */
import { present } from "../../protocol/base/assert.ts";
import { failed, succeeded } from "../../protocol/base/result.ts";
import type { Result } from "../../protocol/base/result.ts";
import type { Program } from "../../protocol/program/index.ts";
import { PAGE_BYTES } from "../../protocol/wasm/module.ts";
import type { VerifiedCpuSegment } from "../soc/index.ts";

export interface CpuRunner {
  /** Copies the input ports in, runs all stages, copies the output ports out. */
  run(region: (index: number) => Uint8Array): Result<undefined, "CPU_TRAP">;
}

/** Fails with `DOES_NOT_FIT` when the host cannot give the memory. */
export function createCpuRunner(
  program: Program,
  verified: VerifiedCpuSegment,
): Result<CpuRunner, "DOES_NOT_FIT"> {
  const { segment, module } = verified;
  const memory = allocate(Math.ceil(segment.memoryBytes / PAGE_BYTES), module.memoryPagesMax);
  if (memory === undefined) {
    const bytes = segment.memoryBytes;
    return failed("DOES_NOT_FIT", "a CPU segment's memory exceeds what this host can give", {
      bytes,
    });
  }
  const bytes = new Uint8Array(memory.buffer);
  for (const placed of segment.image) {
    const region = present(program.regions[placed.region], "weights region");
    const blob = region.kind === "weights" ? program.blobs.get(region.sha256) : undefined;
    const end = placed.regionOffset + placed.bytes;
    bytes.set(present(blob, "weights").subarray(placed.regionOffset, end), placed.memoryOffset);
  }
  const wasm = new WebAssembly.Module(segment.module);
  const { exports } = new WebAssembly.Instance(wasm, { env: { memory } });
  const stage = present(exports["run"], "run");
  const offsets = new Map(segment.ports.map(({ name, memoryOffset }) => [name, memoryOffset]));
  return succeeded({
    run: (region) => {
      for (const { name, region: index } of program.inputs) {
        const offset = offsets.get(name);
        if (offset !== undefined) new Uint8Array(memory.buffer).set(region(index), offset);
      }
      const trapped = runStages(stage, segment.stages);
      if (trapped !== undefined) return trapped;
      for (const { name, region: index } of program.outputs) {
        const offset = offsets.get(name);
        if (offset === undefined) continue;
        const to = region(index);
        to.set(new Uint8Array(memory.buffer, offset, to.length));
      }
      return succeeded(undefined);
    },
  });
}

function allocate(pages: number, maximum: number): WebAssembly.Memory | undefined {
  try {
    return new WebAssembly.Memory({ initial: pages, maximum });
  } catch (error) {
    if (error instanceof RangeError) return undefined;
    throw error;
  }
}

function runStages(
  run: (stage: number) => number,
  stages: number,
): Result<undefined, "CPU_TRAP"> | undefined {
  for (let stage = 0; stage < stages; stage++) {
    try {
      run(stage);
    } catch (error) {
      const isTrap = error instanceof WebAssembly.RuntimeError || error instanceof RangeError;
      if (!isTrap) throw error;
      return failed("CPU_TRAP", `stage ${stage} of a CPU segment stopped: ${error.message}`, {
        stage,
      });
    }
  }
  return undefined;
}
