/**
 * Functions of one fp16 element: as kernels, printed from the steps that the evaluator runs, or as tables, for chips
 * without one of the steps.
 */
import { decodeHalf, encodeHalf } from "../../protocol/base/half.ts";
import { MICRO_OPS } from "../../protocol/isa/index.ts";
import type { SocDescription } from "../../protocol/isa/index.ts";
import { compileHalf, halfSteps } from "../ir/half-function.ts";
import type { HalfStep } from "../ir/half-function.ts";
import { printExpression } from "../ir/index.ts";
import type { Expression } from "../ir/index.ts";
import { parseKernel } from "../kernels/index.ts";
import type { Kernel, Shape } from "../kernels/index.ts";

/** A kernel of operands x and y, and what it is instantiated with. */
export interface FunctionKernel {
  readonly kernel: Kernel;
  readonly shape: Shape;
}

/** Whether the chip has every step of the function. */
export function hasSteps(expression: Expression, { features }: SocDescription): boolean {
  return halfSteps(expression).every((step) => {
    const feature = step.kind === "elementary" ? MICRO_OPS[step.name].feature : undefined;
    return feature === undefined || features.includes(feature);
  });
}

const tables = new Map<string, Int16Array>();

/** The bits of the function's value for all 65,536 inputs, those with a sign first. */
export function functionTableOf(expression: Expression): Int16Array {
  const key = printExpression(expression);
  const rule = compileHalf(expression);
  const valueOf = (index: number): number => encodeHalf(rule(decodeHalf(index ^ 0x8000)));
  const table = tables.get(key) ?? Int16Array.from({ length: 65536 }, (_, index) => valueOf(index));
  tables.set(key, table);
  return table;
}

const HALF_INFINITY = 0x7c00;

/** Whether it is finite wherever its argument is; or at zero alone. */
export function staysFinite(expression: Expression, atZero: boolean): boolean {
  const isFinite = (bits: number): boolean => (bits & HALF_INFINITY) !== HALF_INFINITY;
  if (atZero) return isFinite(encodeHalf(compileHalf(expression)(0)));
  const table = functionTableOf(expression);
  return table.every((bits, index) => isFinite(bits) || !isFinite(index ^ 0x8000));
}

const kernels = new Map<string, FunctionKernel>();

/** Equal functions share one kernel. Throws CodedError NO_HALF_FORM. */
export function functionKernel(expression: Expression): FunctionKernel {
  const key = printExpression(expression);
  const known = kernels.get(key);
  if (known !== undefined) return known;
  const steps = halfSteps(expression);
  const parameters = Object.fromEntries(
    steps.flatMap((step, index) => (step.kind === "constant" ? [[`c${index}`, step.value]] : [])),
  );
  const kernel = parseKernel(kernelText(steps), `function ${key}`);
  const made = { kernel, shape: { parameters } };
  kernels.set(key, made);
  return made;
}

function kernelText(steps: readonly HalfStep[]): string {
  const constants = steps.flatMap((step, index) =>
    step.kind === "constant" ? [`  splat_f32 v${index} c${index}`] : [],
  );
  const parameters = steps.flatMap((step, index) =>
    step.kind === "constant" ? [`parameter c${index}`] : [],
  );
  const body = steps.flatMap((step, index) => lineOf(step, index));
  return [
    "kernel function_f16",
    "operand x",
    "operand y",
    ...parameters,
    ...(constants.length > 0 ? ["prologue", ...constants] : []),
    "body",
    ...body,
    `  store_f16 v${steps.length - 1} y 0`,
  ].join("\n");
}

function lineOf(step: HalfStep, index: number): string[] {
  switch (step.kind) {
    case "x":
      return [`  load_f16 v${index} x`];
    case "constant":
      return [];
    case "elementary":
      return [`  ${step.name} v${index} v${step.a}`];
    case "floor":
      return [`  floor_f32 v${index} v${step.a}`];
    case "arithmetic":
      if (step.name !== "divide") return [`  ${step.name}_f16 v${index} v${step.a} v${step.b}`];
      return [`  divide_f32 v${index} v${step.a} v${step.b}`, `  round_f16 v${index} v${index}`];
  }
}
