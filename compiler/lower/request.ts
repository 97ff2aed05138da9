/** What lowering is asked, and what it gives. */
import type { SocDescription } from "../../protocol/isa/index.ts";
import type { Graph } from "../ir/index.ts";
import type { KernelLibrary } from "../kernels/index.ts";
import type { Listing } from "./listing.ts";
import type { PortValue } from "./network.ts";
import type { LoweringOptions } from "./options.ts";

export interface LoweringRequest {
  readonly graph: Graph;
  readonly soc: SocDescription;
  readonly options: LoweringOptions;
  readonly kernels: KernelLibrary;
  /** To be timed and never run: constants have their places, but nobody reads or packs them. */
  readonly weightless?: boolean;
}

export interface Lowered {
  readonly listing: Listing;
  readonly inputs: readonly PortValue[];
  readonly outputs: readonly PortValue[];
  /** Constants, pointer tables first; the weights region. Empty where it is weightless. */
  readonly blob: Uint8Array;
  readonly tables: { readonly vtcmOffset: number; readonly bytes: number };
  readonly scratchBytes: number;
  readonly origins: readonly string[];
  readonly vtcmPeakBytes: number;
  /** The most bytes alive at once: no memory plan of this schedule needs less. */
  readonly vtcmLowerBoundBytes: number;
}
