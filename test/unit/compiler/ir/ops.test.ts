/** The ops table: one small case of every operator, its numbers worked out by hand. */
import { describe, expect, test } from "@jest/globals";
import {
  evaluateAt,
  evaluateNode,
  evaluateOpenNode,
  inferNode,
  inferTypes,
  isClosed,
  isTensor,
  numberList,
  OPS,
  textList,
} from "../../../../compiler/ir/index.ts";
import type { Node } from "../../../../compiler/ir/index.ts";
import { ELEMENT_CASES, REDUCTION_CASES } from "./element-cases.ts";
import { MOVEMENT_CASES } from "./movement-cases.ts";
import { AXIS_CASES, BIT_CASES, FUNCTION_CASES, NORM_CASES } from "./function-cases.ts";
import { ATTENTION_CASES, LEARNED_CASES, PATCH_CASES, RECURRENT_CASES } from "./network-cases.ts";
import { GENERATION_CASES, SELECTION_CASES } from "./selection-cases.ts";
import { STORED_CASES, TEXT_CASES } from "./stored-cases.ts";
import { HALF_CASES } from "./half-cases.ts";
import { f32, IMAGE, of, ROW, SQUARE } from "./op-case.ts";
import type { Case } from "./op-case.ts";
import { MATRIX_CASES, WINDOW_CASES } from "./window-cases.ts";

function nodeOf(each: Pick<Case, "op" | "attributes">, outputs: readonly string[] = ["y"]): Node {
  const attributes = new Map(Object.entries(each.attributes ?? {}));
  return { name: each.op, op: each.op, inputs: [], outputs, attributes };
}

function check(each: Case): void {
  const inferred = inferNode(
    nodeOf(each),
    each.inputs.map((input) => input?.type),
  );
  if (!inferred.ok) throw new Error(`${each.op}: ${inferred.message}`);
  const node = { ...nodeOf(each), attributes: inferred.value.attributes };
  const [result] = evaluateOpenNode(node, each.inputs);
  if (!isTensor(result)) throw new Error("the result is no tensor");
  expect(result.type.shape).toEqual(each.shape);
  const found = result.type.dtype === "string" ? textList(result) : numberList(result);
  expect(found).toHaveLength(each.values.length);
  for (const [index, value] of each.values.entries()) {
    if (typeof value === "string") expect(found[index]).toBe(value);
    else expect(found[index]).toBeCloseTo(value, 5);
  }
  const types = inferred.value.types.filter(isClosed);
  if (types.length === 0 || result.type.dtype === "string") return;
  const indices = [...each.values.keys()].reverse();
  const sampled = evaluateAt(node, { inputs: each.inputs, outputTypes: types }, indices);
  expect(sampled.reverse()).toEqual(found);
}

const CASES = [
  ...WINDOW_CASES,
  ...MATRIX_CASES,
  ...ELEMENT_CASES,
  ...REDUCTION_CASES,
  ...MOVEMENT_CASES,
  ...HALF_CASES,
  ...FUNCTION_CASES,
  ...BIT_CASES,
  ...AXIS_CASES,
  ...NORM_CASES,
  ...SELECTION_CASES,
  ...GENERATION_CASES,
  ...RECURRENT_CASES,
  ...ATTENTION_CASES,
  ...PATCH_CASES,
  ...LEARNED_CASES,
  ...STORED_CASES,
  ...TEXT_CASES,
];

describe("the ops table", () => {
  test.each(CASES.map((each) => [each.op, each] as const))(
    "%s means what its row says",
    (_, each) => check(each),
  );

  test("split cuts along its axis", () => {
    const node = nodeOf({ op: "split", attributes: { axis: 1, sizes: [1, 2] } }, ["a", "b"]);
    const input = f32([2, 3], [1, 2, 3, 4, 5, 6]);
    const types = inferTypes(node, [input.type]);
    if (!types.ok) throw new Error(types.message);
    const parts = evaluateNode(node, [input], types.value).map(numberList);
    expect(parts).toEqual([
      [1, 4],
      [2, 3, 5, 6],
    ]);
  });

  test("every operator has a case here and a sentence of documentation", () => {
    const tested = new Set([...CASES.map((each) => each.op), "split"]);
    // Rows on stored numbers are tested in frontend/tflite/litert.test.ts. So have operators on sequences
    // and with regions: open-graphs.test.ts.
    const isTried = ([op, row]: [string, { evaluator: { kind: string } }]): boolean =>
      tested.has(op) || op.startsWith("fixed_") || row.evaluator.kind === "values";
    const untried = Object.entries(OPS).filter((entry) => !isTried(entry));
    expect(untried.map(([op]) => op)).toEqual([]);
    for (const [op, row] of Object.entries<{ docs: string }>(OPS))
      expect(`${op}: ${row.docs}`).toMatch(/\.$/);
  });

  const refusals: readonly (readonly [
    string,
    Pick<Case, "op" | "inputs" | "attributes">,
    RegExp,
  ])[] = [
    ["an unknown operator", { op: "teleport", inputs: [ROW] }, /no operator teleport/],
    ["too few inputs", { op: "add", inputs: [ROW] }, /takes 2 to 2 inputs, not 1/],
    [
      "an unknown attribute",
      { op: "relu", inputs: [ROW], attributes: { alpha: 1 } },
      /no number attribute alpha/,
    ],
    ["a missing attribute", { op: "concat", inputs: [ROW] }, /attribute axis is missing/],
    [
      "shapes that do not broadcast",
      { op: "add", inputs: [ROW, f32([3], [1, 2, 3])] },
      /do not broadcast/,
    ],
    [
      "weights of other channels",
      { op: "conv", inputs: [IMAGE, f32([1, 2, 1, 1], [1, 2])] },
      /do not fit/,
    ],
    ["a window larger than its image", { op: "conv", inputs: [SQUARE, IMAGE] }, /larger than/],
    [
      "an axis out of range",
      { op: "concat", inputs: [ROW], attributes: { axis: 1 } },
      /out of range/,
    ],
    [
      "a reshape that loses elements",
      { op: "reshape", inputs: [ROW], attributes: { shape: [3] } },
      /does not fit/,
    ],
    [
      "a permutation with a hole",
      { op: "transpose", inputs: [SQUARE], attributes: { perm: [0, 1, 1, 3] } },
      /permute/,
    ],
    [
      "an expression that does not parse",
      { op: "pointwise", inputs: [ROW], attributes: { expr: "x+" } },
      /expected/,
    ],
    [
      "operands of two types",
      { op: "add", inputs: [ROW, of("i64", [4], [1, 2, 3, 4])] },
      /f32 and i64/,
    ],
  ];
  test.each(refusals)("%s is refused with the reason", (_, each, reason) => {
    const result = inferTypes(
      nodeOf(each),
      each.inputs.map((input) => input?.type),
    );
    expect(result).toMatchObject({ ok: false, code: "BAD_NODE" });
    if (!result.ok) expect(result.message).toMatch(reason);
  });
});
