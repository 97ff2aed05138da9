/** The compiler's graph: readonly data. Values are named; a node reads and writes names. */

/**
 * Element types. Narrow floats (f16, bf16, f8…, f4…) are held as their bits, types of fewer than
 * eight bits as one element a byte, and 64-bit integers as BigInt.
 */
export type DType =
  | "f64"
  | "f32"
  | "f16"
  | "bf16"
  | "f8e4m3fn"
  | "f8e4m3fnuz"
  | "f8e5m2"
  | "f8e5m2fnuz"
  | "f8e8m0"
  | "f4e2m1"
  | "i64"
  | "i32"
  | "i16"
  | "i8"
  | "i4"
  | "i2"
  | "u64"
  | "u32"
  | "u16"
  | "u8"
  | "u4"
  | "u2"
  | "bool"
  | "string";

export type TypedArray =
  | Float64Array
  | Float32Array
  | Int8Array
  | Uint8Array
  | Int16Array
  | Uint16Array
  | Int32Array
  | Uint32Array
  | BigInt64Array
  | BigUint64Array;

/** What a tensor's elements are stored in; strings alone have no typed array. */
export type Elements = TypedArray | string[];

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

/** A size, the name of a size that is bound later, or undefined where nothing is known. */
export type Dimension = number | string | undefined;

/** What is known of a tensor before its shape is; undefined `dims` means an unknown rank. */
export interface OpenTensorType {
  readonly kind: "tensor";
  readonly dtype: DType | undefined;
  readonly dims: readonly Dimension[] | undefined;
}

export interface SequenceType {
  readonly kind: "sequence";
  readonly element: OpenType;
}

export interface OptionalType {
  readonly kind: "optional";
  readonly element: OpenType;
}

/** The type of a value that is no tensor of known shape. */
export type OpenType = OpenTensorType | SequenceType | OptionalType;

export type ValueType = TensorType | OpenType;

/** A value known at compile time; `data` is row-major with `product(type.shape)` elements. */
export interface Tensor {
  readonly type: TensorType;
  readonly data: Elements;
}

export interface SequenceValue {
  readonly kind: "sequence";
  readonly items: readonly Value[];
}

export interface OptionalValue {
  readonly kind: "optional";
  readonly item: Value | undefined;
}

/** What a graph's value holds while it runs. */
export type Value = Tensor | SequenceValue | OptionalValue;

export type Attribute = number | string | readonly number[] | readonly string[];

export interface Node {
  /** Unique in the graph; traces, profiles and error messages carry it. */
  readonly name: string;
  readonly op: string;
  /** Value names; "" stands for an optional input that is absent. */
  readonly inputs: readonly string[];
  readonly outputs: readonly string[];
  readonly attributes: ReadonlyMap<string, Attribute>;
  /**
   * Attributes whose values are only known when the graph runs: attribute name -> position of the
   * input that holds it. These inputs follow all ordinary ones.
   */
  readonly late?: ReadonlyMap<string, number>;
  /**
   * Graphs that the node runs, e.g. the branches of `if`. What a region reads from outside are
   * inputs of the node like any other, handed over as inputs of the region.
   */
  readonly regions?: ReadonlyMap<string, Graph>;
}

export interface Graph {
  readonly name: string;
  readonly inputs: readonly string[];
  readonly outputs: readonly string[];
  /** The types of tensors of known shape: inputs, constants and node outputs. */
  readonly types: ReadonlyMap<string, TensorType>;
  /** The types of all other values. A graph without any, and without late attributes, is closed. */
  readonly open: ReadonlyMap<string, OpenType>;
  readonly constants: ReadonlyMap<string, Tensor>;
  /** In an order in which every value is written before it is read. */
  readonly nodes: readonly Node[];
  /** What one run leaves for the next one; absent in most graphs. */
  readonly states?: readonly GraphState[];
}

/** An input that takes the value which an output had after the last run, and `initial` before the first. */
export interface GraphState {
  readonly input: string;
  readonly output: string;
  readonly initial: Tensor;
}
