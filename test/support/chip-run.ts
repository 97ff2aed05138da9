/** Programs of stored graphs on the simulated chip, and what they give against the tensors of an evaluator. */
import { readFileSync } from "node:fs";
import { lowerHtp } from "../../compiler/codegen/htp/index.ts";
import type { Graph, Tensor, TensorType } from "../../compiler/ir/index.ts";
import { tensorFrom } from "../../compiler/ir/index.ts";
import { loadKernels } from "../../compiler/kernels/index.ts";
import { PARITY, RELEASES } from "../../compiler/releases/index.ts";
import { createMachine, verifyProgram } from "../../device-agent/soc/index.ts";
import { assert, present } from "../../protocol/base/assert.ts";
import type { Sha256 } from "../../protocol/base/brand.ts";
import { seededRandom } from "../../protocol/base/random.ts";
import { succeeded } from "../../protocol/base/result.ts";
import type { Result } from "../../protocol/base/result.ts";
import type { SocDescription } from "../../protocol/isa/index.ts";
import type { Port, Program } from "../../protocol/program/index.ts";

const FOLDER = new URL("../../compiler/kernels/", import.meta.url);
export const kernels = loadKernels((name) => readFileSync(new URL(name, FOLDER), "utf8"));

/** A release, or `parity`, on a chip. */
export interface Target {
  readonly version: string;
  readonly soc: SocDescription;
}

export const VERSIONS: readonly string[] = [...RELEASES.keys(), PARITY.version];

export function lowerFor(graph: Graph, { version, soc }: Target): Result<Program> {
  const recipe = version === PARITY.version ? PARITY : RELEASES.get(version);
  return lowerHtp({
    graph,
    soc,
    kernels,
    options: present(recipe, `release ${version}`).lowering,
    modelName: graph.name,
    modelSha256: "0".repeat(64) as Sha256,
    driverVersion: version,
    optionsText: "{}",
  });
}

/** The bytes of the output regions by name, of the second run: nothing may depend on what memory held. */
export function runOnChip(
  program: Program,
  soc: SocDescription,
  inputs: ReadonlyMap<string, Tensor>,
): Result<ReadonlyMap<string, Uint8Array>> {
  const verified = verifyProgram(program, soc);
  if (!verified.ok) return verified;
  const machine = createMachine(verified.value);
  if (!machine.ok) return machine;
  for (const port of program.inputs) {
    const pixels = pixelsOf(present(inputs.get(port.name), port.name), port);
    const { buffer, byteOffset, byteLength } = pixels;
    machine.value.region(port.region).set(new Uint8Array(buffer, byteOffset, byteLength));
  }
  for (const segment of verified.value.segments) {
    assert(segment.kind === "htp", "the HTP runs all of it");
    machine.value.run(segment);
    machine.value.run(segment);
  }
  const outputs = program.outputs.map(
    ({ name, region }) => [name, machine.value.region(region).slice()] as const,
  );
  return succeeded(new Map(outputs));
}

/** Elements as ports hold them; fp16 as bits. */
type Stored = Int8Array | Int16Array | Uint16Array;

/** Elements of a tensor as they lie in a port: pixels, channel fastest. */
function pixelsOf(tensor: Tensor, port: Port): Stored {
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

/** The first element of a port that is not the tensor's, in words; undefined when all are equal. */
export function firstDifference(
  bytes: Uint8Array | undefined,
  tensor: Tensor,
  port: Port,
): string | undefined {
  const wanted = pixelsOf(tensor, port);
  if (bytes?.length !== wanted.byteLength)
    return `${bytes?.length} bytes, not ${wanted.byteLength}`;
  const Kind = wanted.constructor as Int16ArrayConstructor;
  const actual = new Kind(bytes.buffer as ArrayBuffer, bytes.byteOffset, wanted.length);
  const at = wanted.findIndex((value: number, index: number) => value !== actual[index]);
  return at < 0 ? undefined : `element ${at} is ${actual[at]}, not ${wanted[at]}`;
}

function randomInput(type: TensorType, seed: number): Tensor {
  const random = seededRandom(Math.abs(seed));
  if (type.dtype === "f16") return tensorFrom(type, () => random.uniform() * 4 - 2);
  const half = type.dtype === "i16" ? 32768 : 128;
  if (seed < 0) return tensorFrom(type, () => (random.below(2) === 0 ? -half : half - 1));
  return tensorFrom(type, () => random.below(2 * half) - half);
}

/** A seeded tensor for every input of a graph; of the lowest and the highest stored numbers alone where the seed is below zero. */
export function randomInputs(graph: Graph, seed: number): ReadonlyMap<string, Tensor> {
  return new Map(
    graph.inputs.map((name, index) => {
      const own = seed + index * Math.sign(seed);
      return [name, randomInput(present(graph.types.get(name), name), own)];
    }),
  );
}
