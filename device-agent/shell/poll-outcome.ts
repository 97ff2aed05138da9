/** What a poll or a stick led to. */
import type { DriverRef, HoldCode } from "../../protocol/wire/index.ts";
import type { UpdateSummary } from "./update-summary.ts";

export type PollOutcome =
  | { readonly kind: "held"; readonly code: HoldCode; readonly because: string }
  /** The assignment asks for what is there already. */
  | { readonly kind: "nothing"; readonly because: string }
  /** The director took a driver back: the device runs the other one from now on. */
  | {
      readonly kind: "recalled";
      readonly from: DriverRef;
      readonly to: DriverRef;
      readonly because: string;
    }
  /** The network failed, or the owner or the server holds it up; the next poll goes on from here. */
  | {
      readonly kind: "waiting";
      readonly to: DriverRef;
      readonly code: string;
      readonly message: string;
    }
  | {
      readonly kind: "committed";
      readonly from: DriverRef;
      readonly to: DriverRef;
      readonly summary: UpdateSummary;
    }
  | {
      readonly kind: "refused";
      readonly from: DriverRef;
      readonly to: DriverRef;
      readonly code: string;
      readonly message: string;
      /** Null when it was refused before it was measured. */
      readonly summary: UpdateSummary | null;
    };
