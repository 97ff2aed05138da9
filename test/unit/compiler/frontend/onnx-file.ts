/** Small ONNX files for tests. */
import { encodeModel } from "../../../../compiler/frontend/onnx/index.ts";
import type {
  AttributeProto,
  NodeProto,
  TensorProto,
} from "../../../../compiler/frontend/onnx/index.ts";

export interface SmallModel {
  readonly opset?: number;
  readonly nodes: readonly NodeProto[];
  readonly initializers?: readonly TensorProto[];
  /** Dimensions that are texts are open. */
  readonly inputs?: Readonly<Record<string, readonly (number | string)[]>>;
  readonly outputs: readonly string[];
}

const FLOAT = 1;

export function onnxFile(model: SmallModel): Uint8Array {
  const { opset = 13, nodes, initializers = [], inputs = {}, outputs } = model;
  return encodeModel({
    irVersion: 7,
    opsetImport: [{ domain: "", version: opset }],
    graph: {
      name: "small",
      node: [...nodes],
      initializer: [...initializers],
      input: Object.entries(inputs).map(([name, shape]) => ({
        name,
        type: { tensorType: { elemType: FLOAT, shape: { dim: shape.map(dimension) } } },
      })),
      output: outputs.map((name) => ({ name })),
    },
  });
}

function dimension(size: number | string) {
  return typeof size === "number" ? { dimValue: size } : { dimParam: size };
}

export function onnxNode(
  opType: string,
  [input, output]: readonly [readonly string[], readonly string[]],
  attribute: readonly AttributeProto[] = [],
): NodeProto {
  const name = `${opType}_of_${output.join("_")}`;
  return { opType, name, input: [...input], output: [...output], attribute: [...attribute] };
}

export const int = (name: string, i: number): AttributeProto => ({ name, i, type: 2 });
export const ints = (name: string, values: readonly number[]): AttributeProto => ({
  name,
  ints: [...values],
  type: 7,
});
export const float = (name: string, f: number): AttributeProto => ({ name, f, type: 1 });
export const text = (name: string, value: string): AttributeProto => ({
  name,
  s: new TextEncoder().encode(value),
  type: 3,
});

export function floats(
  name: string,
  dims: readonly number[],
  values: readonly number[],
): TensorProto {
  const rawData = new Uint8Array(Float32Array.from(values).buffer);
  return { name, dims: [...dims], dataType: FLOAT, rawData };
}

export function longs(name: string, values: readonly number[]): TensorProto {
  const rawData = new Uint8Array(BigInt64Array.from(values, BigInt).buffer);
  return { name, dims: [values.length], dataType: 7, rawData };
}
