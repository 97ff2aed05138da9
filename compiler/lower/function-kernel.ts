/** Kernels for functions of one fp16 element, printed from the steps that the evaluator runs. */
import { halfSteps } from "../ir/half-function.ts";
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
