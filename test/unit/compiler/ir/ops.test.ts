/** The ops table: one small case of every operator, its numbers worked out by hand. */
import { describe, expect, test } from "@jest/globals";
import {
  evaluateAt,
  evaluateNode,
  inferNode,
  inferTypes,
  isClosed,
  numberList,
  OPS,
} from "../../../../compiler/ir/index.ts";
import type { Node } from "../../../../compiler/ir/index.ts";
import { ELEMENT_CASES, REDUCTION_CASES } from "./element-cases.ts";
import { MOVEMENT_CASES } from "./movement-cases.ts";
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
  const types = inferred.value.types.filter(isClosed);
  expect(types[0]?.shape).toEqual(each.shape);
  const [result] = evaluateNode(node, each.inputs, types);
  if (result === undefined) throw new Error("no result");
  const numbers = numberList(result);
  expect(numbers).toHaveLength(each.values.length);
  for (const [index, value] of each.values.entries()) {
    expect(numbers[index]).toBeCloseTo(value, 5);
  }
  const indices = [...each.values.keys()].reverse();
  const sampled = evaluateAt(node, { inputs: each.inputs, outputTypes: types }, indices);
  expect(sampled.reverse()).toEqual(numbers);
}

/** Operators whose only trial so far is the ONNX backend suite; this number only falls. */
const UNTRIED_MAX = 150;

const CASES = [
  ...WINDOW_CASES,
  ...MATRIX_CASES,
  ...ELEMENT_CASES,
  ...REDUCTION_CASES,
  ...MOVEMENT_CASES,
  ...HALF_CASES,
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

  test("nearly every operator has a case here, and every one a sentence of documentation", () => {
    const tested = new Set([...CASES.map((each) => each.op), "split"]);
    // Rows on stored numbers have tests of their own: fixed.test.ts. So have operators on sequences
    // and with regions: open-graphs.test.ts.
    const isTried = ([op, row]: [string, { evaluator: { kind: string } }]): boolean =>
      tested.has(op) || op.startsWith("fixed_") || row.evaluator.kind === "values";
    const untried = Object.entries(OPS).filter((entry) => !isTried(entry));
    expect(untried.length).toBeLessThanOrEqual(UNTRIED_MAX);
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
