/** Runs stored graphs on the simulated chip and compares every output element with the evaluator's. */
import { readFileSync } from "node:fs";
import { expect } from "@jest/globals";
import { lowerHtp } from "../../../../compiler/codegen/htp/index.ts";
import { evaluate, graphBuilder, tensorFrom } from "../../../../compiler/ir/index.ts";
import type {
  Attribute,
  Graph,
  Quantization,
  Tensor,
  TensorType,
} from "../../../../compiler/ir/index.ts";
import { loadKernels } from "../../../../compiler/kernels/index.ts";
import { PARITY, RELEASES } from "../../../../compiler/releases/index.ts";
import { createMachine } from "../../../../device-agent/soc/machine/machine.ts";
import { socNamed } from "../../../../device-agent/soc/index.ts";
import { verifyProgram } from "../../../../device-agent/soc/verify/verify.ts";
import type { Sha256 } from "../../../../protocol/base/brand.ts";
import { seededRandom } from "../../../../protocol/base/random.ts";
import { unwrap } from "../../../../protocol/base/result.ts";
import type { SocDescription } from "../../../../protocol/isa/index.ts";
import type { Port, Program } from "../../../../protocol/program/index.ts";

const FOLDER = new URL("../../../../compiler/kernels/", import.meta.url);
export const kernels = loadKernels((name) => readFileSync(new URL(name, FOLDER), "utf8"));

export const CHIPS = ["sm8650", "sm8350"].map((name) => {
  const soc = socNamed(name);
  if (soc === undefined) throw new Error(`no chip ${name}`);
  return soc;
});

export function compile(graph: Graph, version: string, soc: SocDescription): Program {
  const recipe = version === PARITY.version ? PARITY : RELEASES.get(version);
  if (recipe === undefined) throw new Error(`no release ${version}`);
  return unwrap(
    lowerHtp({
      graph,
      soc,
      kernels,
      options: recipe.lowering,
      modelName: graph.name,
      modelSha256: "0".repeat(64) as Sha256,
      driverVersion: version,
      optionsText: "{}",
    }),
  );
}

/** Elements as ports hold them; fp16 as bits. */
export type Stored = Int8Array | Int16Array | Uint16Array;

/** Elements of a tensor as they lie in a port: pixels, channel fastest. */
export function pixelsOf(tensor: Tensor, port: Port): Stored {
  const { shape } = tensor.type;
  const data = tensor.data as Int8Array;
  const [, channels = 1, height = 1, width = 1] = shape;
  const { storage } = port;
  const isSecond = storage.kind === "pixels" && storage.channels === channels;
  if (shape.length !== 4 || !isSecond) return data;
  const plane = height * width;
  return data.map((_, place) => {
    const [pixel, c] = [Math.floor(place / channels), place % channels];
    const image = Math.floor(pixel / plane);
    return data[(image * channels + c) * plane + (pixel % plane)] ?? 0;
  });
}

export interface Ran {
  readonly microseconds: number;
  readonly outputs: readonly Uint8Array[];
}

/** Verifies the program, runs it twice (nothing may depend on what memory held) and gives the outputs. */
export function runOnChip(program: Program, soc: SocDescription, inputs: readonly Stored[]): Ran {
  const verified = unwrap(verifyProgram(program, soc));
  const machine = unwrap(createMachine(verified));
  program.inputs.forEach((port, index) => {
    const { buffer, byteOffset, byteLength } = inputs[index] ?? new Int8Array(0);
    machine.region(port.region).set(new Uint8Array(buffer, byteOffset, byteLength));
  });
  let cycles = 0;
  for (const segment of verified.segments) {
    if (segment.kind !== "htp") throw new Error("no HTP segment");
    cycles += segment.timing.cycles;
    machine.run(segment);
    machine.run(segment);
  }
  const outputs = program.outputs.map((port) => machine.region(port.region).slice());
  return { microseconds: (cycles / soc.clockHz) * 1e6 + soc.callFloorUs, outputs };
}

/** Seeds below zero give the lowest and the highest stored numbers alone. */
export function randomInput(type: TensorType, seed: number): Tensor {
  const random = seededRandom(Math.abs(seed));
  if (seed < 0 && type.dtype !== "f16") {
    const half = type.dtype === "i16" ? 32768 : 128;
    return tensorFrom(type, () => (random.below(2) === 0 ? -half : half - 1));
  }
  if (type.dtype === "f16") return tensorFrom(type, () => random.uniform() * 4 - 2);
  if (type.dtype === "i16") return tensorFrom(type, () => random.below(65536) - 32768);
  return tensorFrom(type, () => random.below(256) - 128);
}

/** A release on a chip. */
export interface Target {
  readonly version: string;
  readonly soc: SocDescription;
}

export const TARGETS: readonly Target[] = CHIPS.flatMap((soc) =>
  [...RELEASES.keys()].map((version) => ({ version, soc })),
);

/** Every target gives the evaluator's bytes. */
export function checkGraph(graph: Graph, seed = 1, targets = TARGETS): void {
  const inputs = new Map<string, Tensor>();
  graph.inputs.forEach((name, index) => {
    const type = graph.types.get(name);
    if (type !== undefined) inputs.set(name, randomInput(type, seed + index));
  });
  const expected = evaluate(graph, inputs);
  for (const { version, soc } of targets) {
    const program = compile(graph, version, soc);
    const stored = program.inputs.map((port) => pixelsOf(inputs.get(port.name)!, port));
    const { outputs } = runOnChip(program, soc, stored);
    graph.outputs.forEach((name, index) => {
      const wanted = expected.get(name);
      if (wanted === undefined) throw new Error(`no output ${name}`);
      const difference = firstDifference(
        outputs[index] ?? new Uint8Array(0),
        pixelsOf(wanted, program.outputs[index]!),
      );
      const at = { version, soc: soc.name, name };
      expect({ ...at, difference }).toEqual({ ...at, difference: undefined });
    });
  }
}

function firstDifference(bytes: Uint8Array, wanted: Stored): string | undefined {
  if (bytes.length !== wanted.byteLength) return `${bytes.length} bytes, not ${wanted.byteLength}`;
  const Kind = wanted.constructor as Int16ArrayConstructor;
  const actual = new Kind(bytes.buffer, bytes.byteOffset, wanted.length);
  for (let at = 0; at < wanted.length; at++) {
    if (actual[at] !== wanted[at]) return `element ${at} is ${actual[at]}, not ${wanted[at]}`;
  }
  return undefined;
}

interface NodeOptions extends Readonly<Record<string, Attribute | Quantization | undefined>> {
  readonly quantization?: Quantization;
}

/** A builder of small int8 graphs with seeded constants. */
export function int8Graph(seed: number) {
  const random = seededRandom(seed);
  const builder = graphBuilder("test");
  let count = 0;
  const name = (what: string): string => `${what}${count++}`;
  const encoding = (scale: number, zeroPoint: number): Quantization => ({
    scales: [Math.fround(scale)],
    zeroPoints: [zeroPoint],
  });
  const fresh = (): Quantization =>
    encoding(0.01 + random.uniform() * 0.05, random.below(100) - 50);
  return {
    random,
    builder,
    fresh,
    input: (shape: readonly number[]) =>
      builder.input(name("x"), { dtype: "i8", shape, quantization: fresh() }),
    weights: (shape: readonly number[], axis: number) => {
      const channels = shape[axis] ?? 1;
      const quantization = {
        scales: Array.from({ length: channels }, () =>
          Math.fround(0.001 + random.uniform() * 0.01),
        ),
        zeroPoints: new Array<number>(channels).fill(0),
        axis,
      };
      return builder.constant(
        name("w"),
        tensorFrom({ dtype: "i8", shape, quantization }, () => random.below(255) - 127),
      );
    },
    bias: (channels: number) =>
      builder.constant(
        name("b"),
        tensorFrom({ dtype: "i32", shape: [channels] }, () => random.below(20000) - 10000),
      ),
    table: () =>
      builder.constant(
        name("t"),
        tensorFrom({ dtype: "i8", shape: [256] }, () => random.below(256) - 128),
      ),
    node: (op: string, inputs: readonly string[], options: NodeOptions = {}) => {
      const { quantization = fresh(), ...attributes } = options;
      const known = attributes as Readonly<Record<string, Attribute>>;
      return builder.node({ op, name: name(op), inputs, attributes: known, quantization });
    },
    encodingOf: (value: string): Quantization => {
      const { quantization } = builder.typeOf(value);
      if (quantization === undefined) throw new Error("no encoding");
      return quantization;
    },
    finish: (...outputs: string[]) => builder.finish(outputs),
  };
}
