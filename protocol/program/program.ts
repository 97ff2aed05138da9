/** A compiled model: what a driver emits, what the chip runs. Offsets and sizes in bytes. */
import type { Sha256 } from "../base/brand.ts";
import type { Stream } from "../isa/index.ts";

export interface Program {
  readonly isa: { readonly major: number; readonly minor: number };
  /** SoC name, for instance "sm8650". */
  readonly soc: string;
  readonly modelName: string;
  readonly modelSha256: Sha256;
  readonly driverVersion: string;
  /** Canonical JSON of the options it was compiled with. */
  readonly options: string;
  /** Region 0 is VTCM. Instructions address (index, offset). */
  readonly regions: readonly Region[];
  readonly inputs: readonly Port[];
  readonly outputs: readonly Port[];
  /** Between segments: each is written by one of them, whole, and lies in a region of its own. */
  readonly tensors: readonly Port[];
  /** Names of the model's nodes; instructions carry an index into this list. */
  readonly origins: readonly string[];
  /** Run one after another: an order of the graph that their flows make. */
  readonly segments: readonly Segment[];
  readonly counters: Counters;
  /** The content of the weights regions. */
  readonly blobs: ReadonlyMap<Sha256, Uint8Array>;
}

export const REGION_KINDS = ["vtcm", "scratch", "weights", "input", "output", "tensor"] as const;
export type RegionKind = (typeof REGION_KINDS)[number];

export type Region =
  | { readonly kind: Exclude<RegionKind, "weights">; readonly bytes: number }
  | { readonly kind: "weights"; readonly bytes: number; readonly sha256: Sha256 };

export interface Port {
  readonly name: string;
  /** As the application sees it. */
  readonly dtype: "f32";
  readonly shape: readonly number[];
  readonly region: number;
  readonly storage: Storage;
}

/**
 * How a port's bytes lie in its region. `pixels`: [rows][columns][channels], channel fastest. int8 and int16:
 * stored = clamp(roundHalfEven(fround(real / scale)) + zeroPoint) — quantised and dequantised by the runtime;
 * fp16: the nearest one, scale 1 and zeroPoint 0.
 */
export type Storage =
  | { readonly kind: "float32" }
  | {
      readonly kind: "pixels";
      readonly element: PixelElement;
      readonly scale: number;
      readonly zeroPoint: number;
      readonly rows: number;
      readonly columns: number;
      readonly channels: number;
    };

export const PIXEL_ELEMENTS = ["int8", "int16", "fp16"] as const;
export type PixelElement = (typeof PIXEL_ELEMENTS)[number];

export function pixelElementBytes(element: PixelElement): number {
  return element === "int8" ? 1 : 2;
}

export type Segment = HtpSegment | CpuSegment;

/** Names of ports and tensors; what a segment reads, the program's inputs are or an earlier segment has written. */
export interface Flow {
  readonly reads: readonly string[];
  readonly writes: readonly string[];
}

interface InFlow {
  /** Absent: the only segment of its program, which reads all inputs and writes all outputs. */
  readonly flow?: Flow;
}

export interface HtpSegment extends InFlow {
  readonly kind: "htp";
  /** Crouton pointer tables: u32 VTCM offsets. One dma.copy brings them from the weights region; nothing else writes there. */
  readonly tables: {
    readonly vtcmOffset: number;
    readonly bytes: number;
    readonly region: number;
    readonly regionOffset: number;
  };
  readonly streams: readonly Stream[];
}

/**
 * WebAssembly that imports only `env.memory` and exports `run(stage)`; stages run in order. Ports and tensors lie in its
 * memory as float32 in row-major order, however their regions hold them.
 */
export interface CpuSegment extends InFlow {
  readonly kind: "cpu";
  readonly module: Uint8Array;
  readonly memoryBytes: number;
  readonly stages: number;
  /** Weights, placed in memory before the first stage. */
  readonly image: readonly Placement[];
  readonly ports: readonly { readonly name: string; readonly memoryOffset: number }[];
}

export interface Placement {
  readonly region: number;
  readonly regionOffset: number;
  readonly bytes: number;
  readonly memoryOffset: number;
}

/** What one inference moves and computes; energy is derived from these. */
export interface Counters {
  /** Multiply-accumulates, by what they multiply. */
  readonly macsInt8: number;
  readonly macsFp16: number;
  readonly macsInt16: number;
  readonly ddrReadBytes: number;
  readonly ddrWriteBytes: number;
  readonly vtcmPeakBytes: number;
}

/** Of a program that says nothing of its work. */
export const NO_COUNTERS: Counters = {
  macsInt8: 0,
  macsFp16: 0,
  macsInt16: 0,
  ddrReadBytes: 0,
  ddrWriteBytes: 0,
  vtcmPeakBytes: 0,
};

/** What a segment reads and writes, said or implied. */
export function flowOf(program: Program, { flow }: Segment): Flow {
  const names = (ports: readonly Port[]): string[] => ports.map(({ name }) => name);
  return flow ?? { reads: names(program.inputs), writes: names(program.outputs) };
}
