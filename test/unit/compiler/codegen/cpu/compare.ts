/** Compiles a graph, runs it, and compares every value with the naive evaluator. */
import { expect } from "@jest/globals";
import { compileCpu, runCpu } from "../../../../../compiler/codegen/cpu/index.ts";
import type { CpuProgram } from "../../../../../compiler/codegen/cpu/index.ts";
import type { Attribute, Graph, Tensor } from "../../../../../compiler/ir/index.ts";
import { evaluate, graphBuilder, numeric, tensorFrom } from "../../../../../compiler/ir/index.ts";
import { seededRandom } from "../../../../../protocol/base/random.ts";
import { unwrap } from "../../../../../protocol/base/result.ts";
import { validateCpuModule } from "../../../../../protocol/wasm/validate.ts";

/** Largest |a - b| / (1 + |b|) at which two float32 results count as equal. */
export const TOLERANCE = 2e-5;

export interface OperandSpec {
  readonly shape: readonly number[];
  /** A graph input unless it is constant. */
  readonly constant?: boolean;
  /** Elements are normal, times this. */
  readonly scale?: number;
}

export interface NodeCase {
  readonly op: string;
  readonly operands: readonly OperandSpec[];
  readonly attributes?: Readonly<Record<string, Attribute>>;
  readonly outputs?: number;
  readonly seed?: number;
  readonly tolerance?: number;
}

export function randomTensor(shape: readonly number[], seed: number, scale = 1): Tensor {
  const random = seededRandom(seed);
  return tensorFrom({ dtype: "f32", shape }, () => random.normal() * scale);
}

/** One node between two layouts: its input is read as pixels and as rows by wrapping it in relu-like nodes. */
export function checkNode(nodeCase: NodeCase): void {
  const builder = graphBuilder("case");
  const inputs = new Map<string, Tensor>();
  const names = nodeCase.operands.map((operand, index) => {
    const name = `operand${index}`;
    const value = randomTensor(operand.shape, (nodeCase.seed ?? 1) + index, operand.scale);
    if (operand.constant === true) return builder.constant(name, value);
    inputs.set(name, value);
    return builder.input(name, value.type);
  });
  const { op, attributes = {}, outputs = 1 } = nodeCase;
  const results = Array.from({ length: outputs }, (_, index) => `result${index}`);
  builder.node({ op, name: "node", inputs: names, attributes, outputs: results });
  checkGraph(builder.finish(results), inputs, nodeCase.tolerance);
}

export function checkGraph(
  graph: Graph,
  inputs: ReadonlyMap<string, Tensor>,
  tolerance = TOLERANCE,
): CpuProgram {
  const program = unwrap(compileCpu(graph));
  expect(validateCpuModule(program.module)).toMatchObject({
    ok: true,
    value: { exports: ["run"] },
  });
  const expected = evaluate(graph, inputs, { keepAll: true });
  const elements = new Map([...inputs].map(([name, value]) => [name, value.data as Float32Array]));
  const seen = new Set<string>();
  const outputs = runCpu(program, elements, (value, actual) => {
    seen.add(value.name);
    expectClose(value.name, actual, expected.get(value.name), tolerance);
  });
  for (const name of graph.outputs) {
    expectClose(`output ${name}`, outputs.get(name)!, expected.get(name), tolerance);
  }
  expect(seen).toEqual(new Set(graph.nodes.flatMap((node) => node.outputs)));
  return program;
}

// eslint-disable-next-line max-params -- a comparison has two sides, a name and a tolerance
export function expectClose(
  name: string,
  actual: Float32Array,
  expected: Tensor | undefined,
  tolerance: number,
): void {
  const reference = numeric(expected!);
  expect([name, actual.length]).toEqual([name, reference.length]);
  let worst = 0;
  for (let index = 0; index < reference.length; index++) {
    const [a, b] = [actual[index]!, reference[index]!];
    if (Object.is(a, b) || a === b) continue;
    const error = Math.abs(a - b) / (1 + Math.abs(b));
    worst = error >= 0 ? Math.max(worst, error) : Infinity;
  }
  if (worst > tolerance) throw new Error(`${name} is off by ${worst} (allowed: ${tolerance})`);
}
