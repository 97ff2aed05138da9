/** The TFLite file format as data: which field of which table sits in which slot, as what. */

type ScalarType = "bool" | "i8" | "u8" | "i32" | "u32" | "i64" | "u64" | "f32";

/**
 * How a field is stored: a scalar, `text`, a view on `bytes`, a vector of scalars, another table of
 * this file, a vector of those, or the position of a table whose kind another field tells.
 */
type FieldType = ScalarType | "text" | "bytes" | "i32[]" | "i64[]" | "f32[]" | "position" | string;

export type Field = readonly [slot: number, type: FieldType, fallback?: number];

/** Slots as in tensorflow/lite/schema/schema.fbs (version 3c and its additions). */
export const TABLES = {
  Model: {
    version: [0, "u32"],
    operatorCodes: [1, "OperatorCode[]"],
    subgraphs: [2, "SubGraph[]"],
    description: [3, "text"],
    buffers: [4, "Buffer[]"],
    signatures: [7, "Signature[]"],
  },
  OperatorCode: {
    oldCode: [0, "i8"],
    customCode: [1, "text"],
    version: [2, "i32", 1],
    code: [3, "i32"],
  },
  SubGraph: {
    tensors: [0, "Tensor[]"],
    inputs: [1, "i32[]"],
    outputs: [2, "i32[]"],
    operators: [3, "Operator[]"],
    name: [4, "text"],
  },
  Tensor: {
    shape: [0, "i32[]"],
    type: [1, "i8"],
    buffer: [2, "u32"],
    name: [3, "text"],
    quantization: [4, "Quantization"],
    isVariable: [5, "bool"],
    sparsity: [6, "Sparsity"],
    shapeSignature: [7, "i32[]"],
    externalBuffer: [10, "u32"],
  },
  Quantization: {
    scales: [2, "f32[]"],
    zeroPoints: [3, "i64[]"],
    detailsType: [4, "u8"],
    details: [5, "position"],
    axis: [6, "i32"],
  },
  BlockwiseQuantization: { scales: [0, "i32"], zeroPoints: [1, "i32"], blockSize: [2, "i32"] },
  Sparsity: {
    traversalOrder: [0, "i32[]"],
    blockMap: [1, "i32[]"],
    dimensions: [2, "SparseDimension[]"],
  },
  SparseDimension: {
    format: [0, "i8"],
    denseSize: [1, "i32"],
    segmentsType: [2, "u8"],
    segments: [3, "position"],
    indicesType: [4, "u8"],
    indices: [5, "position"],
  },
  // The three index vectors of the union SparseIndexVector differ only in their width.
  Int32Vector: { values: [0, "i32[]"] },
  Uint16Vector: { values: [0, "u16[]"] },
  Uint8Vector: { values: [0, "bytes"] },
  Buffer: { data: [0, "bytes"], offset: [1, "u64"], size: [2, "u64"] },
  Operator: {
    codeIndex: [0, "u32"],
    inputs: [1, "i32[]"],
    outputs: [2, "i32[]"],
    optionsType: [3, "u8"],
    options: [4, "position"],
    customOptions: [5, "bytes"],
    intermediates: [8, "i32[]"],
    options2: [12, "position"],
  },
  Signature: {
    inputs: [0, "TensorMap[]"],
    outputs: [1, "TensorMap[]"],
    key: [2, "text"],
    subgraph: [4, "u32"],
  },
  TensorMap: { name: [0, "text"], tensor: [1, "u32"] },
} as const satisfies Record<string, Readonly<Record<string, Field>>>;

const WINDOW = { padding: [0, "i8"], strideX: [1, "i32"], strideY: [2, "i32"] } as const;
const ADDITION = { activation: [0, "i8"] } as const;

/** The options table of every operator that has one; absent fields take the fallback or zero. */
export const OPTIONS = {
  Conv2D: { ...WINDOW, activation: [3, "i8"], dilationX: [4, "i32", 1], dilationY: [5, "i32", 1] },
  DepthwiseConv2D: {
    ...WINDOW,
    multiplier: [3, "i32"],
    activation: [4, "i8"],
    dilationX: [5, "i32", 1],
    dilationY: [6, "i32", 1],
  },
  TransposeConv: { ...WINDOW, activation: [3, "i8"] },
  Conv3D: {
    padding: [0, "i8"],
    strideZ: [1, "i32"],
    strideX: [2, "i32"],
    strideY: [3, "i32"],
    activation: [4, "i8"],
    dilationZ: [5, "i32", 1],
    dilationX: [6, "i32", 1],
    dilationY: [7, "i32", 1],
  },
  Pool2D: { ...WINDOW, kernelX: [3, "i32"], kernelY: [4, "i32"], activation: [5, "i8"] },
  FullyConnected: {
    activation: [0, "i8"],
    weightsFormat: [1, "i8"],
    keepDims: [2, "bool"],
    asymmetric: [3, "bool"],
  },
  BatchMatMul: { transposeX: [0, "bool"], transposeY: [1, "bool"], asymmetric: [2, "bool"] },
  Add: ADDITION,
  Sub: ADDITION,
  Mul: ADDITION,
  Div: ADDITION,
  L2Norm: ADDITION,
  Concatenation: { axis: [0, "i32"], activation: [1, "i8"] },
  Softmax: { beta: [0, "f32"] },
  ResizeBilinear: { alignCorners: [2, "bool"], halfPixelCenters: [3, "bool"] },
  ResizeNearest: { alignCorners: [0, "bool"], halfPixelCenters: [1, "bool"] },
  LocalResponseNorm: {
    radius: [0, "i32"],
    bias: [1, "f32"],
    alpha: [2, "f32"],
    beta: [3, "f32"],
  },
  Svdf: { rank: [0, "i32"], activation: [1, "i8"], asymmetric: [2, "bool"] },
  Rnn: { activation: [0, "i8"], asymmetric: [1, "bool"] },
  SequenceRnn: { timeMajor: [0, "bool"], activation: [1, "i8"], asymmetric: [2, "bool"] },
  BidirectionalRnn: {
    timeMajor: [0, "bool"],
    activation: [1, "i8"],
    mergeOutputs: [2, "bool"],
  },
  Lstm: {
    activation: [0, "i8"],
    cellClip: [1, "f32"],
    projectionClip: [2, "f32"],
    kernelType: [3, "i8"],
    asymmetric: [4, "bool"],
  },
  SequenceLstm: {
    activation: [0, "i8"],
    cellClip: [1, "f32"],
    projectionClip: [2, "f32"],
    timeMajor: [3, "bool"],
    asymmetric: [4, "bool"],
    diagonalRecurrence: [5, "bool"],
  },
  BidirectionalLstm: {
    activation: [0, "i8"],
    cellClip: [1, "f32"],
    projectionClip: [2, "f32"],
    mergeOutputs: [3, "bool"],
    timeMajor: [4, "bool", 1],
  },
  Reshape: { shape: [0, "i32[]"] },
  Squeeze: { axes: [0, "i32[]"] },
  Block: { size: [0, "i32"] },
  Gather: { axis: [0, "i32"], batchDims: [1, "i32"] },
  Reducer: { keepDims: [0, "bool"] },
  Split: { count: [0, "i32"] },
  StridedSlice: {
    beginMask: [0, "i32"],
    endMask: [1, "i32"],
    ellipsisMask: [2, "i32"],
    newAxisMask: [3, "i32"],
    shrinkAxisMask: [4, "i32"],
    offset: [5, "bool"],
  },
  Cast: { from: [0, "i8"], to: [1, "i8"] },
  OutputType: { type: [0, "i8"] },
  Unique: { indexType: [0, "i8", 2] },
  Pack: { count: [0, "i32"], axis: [1, "i32"] },
  OneHot: { axis: [0, "i32"] },
  LeakyRelu: { alpha: [0, "f32"] },
  MirrorPad: { mode: [0, "i8"] },
  ReverseSequence: { axis: [0, "i32"], batchAxis: [1, "i32"] },
  FakeQuant: {
    minimum: [0, "f32"],
    maximum: [1, "f32"],
    bits: [2, "i32"],
    narrowRange: [3, "bool"],
  },
  If: { then: [0, "i32"], otherwise: [1, "i32"] },
  While: { condition: [0, "i32"], body: [1, "i32"] },
  Call: { subgraph: [0, "u32"] },
  Cumsum: { exclusive: [0, "bool"], reverse: [1, "bool"] },
  Variable: { container: [0, "text"], sharedName: [1, "text"] },
  Gelu: { approximate: [0, "bool"] },
  Bucketize: { boundaries: [0, "f32[]"] },
  Random: { seed: [0, "i64"], seed2: [1, "i64"] },
  Composite: { name: [0, "text"], subgraph: [1, "i32"] },
} as const satisfies Record<string, Readonly<Record<string, Field>>>;

export type TableName = keyof typeof TABLES;
export type OptionsName = keyof typeof OPTIONS;
export type Fields = Readonly<Record<string, Field>>;

type TableFields<Name> = Name extends TableName ? RecordOf<(typeof TABLES)[Name]> : never;

/** The TypeScript type of a field's value. */
type ValueOf<Type extends string> = Type extends "bool"
  ? boolean
  : Type extends "text"
    ? string
    : Type extends "bytes"
      ? Uint8Array
      : Type extends "position"
        ? number | undefined
        : Type extends ScalarType
          ? number
          : Type extends `${infer Element}[]`
            ? Element extends TableName
              ? readonly TableFields<Element>[]
              : readonly number[]
            : TableFields<Type> | undefined;

export type RecordOf<Table extends Fields> = {
  readonly [Name in keyof Table]: ValueOf<Table[Name][1]>;
};

export type ModelTable = RecordOf<typeof TABLES.Model>;
export type SubGraphTable = RecordOf<typeof TABLES.SubGraph>;
export type TensorTable = RecordOf<typeof TABLES.Tensor>;
export type OperatorTable = RecordOf<typeof TABLES.Operator>;
export type SparsityTable = RecordOf<typeof TABLES.Sparsity>;
