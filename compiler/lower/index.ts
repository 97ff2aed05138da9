/**
 * Lowering: a quantised graph becomes a sequential listing of HTP instructions with every byte in its place.
 * One lowering; what a release decides is in its options.
 */
import { CodedError, failed, succeeded, toFailure } from "../../protocol/base/result.ts";
import type { Failure, Result } from "../../protocol/base/result.ts";
import type { LoweringCode } from "./failure.ts";
import { buildNetwork } from "./network.ts";
import { SAVINGS } from "./options.ts";
import type { LoweringOptions } from "./options.ts";
import { layOut } from "./layout.ts";
import type { Lowered, LoweringRequest } from "./request.ts";
import { writeListing } from "./write.ts";

export type { Lowered, LoweringRequest } from "./request.ts";
export type { LoweringCode } from "./failure.ts";
export type { LoweringOptions } from "./options.ts";
export type { Draft, Listing, Placed } from "./listing.ts";
export type { PortValue } from "./network.ts";
export { partition, segmentGraph } from "./partition/partition.ts";
export type { GraphSegment, Place, Placing } from "./partition/partition.ts";
export { costsOf, estimateUs, islandsNotWorth, segmentUs } from "./partition/cost.ts";
export type { Costs } from "./partition/cost.ts";
export { layerRoofline } from "./roofline.ts";
export type { LayerBound, Roofline } from "./roofline.ts";
export { FIRST_PORT_REGION, portBytes, WEIGHTS_REGION } from "./network.ts";

/**
 * Pure and deterministic. Fails with UNSUPPORTED_OP or DOES_NOT_FIT, naming the node in its details. What a release
 * does for speed can cost room: where a model does not fit, it is tried with less and less of that.
 */
export function lowerGraph(request: LoweringRequest): Result<Lowered, LoweringCode> {
  return lowerWithin(request, SAVINGS);
}

function lowerWithin(
  request: LoweringRequest,
  [next, ...others]: readonly Partial<LoweringOptions>[],
): Result<Lowered, LoweringCode> {
  try {
    return succeeded(lower(request));
  } catch (error) {
    const isTight = error instanceof CodedError && error.code === "DOES_NOT_FIT";
    if (!isTight || next === undefined) return refusal(error);
    return lowerWithin({ ...request, options: { ...request.options, ...next } }, others);
  }
}

/** Whether every operator has a lowering; fails with the UNSUPPORTED_OP that lowerGraph would fail with. */
export function checkGraph({ graph, options, soc }: LoweringRequest): Result<void, LoweringCode> {
  try {
    buildNetwork(graph, options, soc);
    return succeeded(undefined);
  } catch (error) {
    return refusal(error);
  }
}

/** Throws CodedError with a LoweringCode. */
function lower(request: LoweringRequest): Lowered {
  const { graph, options, soc } = request;
  const network = buildNetwork(graph, options, soc);
  return writeListing(request, network, layOut(network, options, soc));
}

function refusal(error: unknown): Failure<LoweringCode> {
  if (!(error instanceof CodedError)) throw error;
  switch (error.code) {
    case "UNSUPPORTED_OP":
    case "DOES_NOT_FIT":
      return toFailure(error as CodedError<LoweringCode>);
    case "BAD_NODE":
      return failed("UNSUPPORTED_OP", error.message);
    default:
      throw error;
  }
}
