/** Max pooling that remembers where its elements came from, and the way back. */
import { product } from "../../../protocol/base/integers.ts";
import type { Attribute, Tensor } from "../graph.ts";
import {
  inputTensor,
  inputType,
  numberAttribute,
  numbersAttribute,
  outputType,
  requireThat,
  whole,
} from "../operator.ts";
import type { ElementRule, EvaluationCall, InferenceCall, Operator } from "../operator.ts";
import { numeric, tensorFrom } from "../tensor.ts";
import { coordinatesOf } from "../walk.ts";
import { inferPool, normalPool, POOL_ATTRIBUTES, poolAxes, windowWalk } from "./pooling.ts";
import { perAxis } from "./window.ts";

export const POOL_PLACE_OPS = {
  max_pool_places: {
    docs: "The largest element of each window and its row-major place in x (column-major planes on request).",
    inputs: [1, 1],
    attributes: { ...POOL_ATTRIBUTES, column_major: numberAttribute(0) },
    normal: (call) => normalPool(call, { column_major: call.attributes.number("column_major") }),
    infer: (call) => inferPool(call).flatMap((type) => [type, { ...type, dtype: "i64" }]),
    evaluator: whole(evaluatePlaces),
    quantized: "none",
  },
  max_unpool: {
    docs: "Zeros of `shape`, but for the elements of x at their places (second input).",
    inputs: [2, 2],
    attributes: {
      shape: numbersAttribute([]),
      kernel: numbersAttribute([]),
      strides: numbersAttribute([]),
      pads: numbersAttribute([]),
    },
    normal: normalUnpool,
    infer: (call) => [{ dtype: inputType(call, 0).dtype, shape: call.attributes.numbers("shape") }],
    evaluator: whole(evaluateUnpool),
    quantized: "none",
  },
} as const satisfies Record<string, Operator>;

function evaluatePlaces(call: EvaluationCall): readonly Tensor[] {
  const { shape } = inputTensor(call, 0).type;
  const x = numeric(inputTensor(call, 0));
  const walk = windowWalk(poolAxes(call));
  const places = Float64Array.from({ length: product(outputType(call).shape) }, (_, index) => {
    let best = -1;
    walk(index, (source) => {
      if (best < 0 || (x[source] ?? 0) > (x[best] ?? 0)) best = source;
    });
    return best;
  });
  const turned = call.attributes.number("column_major") !== 0;
  const placeOf = turned ? columnMajor(shape) : (place: number) => place;
  const rules: ElementRule[] = [
    (index) => x[places[index] ?? 0] ?? 0,
    (index) => placeOf(places[index] ?? 0),
  ];
  return call.outputTypes.map((type, at) => tensorFrom(type, rules[at] ?? (() => 0)));
}

/** The place of an element when the spatial axes of every plane are stored last axis slowest. */
function columnMajor(shape: readonly number[]): (place: number) => number {
  const spatial = shape.slice(2);
  const plane = product(spatial);
  const at: number[] = [];
  return (place) => {
    coordinatesOf(spatial, place % plane, at);
    const turned = at.reduceRight((sum, each, axis) => sum * (spatial[axis] ?? 1) + each, 0);
    return place - (place % plane) + turned;
  };
}

/** Without a shape it is that of the pooling which the window undoes. */
function normalUnpool(call: InferenceCall): Record<string, Attribute> {
  const { attributes } = call;
  const given = attributes.numbers("shape");
  if (given.length > 0) return { shape: given };
  const { shape } = inputType(call, 0);
  const kernel = attributes.numbers("kernel");
  const count = kernel.length;
  const strides = perAxis(attributes, "strides", { count, value: 1 });
  const pads = perAxis(attributes, "pads", { count: 2 * count, value: 0 });
  const sizes = kernel.map((taps, axis) => {
    const borders = (pads[axis] ?? 0) + (pads[axis + count] ?? 0);
    return ((shape[axis + 2] ?? 1) - 1) * (strides[axis] ?? 1) + taps - borders;
  });
  return { shape: [...shape.slice(0, 2), ...sizes] };
}

function evaluateUnpool(call: EvaluationCall): readonly Tensor[] {
  const [x, places] = [numeric(inputTensor(call, 0)), numeric(inputTensor(call, 1))];
  const result = new Float64Array(product(outputType(call).shape));
  for (const [at, place] of places.entries()) {
    requireThat(place >= 0 && place < result.length, `place ${place} is outside`);
    result[place] = x[at] ?? 0;
  }
  return [tensorFrom(outputType(call), (index) => result[index] ?? 0)];
}
