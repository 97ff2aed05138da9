/** Whether what came out is what a test expects, with the tolerances of the ONNX backend runner. */
import {
  describeType,
  isFloat,
  isTensor,
  numeric,
  typeOfValue,
} from "../../../compiler/ir/index.ts";
import type { Tensor, Value } from "../../../compiler/ir/index.ts";

/** Floats: |a - b| <= absolute + relative * |b|. Whole numbers, truth values and texts are equal. */
export const TOLERANCE = { relative: 1e-3, absolute: 1e-5, absoluteOfDoubles: 1e-7 } as const;

/** The first difference in a sentence, or undefined. */
export function difference(actual: Value | undefined, expected: Value): string | undefined {
  if (actual === undefined) return "there is no such output";
  if (isTensor(expected)) {
    return isTensor(actual) ? tensorDifference(actual, expected) : wrongKind(actual, expected);
  }
  if (expected.kind === "optional") {
    // The suite's runner holds an optional with a value and the value itself to be the same.
    const inner = !isTensor(actual) && actual.kind === "optional" ? actual.item : actual;
    if (expected.item === undefined) return inner === undefined ? undefined : "it holds a value";
    return difference(inner, expected.item);
  }
  if (isTensor(actual) || actual.kind !== "sequence") return wrongKind(actual, expected);
  if (actual.items.length !== expected.items.length) {
    return `it has ${actual.items.length} items instead of ${expected.items.length}`;
  }
  for (const [index, item] of expected.items.entries()) {
    const found = difference(actual.items[index], item);
    if (found !== undefined) return `item ${index}: ${found}`;
  }
  return undefined;
}

function wrongKind(actual: Value, expected: Value): string {
  return `it is ${describeType(typeOfValue(actual))} instead of ${describeType(typeOfValue(expected))}`;
}

function tensorDifference(actual: Tensor, expected: Tensor): string | undefined {
  const [has, needs] = [describeType(actual.type), describeType(expected.type)];
  if (has !== needs) return `it is ${has} instead of ${needs}`;
  if (!isFloat(expected.type.dtype)) return firstUnequal(actual, expected);
  const [a, b] = [numeric(actual), numeric(expected)];
  const { relative, absolute, absoluteOfDoubles } = TOLERANCE;
  const least = expected.type.dtype === "f64" ? absoluteOfDoubles : absolute;
  for (let index = 0; index < b.length; index++) {
    const [x, y] = [a[index] ?? NaN, b[index] ?? NaN];
    const close = x === y || Math.abs(x - y) <= least + relative * Math.abs(y);
    if (!close && !(Number.isNaN(x) && Number.isNaN(y))) return differs(index, x, y);
  }
  return undefined;
}

function firstUnequal(actual: Tensor, expected: Tensor): string | undefined {
  for (let index = 0; index < expected.data.length; index++) {
    if (actual.data[index] !== expected.data[index]) {
      return differs(index, actual.data[index], expected.data[index]);
    }
  }
  return undefined;
}

function differs(index: number, actual: unknown, expected: unknown): string {
  return `element ${index} is ${String(actual)} instead of ${String(expected)}`;
}
