/** gemm becomes matmul: constant operands are transposed and scaled, a constant vector becomes the bias. */
import { attributesOf, lazyTensor, numeric, tensor } from "../ir/index.ts";
import type { Node, Tensor } from "../ir/index.ts";
import { attributeMap, rewrite } from "./pass.ts";
import type { Pass, Replacement, View } from "./pass.ts";

export const lowerGemm: Pass = { name: "lower-gemm", run: (graph) => rewrite(graph, lower) };

function lower(node: Node, view: View): Replacement | undefined {
  if (node.op !== "gemm" || view.typeOf(node.inputs[0]).dtype !== "f32") return undefined;
  const lowering: Lowering = { node, view, insert: [], constants: new Map() };
  const attributes = attributesOf(node);
  const [a = "", b = "", c = ""] = node.inputs;
  const left = attributes.number("transpose_a") === 0 ? a : transposed(lowering, a);
  const matrix = attributes.number("transpose_b") === 0 ? b : transposed(lowering, b);
  const right = scaled(lowering, matrix, attributes.number("alpha"));
  const output = node.outputs[0] ?? "";
  const beta = attributes.number("beta");
  if (c === "" || beta === 0) {
    push(lowering, { op: "matmul", inputs: [left, right], output });
    return replacement(lowering);
  }
  const columns = view.typeOf(output).shape[1] ?? 0;
  const addend = scaled(lowering, c, beta);
  if (isRow(view.typeOf(c).shape, columns)) {
    const bias = vector(lowering, addend, columns);
    push(lowering, { op: "matmul", inputs: [left, right, bias], output });
  } else {
    const product = view.fresh(`${node.name}/product`);
    push(lowering, { op: "matmul", inputs: [left, right], output: product });
    push(lowering, { op: "add", inputs: [product, addend], output });
  }
  return replacement(lowering);
}

interface Lowering {
  readonly node: Node;
  readonly view: View;
  readonly insert: Node[];
  readonly constants: Map<string, Tensor>;
}

function replacement({ node, insert, constants }: Lowering): Replacement {
  return { remove: [node], insert, constants };
}

function isRow(shape: readonly number[], columns: number): boolean {
  const rows = shape.slice(0, -1);
  return shape.at(-1) === columns && rows.every((size) => size === 1);
}

function push(
  lowering: Lowering,
  spec: { op: string; inputs: readonly string[]; output: string; attributes?: Node["attributes"] },
): string {
  const { op, inputs, output, attributes = attributeMap({}) } = spec;
  const isLast = output === lowering.node.outputs[0];
  const name = isLast ? lowering.node.name : output;
  lowering.insert.push({ name, op, inputs, outputs: [output], attributes });
  return output;
}

function constantOf(lowering: Lowering, name: string): Tensor | undefined {
  return lowering.constants.get(name) ?? lowering.view.constantOf(name);
}

function addConstant(lowering: Lowering, base: string, value: Tensor): string {
  const name = lowering.view.fresh(base);
  lowering.constants.set(name, value);
  return name;
}

function transposed(lowering: Lowering, name: string): string {
  const value = constantOf(lowering, name);
  if (value !== undefined) return addConstant(lowering, `${name}/transposed`, turned(value));
  const output = lowering.view.fresh(`${lowering.node.name}/transposed`);
  return push(lowering, {
    op: "transpose",
    inputs: [name],
    output,
    attributes: attributeMap({ perm: [1, 0] }),
  });
}

function turned(matrix: Tensor): Tensor {
  const [rows = 0, columns = 0] = matrix.type.shape;
  return lazyTensor({ dtype: "f32", shape: [columns, rows] }, () => {
    const from = numeric(matrix);
    const data = new Float32Array(from.length);
    for (let row = 0; row < rows; row++) {
      for (let column = 0; column < columns; column++) {
        data[column * rows + row] = from[row * columns + column] ?? 0;
      }
    }
    return data;
  });
}

function scaled(lowering: Lowering, name: string, factor: number): string {
  if (factor === 1) return name;
  const value = constantOf(lowering, name);
  if (value !== undefined) {
    const data = (): Float32Array => Float32Array.from(numeric(value), (each) => each * factor);
    return addConstant(lowering, `${name}/scaled`, lazyTensor(value.type, data));
  }
  const scale = tensor({ dtype: "f32", shape: [] }, Float32Array.of(factor));
  const constant = addConstant(lowering, `${lowering.node.name}/factor`, scale);
  const output = lowering.view.fresh(`${lowering.node.name}/scaled`);
  return push(lowering, { op: "mul", inputs: [name, constant], output });
}

function vector(lowering: Lowering, name: string, columns: number): string {
  const value = constantOf(lowering, name);
  if (value !== undefined) {
    if (value.type.shape.length === 1) return name;
    const data = Float32Array.from(numeric(value));
    return addConstant(lowering, `${name}/bias`, tensor({ dtype: "f32", shape: [columns] }, data));
  }
  const output = lowering.view.fresh(`${lowering.node.name}/bias`);
  const attributes = attributeMap({ shape: [columns] });
  return push(lowering, { op: "reshape", inputs: [name], output, attributes });
}
