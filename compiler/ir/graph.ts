/** The compiler's graph: readonly data. Values are named; a node reads and writes names. */

export type DType = "f32" | "f16" | "i8" | "u8" | "i16" | "i32" | "i64" | "bool";

export type TypedArray =
  Float32Array | Uint16Array | Int8Array | Uint8Array | Int16Array | Int32Array | BigInt64Array;

/**
 * Affine quantisation: real = scale * (stored - zeroPoint). One entry for the whole tensor, or one
 * per index along `axis`. Scales are float32 values.
 */
export interface Quantization {
  readonly scales: readonly number[];
  readonly zeroPoints: readonly number[];
  readonly axis?: number;
}

/** Logical layout is the source model's: images are [batch, channels, height, width]. */
export interface TensorType {
  readonly dtype: DType;
  readonly shape: readonly number[];
  readonly quantization?: Quantization;
}

/** A value known at compile time; `data` is row-major with `product(type.shape)` elements. */
export interface Tensor {
  readonly type: TensorType;
  readonly data: TypedArray;
}

export type Attribute = number | string | readonly number[];

export interface Node {
  /** Unique in the graph; traces, profiles and error messages carry it. */
  readonly name: string;
  readonly op: string;
  /** Value names; "" stands for an optional input that is absent. */
  readonly inputs: readonly string[];
  readonly outputs: readonly string[];
  readonly attributes: ReadonlyMap<string, Attribute>;
}

export interface Graph {
  readonly name: string;
  readonly inputs: readonly string[];
  readonly outputs: readonly string[];
  /** The type of every value: inputs, constants and node outputs. */
  readonly types: ReadonlyMap<string, TensorType>;
  readonly constants: ReadonlyMap<string, Tensor>;
  /** In an order in which every value is written before it is read. */
  readonly nodes: readonly Node[];
}
