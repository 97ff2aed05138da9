/** Models that were quantised elsewhere, as the chip computes them: in int8, with an encoding on every value. */
import { CodedError, failed, succeeded, toFailure } from "../../../protocol/base/result.ts";
import type { Failure, Result } from "../../../protocol/base/result.ts";
import type { Graph } from "../../ir/index.ts";
import { eliminateDeadCode } from "../eliminate-dead-code.ts";
import type { Pass } from "../pass.ts";
import { optimize } from "../pipeline.ts";
import { simplify } from "../simplify.ts";
import { storedIndices } from "./indices.ts";
import { expandRecurrent } from "./recurrent.ts";
import { storedPorts } from "./ports.ts";
import { signed } from "./signed.ts";
import { storedWords } from "./words.ts";

export const STORED_PASSES = [
  storedPorts,
  signed,
  storedIndices,
  storedWords,
  expandRecurrent,
  simplify,
  eliminateDeadCode,
] as const satisfies readonly Pass[];

export { movedAsReals } from "./moved-as-reals.ts";
export { tablesFirst } from "./tables-first.ts";

/** Whether the model computes on stored numbers, so that there is nothing left to quantise. */
export function isStored(graph: Graph): boolean {
  return graph.nodes.some(({ outputs }) =>
    outputs.some((name) => graph.types.get(name)?.quantization !== undefined),
  );
}

/**
 * The same results in every bit: a port that held uint8 holds each number 128 lower, and one that held real
 * numbers beside a conversion holds what that makes of them.
 */
export function adopt(graph: Graph): Result<Graph, "UNSUPPORTED_OP"> {
  const adopted = adoptMixed(graph);
  return adopted.ok ? (realNode(adopted.value) ?? adopted) : adopted;
}

/** As adopt, with nodes that work on real numbers between conversions. */
export function adoptMixed(graph: Graph): Result<Graph, "UNSUPPORTED_OP"> {
  try {
    return succeeded(optimize(graph, STORED_PASSES));
  } catch (error) {
    if (error instanceof CodedError) return toFailure(error as CodedError<"UNSUPPORTED_OP">);
    throw error;
  }
}

/** The first node that computes on other than stored numbers, as the failure that it is where all have to. */
export function realNode(graph: Graph): Failure<"UNSUPPORTED_OP"> | undefined {
  const isReal = (name: string): boolean => {
    const type = graph.types.get(name);
    const isConstant = name === "" || graph.constants.has(name);
    return !isConstant && type?.dtype !== "i8" && type?.dtype !== "i16";
  };
  const real = graph.nodes.filter(({ inputs, outputs }) => [...inputs, ...outputs].some(isReal));
  // Conversions are there for what works on their results.
  const node = real.find(({ op }) => op !== "dequantize" && op !== "quantize") ?? real[0];
  if (node === undefined) return undefined;
  const { name, op, inputs, outputs } = node;
  const dtype = graph.types.get([...inputs, ...outputs].find(isReal) ?? "")?.dtype ?? "no tensor";
  const message =
    `node ${name} (${op}) works on ${dtype} in a model of stored numbers; quantise it too, or end the ` +
    `model before it and do the rest in the application`;
  return failed("UNSUPPORTED_OP", message, { node: name, operator: op, dtype });
}
