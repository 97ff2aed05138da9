/** The inputs of a run: what was given, checked against the model, or seeded values of the right shape. */
import { importModel } from "../../compiler/frontend/import.ts";
import { closeGraph } from "../../compiler/ir/index.ts";
import type { Graph } from "../../compiler/ir/index.ts";
import { present } from "../../protocol/base/assert.ts";
import { product } from "../../protocol/base/integers.ts";
import { seededRandom } from "../../protocol/base/random.ts";
import { failed, succeeded } from "../../protocol/base/result.ts";
import type { Result } from "../../protocol/base/result.ts";
import { drawImage } from "../models/images.ts";
import type { ModelFile } from "../models/model-file.ts";
import type { FloatTensor } from "../tensor-files.ts";

const SEED = 1;

export function importBound(model: ModelFile): Result<Graph> {
  const inputShapes = new Map(model.inputShapes.map(({ input, shape }) => [input, shape]));
  const imported = importModel(model.bytes, { inputShapes });
  return imported.ok ? closeGraph(imported.value) : imported;
}

/** In the graph's order of inputs. */
export function chooseInputs(
  graph: Graph,
  given: ReadonlyMap<string, FloatTensor> | undefined,
): Result<Map<string, FloatTensor>> {
  const inputs = new Map<string, FloatTensor>();
  for (const name of graph.inputs) {
    const { dtype, shape, quantization } = present(graph.types.get(name), `type of ${name}`);
    // Numbers that stand for real ones are given as those.
    if (dtype !== "f32" && quantization === undefined) {
      return failed("INPUTS_INVALID", `input ${name} is ${dtype}; only float32 inputs can be run`);
    }
    const tensor = given === undefined ? seeded(shape) : given.get(name);
    if (tensor === undefined) return failed("INPUTS_MISSING", `input ${name} is not given`);
    if (tensor.shape.join() !== shape.join()) {
      const message = `input ${name} is [${tensor.shape}], the model takes [${shape}]`;
      return failed("INPUTS_INVALID", message, { name });
    }
    inputs.set(name, tensor);
  }
  return succeeded(inputs);
}

/** A picture where the shape is one, normal noise elsewhere. */
function seeded(shape: readonly number[]): FloatTensor {
  const random = seededRandom(SEED);
  const [batch, channels, height = 1, width = 1] = shape;
  if (shape.length === 4 && batch === 1 && channels === 3) {
    return { shape, values: drawImage({ height, width, random }) };
  }
  return { shape, values: Float32Array.from({ length: product(shape) }, () => random.normal()) };
}

/** A run as drivers and agents take it: the values of all inputs, one after another. */
export function joined(tensors: readonly FloatTensor[]): Float32Array {
  const whole = new Float32Array(tensors.reduce((total, { values }) => total + values.length, 0));
  let offset = 0;
  for (const { values } of tensors) {
    whole.set(values, offset);
    offset += values.length;
  }
  return whole;
}
