/** Models that were quantised elsewhere, as the chip computes them: in int8, with an encoding on every value. */
import { CodedError, succeeded, toFailure } from "../../../protocol/base/result.ts";
import type { Result } from "../../../protocol/base/result.ts";
import type { Graph } from "../../ir/index.ts";
import { eliminateDeadCode } from "../eliminate-dead-code.ts";
import type { Pass } from "../pass.ts";
import { optimize } from "../pipeline.ts";
import { simplify } from "../simplify.ts";
import { storedIndices } from "./indices.ts";
import { storedPorts } from "./ports.ts";
import { signed } from "./signed.ts";

export const STORED_PASSES = [
  storedPorts,
  signed,
  storedIndices,
  simplify,
  eliminateDeadCode,
] as const satisfies readonly Pass[];

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
  try {
    return succeeded(optimize(graph, STORED_PASSES));
  } catch (error) {
    if (error instanceof CodedError) return toFailure(error as CodedError<"UNSUPPORTED_OP">);
    throw error;
  }
}
