/** Runs a CPU program in this process: for the driver's calibration and goldens, and for tests. */
import { assert } from "../../../protocol/base/assert.ts";
import { product } from "../../../protocol/base/integers.ts";
import type { CpuPort, CpuProgram, CpuValue } from "./program.ts";
import { stridesIn } from "./program.ts";

export interface CpuRunner {
  /** Runs all stages. `observe` sees every node's output, in row-major order, right after its stage. */
  run(
    inputs: ReadonlyMap<string, Float32Array>,
    observe?: (value: CpuValue, elements: Float32Array) => void,
  ): Map<string, Float32Array>;
}

/** Places the image once; a runner can then run many times. Not for two runs at the same time. */
export function cpuRunner(program: CpuProgram): CpuRunner {
  const pages = program.memoryBytes / 65_536;
  const memory = new WebAssembly.Memory({ initial: pages, maximum: pages });
  const bytes = new Uint8Array(memory.buffer);
  for (const part of program.image) bytes.set(part.bytes, part.memoryOffset);
  const instance = new WebAssembly.Instance(new WebAssembly.Module(program.module), {
    env: { memory },
  });
  const runStage = instance.exports["run"]!;
  const floats = new Float32Array(memory.buffer);
  const valuesByStage = new Map<number, CpuValue[]>();
  for (const value of program.values) {
    valuesByStage.set(value.stage, [...(valuesByStage.get(value.stage) ?? []), value]);
  }
  return {
    run: (inputs, observe) => {
      for (const port of program.inputs) writePort(floats, port, inputs.get(port.name));
      for (let stage = 0; stage < program.stages.length; stage++) {
        runStage(stage);
        if (observe === undefined) continue;
        for (const value of valuesByStage.get(stage) ?? []) {
          observe(value, readValue(floats, value));
        }
      }
      return new Map(program.outputs.map((port) => [port.name, readPort(floats, port)]));
    },
  };
}

/** One inference. */
export function runCpu(
  program: CpuProgram,
  inputs: ReadonlyMap<string, Float32Array>,
  observe?: (value: CpuValue, elements: Float32Array) => void,
): Map<string, Float32Array> {
  return cpuRunner(program).run(inputs, observe);
}

function writePort(floats: Float32Array, port: CpuPort, elements: Float32Array | undefined): void {
  assert(elements?.length === product(port.shape), `input ${port.name} is [${port.shape}]`);
  floats.set(elements, port.memoryOffset / 4);
}

function readPort(floats: Float32Array, port: CpuPort): Float32Array {
  const start = port.memoryOffset / 4;
  return floats.slice(start, start + product(port.shape));
}

/** A copy of a value in row-major order. */
export function readValue(floats: Float32Array, value: CpuValue): Float32Array {
  if (value.layout === "rows") return readPort(floats, value);
  const { shape } = value;
  const [batch = 1, channels = 1, height = 1, width = 1] = shape;
  const [imageStep = 0, channelStep = 0, , columnStep = 0] = stridesIn(shape, "pixels");
  const elements = new Float32Array(product(shape));
  const pixels = height * width;
  let to = 0;
  for (let image = 0; image < batch; image++) {
    for (let channel = 0; channel < channels; channel++) {
      let from = value.memoryOffset / 4 + image * imageStep + channel * channelStep;
      for (let pixel = 0; pixel < pixels; pixel++, from += columnStep)
        elements[to++] = floats[from]!;
    }
  }
  return elements;
}
