/** Small TFLite files for tests, written from the front end's own table of the format. */
import { Builder } from "flatbuffers";
import { OPTIONS, TABLES } from "../../compiler/frontend/tflite/schema.ts";
import type { Field, Fields, OptionsName } from "../../compiler/frontend/tflite/schema.ts";
import { OPCODES } from "../../compiler/frontend/tflite/opcodes.ts";

/** TensorType of the schema. */
export const TYPES = {
  f32: 0,
  f16: 1,
  i32: 2,
  u8: 3,
  i64: 4,
  bool: 6,
  i16: 7,
  i8: 9,
  resource: 13,
  i4: 17,
} as const;

/** A tensor: its data where the file holds it. Names are unique and say what the operators read. */
export interface SmallTensor {
  readonly type: keyof typeof TYPES;
  readonly shape: readonly number[];
  readonly signature?: readonly number[];
  readonly data?: ArrayLike<number>;
  readonly scales?: readonly number[];
  readonly zeroPoints?: readonly number[];
  readonly axis?: number;
  readonly isVariable?: boolean;
  readonly sparsity?: unknown;
}

export interface SmallOperator {
  /** A name of BuiltinOperator, or anything else for a custom operator. */
  readonly code: string;
  readonly inputs: readonly string[];
  readonly outputs: readonly string[];
  readonly options?: readonly [OptionsName, Readonly<Record<string, unknown>>];
  readonly customOptions?: Uint8Array;
  readonly intermediates?: readonly string[];
}

export interface SmallGraph {
  readonly tensors: Readonly<Record<string, SmallTensor>>;
  readonly operators: readonly SmallOperator[];
  readonly inputs: readonly string[];
  readonly outputs: readonly string[];
}

export interface SmallModel {
  readonly graphs: readonly SmallGraph[];
  readonly signatures?: readonly { readonly key: string; readonly subgraph: number }[];
}

/** Numbers of the union BuiltinOptions, which other runtimes check. */
const OPTION_NUMBERS: Readonly<Partial<Record<OptionsName, number>>> = {
  Conv2D: 1,
  DepthwiseConv2D: 2,
  Pool2D: 5,
  Svdf: 6,
  FullyConnected: 8,
  Softmax: 9,
  Concatenation: 10,
  Add: 11,
  L2Norm: 12,
  Lstm: 14,
  ResizeBilinear: 15,
  Reshape: 17,
  Mul: 21,
  Gather: 23,
  Reducer: 27,
  Sub: 28,
  Div: 29,
  Squeeze: 30,
  StridedSlice: 32,
  Split: 35,
  Cast: 37,
  TransposeConv: 49,
  FakeQuant: 58,
  Pack: 59,
  OneHot: 61,
  SequenceLstm: 71,
  ResizeNearest: 74,
  LeakyRelu: 75,
  MirrorPad: 77,
  If: 92,
  While: 93,
  BatchMatMul: 101,
  Cumsum: 102,
  Call: 103,
  Variable: 111,
  Gelu: 116,
};

/** One graph as a file. */
export function tfliteFile(graph: SmallGraph): Uint8Array {
  return tfliteModel({ graphs: [graph] });
}

export function tfliteModel({ graphs, signatures = [] }: SmallModel): Uint8Array {
  const codes: string[] = [];
  const buffers: { data: Uint8Array }[] = [{ data: new Uint8Array(0) }];
  const subgraphs = graphs.map((graph) => subgraphTable(graph, { codes, buffers }));
  const operatorCodes = codes.map((name) => codeTable(name));
  const model = { version: 3, operatorCodes, subgraphs, buffers, signatures };
  const builder = new Builder(1024);
  builder.finish(writeTable(builder, TABLES.Model, model), "TFL3");
  return builder.asUint8Array().slice();
}

function codeTable(name: string) {
  const code = OPCODES.indexOf(name);
  if (code === -1) return { oldCode: 32, code: 32, customCode: name };
  return { oldCode: Math.min(code, 127), code };
}

interface Pools {
  readonly codes: string[];
  readonly buffers: { data: Uint8Array }[];
}

function subgraphTable(graph: SmallGraph, { codes, buffers }: Pools) {
  const names = Object.keys(graph.tensors);
  const indices = (list: readonly string[]) => list.map((name) => names.indexOf(name));
  const codeIndex = (name: string): number => {
    if (!codes.includes(name)) codes.push(name);
    return codes.indexOf(name);
  };
  return {
    name: "small",
    inputs: indices(graph.inputs),
    outputs: indices(graph.outputs),
    tensors: Object.entries(graph.tensors).map(([name, each]) => tensorTable(name, each, buffers)),
    operators: graph.operators.map(({ options, ...each }) => ({
      codeIndex: codeIndex(each.code),
      inputs: indices(each.inputs),
      outputs: indices(each.outputs),
      customOptions: each.customOptions,
      intermediates: each.intermediates && indices(each.intermediates),
      ...(options && { optionsType: OPTION_NUMBERS[options[0]] ?? 0, options }),
    })),
  };
}

function tensorTable(name: string, each: SmallTensor, buffers: { data: Uint8Array }[]) {
  const { type, shape, signature, data, scales, zeroPoints, axis, isVariable, sparsity } = each;
  if (data !== undefined) buffers.push({ data: bytesOf(type, data) });
  const quantization = scales && {
    scales,
    zeroPoints: zeroPoints ?? scales.map(() => 0),
    axis: axis ?? 0,
  };
  return {
    name,
    shape,
    shapeSignature: signature,
    type: TYPES[type],
    buffer: data === undefined ? 0 : buffers.length - 1,
    quantization,
    isVariable,
    sparsity,
  };
}

function bytesOf(type: keyof typeof TYPES, data: ArrayLike<number>): Uint8Array {
  const values = Array.from(data);
  const arrays = { f32: Float32Array, i32: Int32Array, i16: Int16Array, f16: Uint16Array };
  const wide = arrays[type as keyof typeof arrays] as typeof Float32Array | undefined;
  if (type === "i64") return new Uint8Array(BigInt64Array.from(values, BigInt).buffer);
  if (wide === undefined) return Uint8Array.from(values, (value) => value & 255);
  return new Uint8Array(wide.from(values).buffer);
}

function writeTable(builder: Builder, fields: Fields, record: object): number {
  const values = record as Readonly<Record<string, unknown>>;
  const entries = Object.entries(fields).filter(([name]) => values[name] !== undefined);
  const prepared = entries.map(
    ([name, field]) => [field, prepare(builder, field, values[name])] as const,
  );
  builder.startObject(Math.max(0, ...Object.values(fields).map(([slot]) => slot + 1)));
  for (const [[slot, type], value] of prepared) addField(builder, { slot, type, value });
  return builder.endObject();
}

/** Everything but scalars is written before the table that points at it. */
function prepare(builder: Builder, [, type]: Field, value: unknown): number {
  if (type === "text") return builder.createString(value as string);
  if (type === "bytes") return writeBytes(builder, value as Uint8Array);
  if (type === "position") return writePosition(builder, value as readonly [string, object]);
  if (type.endsWith("[]")) return writeVector(builder, type.slice(0, -2), value as never[]);
  if (Object.hasOwn(TABLES, type)) return writeTable(builder, fieldsOf(type), value as object);
  return Number(value);
}

function fieldsOf(name: string): Fields {
  return { ...TABLES, ...OPTIONS }[name as OptionsName];
}

function writePosition(builder: Builder, [table, values]: readonly [string, object]): number {
  return writeTable(builder, fieldsOf(table), values);
}

function writeBytes(builder: Builder, bytes: Uint8Array): number {
  builder.startVector(1, bytes.length, 16);
  for (let index = bytes.length - 1; index >= 0; index--) builder.addInt8(bytes[index] ?? 0);
  return builder.endVector();
}

const ADDERS: Readonly<Record<string, (builder: Builder, value: number) => void>> = {
  i32: (builder, value) => builder.addInt32(value),
  u16: (builder, value) => builder.addInt16(value),
  f32: (builder, value) => builder.addFloat32(value),
  i64: (builder, value) => builder.addInt64(BigInt(value)),
};

const WIDTHS: Readonly<Record<string, number>> = { i64: 8, u16: 2 };

function writeVector(builder: Builder, type: string, values: readonly unknown[]): number {
  const add = ADDERS[type];
  const offsets =
    add === undefined ? values.map((value) => writeElement(builder, type, value)) : [];
  const width = WIDTHS[type] ?? 4;
  builder.startVector(width, values.length, width);
  for (let index = values.length - 1; index >= 0; index--) {
    if (add === undefined) builder.addOffset(offsets[index] ?? 0);
    else add(builder, values[index] as number);
  }
  return builder.endVector();
}

function writeElement(builder: Builder, type: string, value: unknown): number {
  return writeTable(builder, fieldsOf(type), value as object);
}

function addField(
  builder: Builder,
  { slot, type, value }: { slot: number; type: string; value: number },
): void {
  switch (type) {
    case "bool":
    case "i8":
    case "u8":
      return builder.addFieldInt8(slot, value, null);
    case "i32":
    case "u32":
      return builder.addFieldInt32(slot, value, null);
    case "i64":
    case "u64":
      return builder.addFieldInt64(slot, BigInt(value), null);
    case "f32":
      return builder.addFieldFloat32(slot, value, null);
    default:
      return builder.addFieldOffset(slot, value, 0);
  }
}
