/** Zoo models as drivers compile them: the int8 graph, one stored input, and the programs of any release. */
import type { Graph, Node, Tensor } from "../../compiler/ir/index.ts";
import { createDriver } from "../../compiler/driver/main.ts";
import { loadModel } from "../../compiler/driver/model.ts";
import { importEncodings, quantize } from "../../compiler/quant/index.ts";
import { RELEASES } from "../../compiler/releases/index.ts";
import type { Recipe } from "../../compiler/releases/index.ts";
import { InProcessDriver } from "../../cli/driver/in-process.ts";
import { zooInputs, zooModel } from "../../cli/models/zoo.ts";
import { openSession, quantized } from "../../device-agent/runtime/index.ts";
import type { Session } from "../../device-agent/runtime/index.ts";
import { SOCS } from "../../device-agent/soc/index.ts";
import type { ModelSource } from "../../protocol/abi/index.ts";
import { present } from "../../protocol/base/assert.ts";
import { fromUtf8 } from "../../protocol/base/bytes.ts";
import { canonicalJson } from "../../protocol/base/canonical-json.ts";
import { unwrap } from "../../protocol/base/result.ts";
import type { SocDescription } from "../../protocol/isa/index.ts";

/** A release on a chip. */
export interface Target {
  readonly recipe: Recipe;
  readonly soc: SocDescription;
}

/** The smallest memory without fp16, and the chip that most is known of. */
const CHIPS = SOCS.filter(({ name }) => name === "sm8350" || name === "sm8650");

export const TARGETS: readonly Target[] = [...RELEASES.values()].flatMap((recipe) =>
  CHIPS.map((soc) => ({ recipe, soc })),
);

export function targetName({ recipe, soc }: Target): string {
  return `${recipe.version} on ${soc.name}`;
}

export interface ZooNetwork {
  /** What every release lowers. */
  readonly graph: Graph;
  /** A seeded image in the graph's input encoding, by input name. */
  readonly inputs: ReadonlyMap<string, Tensor>;
  /** The network as a whole, compiled through the ABI and verified. */
  open(target: Target): Session;
}

/** Calibrated with one seeded image. */
export async function zooNetwork(
  name: string,
  { seed }: { readonly seed?: number } = {},
): Promise<ZooNetwork> {
  const model = present(zooModel(name), `zoo model ${name}`);
  const bytes = unwrap(await model.load());
  const runs = zooInputs(model, 1, seed);
  const oldest = present([...RELEASES.values()][0], "a release");
  const driver = new InProcessDriver(createDriver(oldest));
  const source: ModelSource = {
    format: "onnx",
    sha256: driver.put(bytes),
    name,
    inputShapes: [{ input: model.input, shape: model.shape }],
  };
  const inputs = runs.map((run) => driver.put(new Uint8Array(run.buffer)));
  const reference = unwrap(driver.reference({ model: source, inputs, calibrate: true }));
  const encodings = driver.get(present(reference.encodings, "encodings"));
  const host = { readBlob: () => bytes, readFile: never, sha256: never, reply: never };
  const { graph } = unwrap(loadModel(source, { host, dumpAfter: undefined }));
  const int8 = unwrap(quantize(graph, unwrap(importEncodings(fromUtf8(encodings)))));
  const image = present(runs[0], "an image");
  return {
    graph: int8,
    inputs: new Map(int8.inputs.map((input) => [input, stored(int8, input, image)])),
    open: (target) => openTarget(target, { source, bytes, encodings }),
  };
}

function never(): never {
  throw new Error("importing a model only reads it");
}

function stored(graph: Graph, name: string, values: Float32Array): Tensor {
  const type = present(graph.types.get(name), name);
  const scale = present(type.quantization?.scales[0], "scale");
  const zeroPoint = present(type.quantization?.zeroPoints[0], "zero point");
  return { type, data: Int8Array.from(values, (value) => quantized(value, { scale, zeroPoint })) };
}

function openTarget(
  { recipe, soc }: Target,
  model: {
    readonly source: ModelSource;
    readonly bytes: Uint8Array;
    readonly encodings: Uint8Array;
  },
): Session {
  const driver = new InProcessDriver(createDriver(recipe));
  driver.put(model.bytes);
  const compiled = driver.compile({
    model: model.source,
    soc: fromUtf8(canonicalJson(soc)),
    backend: "htp",
    encodings: driver.put(model.encodings),
    dumpAfter: undefined,
  });
  return unwrap(openSession(driver.get(unwrap(compiled).program), soc));
}

/** Runs tensors through a program: int8 in, int8 out, by the names of its ports. */
export function runStored(
  session: Session,
  inputs: ReadonlyMap<string, Tensor>,
): ReadonlyMap<string, Int8Array> {
  const raw = new Map(
    session.program.inputs.map(({ name }) => {
      const { type, data } = present(inputs.get(name), `input ${name}`);
      return [name, bytesOf(reordered(data as Int8Array, type.shape, "to_pixels"))];
    }),
  );
  const outputs = unwrap(session.runRaw(raw));
  return new Map(
    session.program.outputs.map(({ name, shape }) => {
      const bytes = present(outputs.get(name), `output ${name}`);
      const pixels = new Int8Array(bytes.buffer, bytes.byteOffset, bytes.length);
      return [name, reordered(pixels, shape, "to_planes")];
    }),
  );
}

function bytesOf(data: Int8Array): Uint8Array {
  return new Uint8Array(data.buffer, data.byteOffset, data.length);
}

/** Tensors lie [1][channel][row][column], ports [row][column][channel]. */
function reordered(
  data: Int8Array,
  shape: readonly number[],
  direction: "to_pixels" | "to_planes",
): Int8Array {
  if (shape.length !== 4) return data;
  const [, channels = 1, height = 1, width = 1] = shape;
  const plane = height * width;
  const result = new Int8Array(data.length);
  for (let channel = 0; channel < channels; channel++) {
    for (let at = 0; at < plane; at++) {
      const [inPlanes, inPixels] = [channel * plane + at, at * channels + channel];
      if (direction === "to_pixels") result[inPixels] = data[inPlanes]!;
      else result[inPlanes] = data[inPixels]!;
    }
  }
  return result;
}

/** The first element that differs, in words; undefined when all are equal. */
export function firstDifference(actual: Int8Array, wanted: Int8Array): string | undefined {
  if (actual.length !== wanted.length) return `${actual.length} elements, not ${wanted.length}`;
  const at = wanted.findIndex((value, index) => value !== actual[index]);
  return at < 0 ? undefined : `element ${at} is ${actual[at]}, not ${wanted[at]}`;
}

/** A graph of that node alone, its constants with it. */
export function graphOfNode(graph: Graph, node: Node): Graph {
  const names = new Set(node.inputs.filter((name) => name !== ""));
  const constants = [...names].flatMap((name) => {
    const tensor = graph.constants.get(name);
    return tensor === undefined ? [] : [[name, tensor] as const];
  });
  const all = [...names, ...node.outputs];
  return {
    name: node.name,
    inputs: [...names].filter((name) => !graph.constants.has(name)),
    outputs: node.outputs,
    types: new Map(all.map((name) => [name, present(graph.types.get(name), name)])),
    open: new Map(),
    constants: new Map(constants),
    nodes: [node],
  };
}
