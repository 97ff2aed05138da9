/**
 * The text form of a graph. It is stable (declaration order, no addresses, no times) and parses back:
 *
 *   graph "resnet" {
 *     input image: i8[1,3,8,8] {0.5 @ 3}
 *     constant bias: f32[2] = [1, -0.5]
 *     constant weights: f32[64,3,7,7] = digest "0123456789abcdef"   or: hex "the bytes"
 *     conv1 = conv(image, weights, bias) {pads=[1,1,1,1]} -> y: i8[1,2,8,8] {0.25 @ -128}
 *     output y
 *   }
 *
 * Constants of more than a few elements are written as a digest unless `constants` is "bytes".
 */
import { hex } from "../../protocol/base/bytes.ts";
import type { Attribute, Graph, Node, Quantization, Tensor, TensorType } from "./graph.ts";
import { numeric } from "./tensor.ts";

export interface PrintOptions {
  /** "digest" is short and needs the constants again for parsing; "bytes" stands alone. */
  readonly constants?: "digest" | "bytes";
}

const INLINE_ELEMENTS_MAX = 16;
const PLAIN_NAME = /^[A-Za-z_][A-Za-z0-9_./]*$/;

export function print(graph: Graph, options: PrintOptions = {}): string {
  const { types } = graph;
  const typed = (name: string): string => `${printName(name)}: ${printType(types.get(name))}`;
  const lines = [
    ...graph.inputs.map((name) => `input ${typed(name)}`),
    ...[...graph.constants].map(
      ([name, value]) => `constant ${typed(name)} = ${printConstant(value, options)}`,
    ),
    ...graph.nodes.map((node) => printNode(node, typed)),
    ...graph.outputs.map((name) => `output ${printName(name)}`),
  ];
  return `graph ${JSON.stringify(graph.name)} {\n${lines.map((line) => `  ${line}\n`).join("")}}\n`;
}

function printNode(node: Node, typed: (name: string) => string): string {
  const inputs = node.inputs.map((name) => (name === "" ? "_" : printName(name))).join(", ");
  const outputs = node.outputs.map(typed).join(", ");
  const entries = [...node.attributes].sort(([a], [b]) => (a < b ? -1 : 1));
  const attributes = entries.map(([name, value]) => `${name}=${printAttribute(value)}`).join(", ");
  const braces = attributes === "" ? "" : ` {${attributes}}`;
  return `${printName(node.name)} = ${node.op}(${inputs})${braces} -> ${outputs}`;
}

/** Plain words are written as they are; everything else as a JSON string. "_" stands for no value. */
export function printName(name: string): string {
  return PLAIN_NAME.test(name) && name !== "_" ? name : JSON.stringify(name);
}

export function printType(type: TensorType | undefined): string {
  if (type === undefined) return "?";
  const { dtype, shape, quantization } = type;
  const suffix = quantization === undefined ? "" : ` ${printQuantization(quantization)}`;
  return `${dtype}[${shape.join(",")}]${suffix}`;
}

/** {scale @ zero point}, several of them separated by commas and followed by their axis. */
function printQuantization({ scales, zeroPoints, axis }: Quantization): string {
  const pairs = scales.map((scale, index) => `${scale} @ ${zeroPoints[index] ?? 0}`);
  const along = axis === undefined ? "" : ` along ${axis}`;
  return `{${pairs.join(", ")}${along}}`;
}

function printAttribute(value: Attribute): string {
  if (typeof value === "number") return printNumber(value);
  return typeof value === "string"
    ? JSON.stringify(value)
    : `[${value.map(printNumber).join(",")}]`;
}

function printNumber(value: number): string {
  return Object.is(value, -0) ? "-0" : String(value);
}

function printConstant(constant: Tensor, options: PrintOptions): string {
  if (constant.data.length <= INLINE_ELEMENTS_MAX && constant.type.dtype !== "i64") {
    return `[${Array.from(numeric(constant), printNumber).join(", ")}]`;
  }
  const bytes = constantBytes(constant);
  return options.constants === "bytes" ? `hex "${hex(bytes)}"` : `digest "${contentDigest(bytes)}"`;
}

export function constantBytes({ data }: Tensor): Uint8Array {
  return new Uint8Array(data.buffer, data.byteOffset, data.byteLength);
}

const FNV_PRIME = 0x01000193;

/**
 * Sixteen hexadecimal digits that tell contents apart in dumps (two FNV-1a sums with different
 * starts). It protects against mix-ups, not against attackers.
 */
export function contentDigest(bytes: Uint8Array): string {
  let [first, second] = [0x811c9dc5, 0x9747b28c];
  for (let index = 0; index < bytes.length; index++) {
    const byte = bytes[index] ?? 0;
    first = Math.imul(first ^ byte, FNV_PRIME);
    second = Math.imul(second ^ byte, FNV_PRIME) + index;
  }
  const word = (value: number): string => (value >>> 0).toString(16).padStart(8, "0");
  return word(first) + word(second);
}
