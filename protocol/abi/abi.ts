/** Driver ABI 1. Frozen: it grows by optional fields and calls; a meaning never changes. */
import type { Sha256 } from "../base/brand.ts";

export const ABI_VERSION = { major: 1, minor: 0 } as const;
export const FRAME_BYTES_MAX = 1 << 20;
/** Bulk output goes out in pieces of at most this many bytes. */
export const PIECE_BYTES_MAX = 1 << 19;

/** What a bundle's driver.js leaves in `globalThis.retileDriver`. Pure: it sees nothing but the host's four functions. */
export interface Driver {
  /** Decodes one request frame and answers through `host.reply`: any progress and blobs, then one final reply. */
  handle(frame: Uint8Array, host: DriverHost): void;
}

export interface DriverHost {
  /** The bytes of a blob that a request named. Throws when there is none. */
  readBlob(sha256: string): Uint8Array;
  /** A file of the driver's own bundle, for instance "kernels/elementwise.hvx". Throws when there is none. */
  readFile(path: string): Uint8Array;
  sha256(bytes: Uint8Array): Uint8Array;
  reply(frame: Uint8Array): void;
}

export type Request = { readonly id: number } & (
  | { readonly call: "describe" }
  | { readonly call: "compile"; readonly compile: CompileRequest }
  | { readonly call: "reference"; readonly reference: ReferenceRequest }
  | { readonly call: "cancel" }
);

export interface ModelSource {
  readonly format: "onnx" | "tflite";
  readonly sha256: Sha256;
  readonly name: string;
  /** Binds dynamic dimensions. */
  readonly inputShapes: readonly { readonly input: string; readonly shape: readonly number[] }[];
}

export interface CompileRequest {
  readonly model: ModelSource;
  /** Canonical JSON of the SocDescription. */
  readonly soc: string;
  readonly backend: "htp" | "cpu";
  /** Blob with the encodings JSON; required for "htp". */
  readonly encodings: Sha256 | undefined;
  readonly dumpAfter: string | undefined;
}

/** Float32 inference on the CPU path: goldens and, with `calibrate`, encodings. */
export interface ReferenceRequest {
  readonly model: ModelSource;
  /** A blob a run: float32 values of all inputs in the model's order, one after another. */
  readonly inputs: readonly Sha256[];
  readonly calibrate: boolean;
}

export type Reply = { readonly id: number } & (
  | { readonly outcome: "progress"; readonly stage: string; readonly fraction: number }
  | {
      readonly outcome: "blob";
      readonly sha256: string;
      readonly bytes: Uint8Array;
      readonly last: boolean;
    }
  | { readonly outcome: "described"; readonly driver: DriverIdentity }
  | { readonly outcome: "compiled"; readonly summary: CompileSummary }
  | { readonly outcome: "referenced"; readonly reference: ReferenceSummary }
  | {
      readonly outcome: "failed";
      readonly code: FailureCode;
      readonly message: string;
      readonly where: string;
    }
);

/** Append-only: an older host treats an unknown code as INTERNAL. */
export const FAILURE_CODES = [
  "INTERNAL",
  "BAD_REQUEST",
  "BAD_MODEL",
  "UNSUPPORTED_OP",
  "UNSUPPORTED_SOC",
  "DOES_NOT_FIT",
  "DYNAMIC_SHAPE",
  "BAD_ENCODINGS",
  "LIMIT_EXCEEDED",
  "CANCELLED",
  "UNSUPPORTED_TYPE",
  "NOT_QUANTIZABLE",
  "MISSING_ENCODING",
  "ACCUMULATOR_OVERFLOW",
] as const;
export type FailureCode = (typeof FAILURE_CODES)[number];

export interface DriverIdentity {
  readonly version: string;
  readonly abi: { readonly major: number; readonly minor: number };
  readonly isa: { readonly major: number; readonly minor: number };
  readonly families: readonly string[];
  readonly formats: readonly string[];
  /** What `dumpAfter` may name: passes in pipeline order, then what else there is to print. */
  readonly passes: readonly string[];
}

export interface CompileSummary {
  readonly program: Sha256;
  readonly macs: number;
  readonly vtcmPeakBytes: number;
  readonly weightBytes: number;
  readonly warnings: readonly string[];
  readonly dump: Sha256 | undefined;
}

export interface ReferenceSummary {
  /** A blob a run: float32 values of all outputs in the model's order. */
  readonly outputs: readonly Sha256[];
  readonly encodings: Sha256 | undefined;
  readonly inputPorts: readonly PortType[];
  readonly outputPorts: readonly PortType[];
}

export interface PortType {
  readonly name: string;
  readonly dtype: string;
  readonly shape: readonly number[];
}
