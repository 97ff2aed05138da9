/** Einstein sums: products of operands over named axes, summed over those that the result leaves out. */
import { product } from "../../../protocol/base/integers.ts";
import type { TensorType } from "../graph.ts";
import {
  element,
  inputTensor,
  inputType,
  outputType,
  reject,
  requireThat,
  textAttribute,
} from "../operator.ts";
import type { ElementRule, EvaluationCall, InferenceCall, Operator } from "../operator.ts";
import { numeric, stridesOf } from "../tensor.ts";
import { stridedIndex } from "../walk.ts";

const OPERANDS_MAX = 64;

export const EINSUM_OPS = {
  einsum: {
    docs: 'The sum that the equation spells, e.g. "bij,bjk->bik"; "..." stands for axes that broadcast.',
    inputs: [1, OPERANDS_MAX],
    attributes: { equation: textAttribute() },
    infer: inferEinsum,
    evaluator: element(einsumElement),
    quantized: "none",
  },
} as const satisfies Record<string, Operator>;

/** Axis names of every operand and of the result; hidden axes are "0", "1", … from the last. */
interface Equation {
  readonly operands: readonly (readonly string[])[];
  readonly result: readonly string[];
  readonly sizes: ReadonlyMap<string, number>;
}

function parseEquation(text: string, shapes: readonly (readonly number[])[]): Equation {
  const [left = "", right] = text.replace(/\s/g, "").split("->");
  const terms = left.split(",");
  requireThat(terms.length === shapes.length, `the equation has ${terms.length} operands`);
  const operands = terms.map((term, at) => axisNames(term, shapes[at]?.length ?? 0));
  const sizes = new Map<string, number>();
  for (const [at, names] of operands.entries()) {
    for (const [axis, name] of names.entries()) {
      const size = shapes[at]?.[axis] ?? 1;
      const known = sizes.get(name) ?? 1;
      const fits = size === known || size === 1 || known === 1;
      requireThat(fits, `axis ${name} is both ${known} and ${size}`);
      sizes.set(name, Math.max(known === 1 ? size : known, size === 1 ? known : size));
    }
  }
  return { operands, result: resultNames(right, operands), sizes };
}

function axisNames(term: string, rank: number): readonly string[] {
  const [before = "", after] = term.split("...");
  const named = before.length + (after?.length ?? 0);
  const hidden = rank - named;
  const fits = after === undefined ? hidden === 0 : hidden >= 0;
  requireThat(fits, `"${term}" does not name ${rank} axes`);
  const dots = Array.from({ length: hidden }, (_, at) => String(hidden - 1 - at));
  return [...before, ...dots, ...(after ?? "")];
}

/** Without an arrow: hidden axes first, then the letters that come once, in the alphabet's order. */
function resultNames(
  right: string | undefined,
  operands: readonly (readonly string[])[],
): readonly string[] {
  const all = operands.flat();
  const isHidden = (name: string): boolean => /^\d+$/.test(name);
  const hidden = [...new Set(all.filter(isHidden))].sort((a, b) => Number(b) - Number(a));
  if (right === undefined) {
    const once = all.filter(
      (name) => !isHidden(name) && all.indexOf(name) === all.lastIndexOf(name),
    );
    return [...hidden, ...once.sort()];
  }
  const [before = "", after] = right.split("...");
  const names = after === undefined ? [...before] : [...before, ...hidden, ...after];
  const unknown = names.find((name) => !all.includes(name));
  return unknown === undefined ? names : reject(`no operand has the axis ${unknown}`);
}

function inferEinsum(call: InferenceCall): readonly TensorType[] {
  const shapes = call.inputs.map((_, at) => inputType(call, at).shape);
  const { result, sizes } = parseEquation(call.attributes.text("equation"), shapes);
  const { dtype } = inputType(call, 0);
  return [{ dtype, shape: result.map((name) => sizes.get(name) ?? 1) }];
}

function einsumElement(call: EvaluationCall): ElementRule {
  const tensors = call.inputs.map((_, at) => inputTensor(call, at));
  const shapes = tensors.map((each) => each.type.shape);
  const { operands, result, sizes } = parseEquation(call.attributes.text("equation"), shapes);
  const summed = [...sizes.keys()].filter((name) => !result.includes(name));
  const sumShape = summed.map((name) => sizes.get(name) ?? 1);
  const readers = tensors.map((each, at) => {
    const strides = stridesOf(each.type.shape);
    const stepsOver = (names: readonly string[]): number[] =>
      names.map((name) =>
        (operands[at] ?? []).reduce((total, own, axis) => {
          const spread = own === name && (each.type.shape[axis] ?? 1) > 1;
          return total + (spread ? (strides[axis] ?? 0) : 0);
        }, 0),
      );
    const base = stridedIndex(outputType(call).shape, stepsOver(result));
    const inner = stridedIndex(sumShape, stepsOver(summed));
    const offsets = Int32Array.from({ length: product(sumShape) }, (_, index) => inner(index));
    return { values: numeric(each), base, offsets };
  });
  return (index) => {
    const bases = readers.map(({ base }) => base(index));
    let sum = 0;
    for (let term = 0; term < product(sumShape); term++) {
      let value = 1;
      for (let at = 0; at < readers.length; at++) {
        const reader = readers[at];
        value *= reader?.values[(bases[at] ?? 0) + (reader.offsets[term] ?? 0)] ?? 0;
      }
      sum += value;
    }
    return sum;
  };
}
