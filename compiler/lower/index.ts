/**
 * Lowering: a quantised graph becomes a sequential listing of HTP instructions with every byte in its place.
 * One lowering; what a release decides is in its options.
 */
import { CodedError, failed, succeeded, toFailure } from "../../protocol/base/result.ts";
import type { Failure, Result } from "../../protocol/base/result.ts";
import type { SocDescription } from "../../protocol/isa/index.ts";
import type { Graph } from "../ir/index.ts";
import type { KernelLibrary } from "../kernels/index.ts";
import type { LoweringCode } from "./failure.ts";
import { buildNetwork } from "./network.ts";
import type { PortValue } from "./network.ts";
import { SPARING } from "./options.ts";
import type { LoweringOptions } from "./options.ts";
import type { Listing } from "./listing.ts";
import { layOut } from "./layout.ts";
import { writeListing } from "./write.ts";

export type { LoweringCode } from "./failure.ts";
export type { LoweringOptions } from "./options.ts";
export type { Draft, Listing, Placed } from "./listing.ts";
export type { PortValue } from "./network.ts";
export { layerRoofline } from "./roofline.ts";
export type { LayerBound, Roofline } from "./roofline.ts";
export { FIRST_PORT_REGION, WEIGHTS_REGION } from "./network.ts";

export interface LoweringRequest {
  readonly graph: Graph;
  readonly soc: SocDescription;
  readonly options: LoweringOptions;
  readonly kernels: KernelLibrary;
}

export interface Lowered {
  readonly listing: Listing;
  readonly inputs: readonly PortValue[];
  readonly outputs: readonly PortValue[];
  /** Constants, pointer tables first; the weights region. */
  readonly blob: Uint8Array;
  readonly tables: { readonly vtcmOffset: number; readonly bytes: number };
  readonly scratchBytes: number;
  readonly origins: readonly string[];
  readonly vtcmPeakBytes: number;
  /** The most bytes alive at once: no memory plan of this schedule needs less. */
  readonly vtcmLowerBoundBytes: number;
}

export function lowerGraph(request: LoweringRequest): Result<Lowered, LoweringCode> {
  try {
    return succeeded(lowerWith(request, request.options));
  } catch (error) {
    if (error instanceof CodedError && error.code === "DOES_NOT_FIT")
      return lowerSparingly(request);
    return refusal(error);
  }
}

/** Throws CodedError with a LoweringCode. */
function lowerWith(request: LoweringRequest, options: LoweringOptions): Lowered {
  const network = buildNetwork(request.graph, options, request.soc);
  return writeListing(request, network, layOut(network, options, request.soc));
}

/** What a release does for speed can cost room: without it, larger models fit. */
function lowerSparingly(request: LoweringRequest): Result<Lowered, LoweringCode> {
  try {
    return succeeded(lowerWith(request, { ...request.options, ...SPARING }));
  } catch (error) {
    return refusal(error);
  }
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
