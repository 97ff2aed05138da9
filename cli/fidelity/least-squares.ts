/** Nonlinear least squares by Gauss-Newton steps: few unknowns, each positive, a costly function. */
import { assert } from "../../protocol/base/assert.ts";

export interface Problem {
  /** Residuals of the unknowns' natural logarithms. */
  readonly residuals: (logarithms: readonly number[]) => readonly number[];
  /** How far a step may move a logarithm. */
  readonly stepMax: number;
  readonly start: readonly number[];
  /** Logarithms near which `ridge`, a weight, holds the unknowns: what the data do not decide stays there. */
  readonly prior: readonly number[];
  readonly ridge: number;
  readonly steps: number;
}

/** Wide enough that unknowns rounded to whole numbers move. */
const DIFFERENCE = 0.1;

/** The logarithms after `steps` steps; a step that makes things worse is halved, at most twice. */
export function solve(problem: Problem): readonly number[] {
  let at = problem.start;
  let residuals = problem.residuals(at);
  for (let step = 0; step < problem.steps; step++) {
    const towards = direction(problem, at, residuals);
    let [scale, next] = [1, at];
    let found = residuals;
    do {
      next = at.map((value, index) => value + scale * (towards[index] ?? 0));
      found = problem.residuals(next);
      scale /= 2;
    } while (cost(problem, next, found) > cost(problem, at, residuals) && scale > 0.2);
    if (cost(problem, next, found) > cost(problem, at, residuals)) break;
    [at, residuals] = [next, found];
  }
  return at;
}

function cost(problem: Problem, at: readonly number[], residuals: readonly number[]): number {
  return sumOfSquares(residuals) + problem.ridge * sumOfSquares(drift(problem, at));
}

function drift({ prior }: Problem, at: readonly number[]): readonly number[] {
  return at.map((value, index) => value - (prior[index] ?? 0));
}

function sumOfSquares(values: readonly number[]): number {
  return values.reduce((sum, value) => sum + value * value, 0);
}

function direction(
  problem: Problem,
  at: readonly number[],
  residuals: readonly number[],
): readonly number[] {
  const columns = at.map((_, index) => {
    const shifted = at.map((value, other) => (other === index ? value + DIFFERENCE : value));
    const there = problem.residuals(shifted);
    return residuals.map((value, row) => ((there[row] ?? 0) - value) / DIFFERENCE);
  });
  const matrix = columns.map((column, index) =>
    columns.map((other, at) => dot(column, other) + (index === at ? problem.ridge : 0)),
  );
  const drifted = drift(problem, at);
  const right = columns.map(
    (column, index) => -dot(column, residuals) - problem.ridge * (drifted[index] ?? 0),
  );
  const { stepMax } = problem;
  return eliminate(matrix, right).map((value) => Math.max(-stepMax, Math.min(stepMax, value)));
}

function dot(a: readonly number[], b: readonly number[]): number {
  return a.reduce((sum, value, index) => sum + value * (b[index] ?? 0), 0);
}

/** The solution of a positive definite system, which needs no pivots. */
function eliminate(matrix: readonly (readonly number[])[], right: readonly number[]): number[] {
  const rows = matrix.map((row, index) => [...row, right[index] ?? 0]);
  for (const [index, row] of rows.entries()) {
    const pivot = row[index] ?? 0;
    assert(pivot > 0, "the normal equations are positive definite");
    for (const [other, target] of rows.entries()) {
      if (other === index) continue;
      const factor = (target[index] ?? 0) / pivot;
      for (const [column, value] of row.entries()) {
        target[column] = (target[column] ?? 0) - factor * value;
      }
    }
  }
  return rows.map((row, index) => (row.at(-1) ?? 0) / (row[index] ?? 1));
}
