/** Functions of one element: grammar, float32 steps, substitution. */
import { describe, expect, test } from "@jest/globals";
import {
  binary,
  compileExpression,
  constant,
  operationCount,
  parseExpression,
  printExpression,
  substitute,
  unary,
  X,
} from "../../../../compiler/ir/index.ts";
import type { Expression } from "../../../../compiler/ir/index.ts";
import { fc, property } from "../../../support/property.ts";

const { tree: expressions } = fc.letrec<{ tree: Expression }>((tie) => ({
  tree: fc.oneof(
    { maxDepth: 5 },
    fc.constant(X),
    fc.float({ noNaN: true }).map(constant),
    fc
      .tuple(fc.constantFrom("neg" as const, "exp" as const, "abs" as const), tie("tree"))
      .map(([name, a]) => unary(name, a)),
    fc
      .tuple(
        fc.constantFrom("add" as const, "sub" as const, "div" as const, "max" as const),
        tie("tree"),
        tie("tree"),
      )
      .map(([name, a, b]) => binary(name, a, b)),
  ),
}));

describe("expressions", () => {
  test("what is printed parses to the same expression", () => {
    property(expressions, (expression) => {
      const text = printExpression(expression);
      expect(printExpression(parseExpression(text))).toBe(text);
      const [ours, again] = [
        compileExpression(expression),
        compileExpression(parseExpression(text)),
      ];
      for (const x of [-2.5, 0, 0.1, 7]) expect(again(x)).toEqual(ours(x));
    });
  });

  test("operators bind as in arithmetic, and clamp is min, then max", () => {
    const value = (text: string, x: number): number => compileExpression(parseExpression(text))(x);
    expect(value("1 + x*2 - 6/3", 5)).toBe(9);
    expect(value("-x*-2", 3)).toBe(6);
    expect(value("2-3-4", 0)).toBe(-5);
    expect(value("clamp(x, 0, 6)", 9)).toBe(6);
    expect(value("max(min(x,1e1),-.5)", -3)).toBe(-0.5);
    expect(printExpression(parseExpression("(x*clamp(x+3,0,6))/6"))).toBe(
      "((x*max(min((x+3),6),0))/6)",
    );
  });

  test("every step is rounded to float32", () => {
    const sum = compileExpression(parseExpression("(x+16777216)-16777216"));
    expect(sum(1)).toBe(0);
    expect(compileExpression(parseExpression("x*0.1"))(3)).toBe(Math.fround(3 * Math.fround(0.1)));
  });

  test("substitution composes functions", () => {
    const composed = substitute(parseExpression("x*x+1"), parseExpression("x-2"));
    expect(compileExpression(composed)(5)).toBe(10);
    expect(operationCount(composed)).toBe(4);
  });

  test.each(["", "x+", "(x", "sin", "sin(x,x)", "frob(x)", "x y", "1..2", "(".repeat(500)])(
    "%j is refused with the place",
    (text) => expect(() => parseExpression(text)).toThrow(/expected .* at \d+/),
  );
});
