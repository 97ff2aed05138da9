/**
 * The text form of a graph. It is stable (declaration order, no addresses, no times) and parses back:
 *
 *   graph "resnet" {
 *     input image: i8[1,3,8,8] {0.5 @ 3}
 *     state image from y = [0, …]            (between runs; the constant is its value before the first)
 *     constant bias: f32[2] = [1, -0.5]
 *     constant weights: f32[64,3,7,7] = digest "0123456789abcdef"   or: hex "the bytes"
 *     conv1 = conv(image, weights, bias) {pads=[1,1,1,1]} -> y: i8[1,2,8,8] {0.25 @ -128}
 *     flat = reshape(y) {shape=late sizes} -> z: i8[N,?]
 *     pick = if(c, z) regions {
 *       then = graph "" { … }
 *       else = graph "" { … }
 *     } -> out: f32[*]
 *     output out
 *   }
 *
 * A size is a number, a name, or "?"; "[*]" is an unknown rank, "?" before it an unknown element type.
 * A late attribute names the value that holds it; these values are the node's last inputs.
 * Constants of more than a few elements are written as a digest unless `constants` is "bytes".
 */
import { hex } from "../../protocol/base/bytes.ts";
import type {
  Attribute,
  Dimension,
  Graph,
  Node,
  OpenType,
  Quantization,
  Tensor,
  ValueType,
} from "./graph.ts";
import { elementBytes, numeric } from "./tensor.ts";
import { isClosed, typeIn } from "./value.ts";

export interface PrintOptions {
  /** "digest" is short and needs the constants again for parsing; "bytes" stands alone. */
  readonly constants?: "digest" | "bytes";
}

const INLINE_ELEMENTS_MAX = 16;
const PLAIN_NAME = /^[A-Za-z_][A-Za-z0-9_./]*$/;

export function print(graph: Graph, options: PrintOptions = {}): string {
  return `${printGraph(graph, { ...options, indent: "" })}\n`;
}

/** All tensors whose digests stand in a graph's text: constants, first states, and those of regions. */
export function* printedTensors(graph: Graph): Generator<Tensor> {
  yield* graph.constants.values();
  for (const { initial } of graph.states ?? []) yield initial;
  for (const { regions } of graph.nodes) {
    for (const region of regions?.values() ?? []) yield* printedTensors(region);
  }
}

interface Style extends PrintOptions {
  readonly indent: string;
}

function printGraph(graph: Graph, style: Style): string {
  const inner = { ...style, indent: `${style.indent}  ` };
  const typed = (name: string): string => `${printName(name)}: ${printType(typeIn(graph, name))}`;
  const lines = [
    ...graph.inputs.map((name) => `input ${typed(name)}`),
    ...(graph.states ?? []).map(({ input, output, initial }) => {
      const between = `${printName(input)} from ${printName(output)}`;
      return `state ${between} = ${printConstant(initial, style)}`;
    }),
    ...[...graph.constants].map(
      ([name, value]) => `constant ${typed(name)} = ${printConstant(value, style)}`,
    ),
    ...graph.nodes.map((node) => printNode(node, typed, inner)),
    ...graph.outputs.map((name) => `output ${printName(name)}`),
  ];
  const body = lines.map((line) => `${inner.indent}${line}\n`).join("");
  return `graph ${JSON.stringify(graph.name)} {\n${body}${style.indent}}`;
}

function printNode(node: Node, typed: (name: string) => string, style: Style): string {
  const late = [...(node.late ?? [])].sort(([, a], [, b]) => a - b);
  const ordinary = node.inputs.slice(0, node.inputs.length - late.length);
  const inputs = ordinary.map(printInput).join(", ");
  const entries = [...node.attributes].sort(([a], [b]) => (a < b ? -1 : 1));
  const attributes = [
    ...entries.map(([name, value]) => `${name}=${printAttribute(value)}`),
    ...late.map(([name, at]) => `${name}=late ${printInput(node.inputs[at] ?? "")}`),
  ];
  const braces = attributes.length === 0 ? "" : ` {${attributes.join(", ")}}`;
  const outputs = node.outputs.map(typed).join(", ");
  const call = `${printName(node.name)} = ${node.op}(${inputs})${braces}`;
  return `${call}${printRegions(node, style)} -> ${outputs}`;
}

function printInput(name: string): string {
  return name === "" ? "_" : printName(name);
}

function printRegions(node: Node, style: Style): string {
  if (node.regions === undefined || node.regions.size === 0) return "";
  const inner = { ...style, indent: `${style.indent}  ` };
  const lines = [...node.regions].map(
    ([name, region]) => `${inner.indent}${printName(name)} = ${printGraph(region, inner)}\n`,
  );
  return ` regions {\n${lines.join("")}${style.indent}}`;
}

/** Plain words are written as they are; everything else as a JSON string. "_" stands for no value. */
function printName(name: string): string {
  return PLAIN_NAME.test(name) && name !== "_" ? name : JSON.stringify(name);
}

function printType(type: ValueType | undefined): string {
  if (type === undefined) return "?";
  if (!isClosed(type)) return printOpenType(type);
  const { dtype, shape, quantization } = type;
  const suffix = quantization === undefined ? "" : ` ${printQuantization(quantization)}`;
  return `${dtype}[${shape.join(",")}]${suffix}`;
}

function printOpenType(type: OpenType): string {
  if (type.kind !== "tensor") return `${type.kind}(${printOpenType(type.element)})`;
  const dims = type.dims === undefined ? "*" : type.dims.map(printDimension).join(",");
  return `${type.dtype ?? "?"}[${dims}]`;
}

function printDimension(size: Dimension): string {
  if (typeof size === "string") return printName(size);
  return size === undefined ? "?" : String(size);
}

/** {scale @ zero point}, several of them separated by commas and followed by their axis. */
function printQuantization({ scales, zeroPoints, axis }: Quantization): string {
  const pairs = scales.map((scale, index) => `${scale} @ ${zeroPoints[index] ?? 0}`);
  const along = axis === undefined ? "" : ` along ${axis}`;
  return `{${pairs.join(", ")}${along}}`;
}

function printAttribute(value: Attribute): string {
  if (typeof value === "object") return `[${value.map(printScalar).join(",")}]`;
  return printScalar(value);
}

function printScalar(value: number | string): string {
  return typeof value === "number" ? printNumber(value) : JSON.stringify(value);
}

function printNumber(value: number): string {
  return Object.is(value, -0) ? "-0" : String(value);
}

function printConstant(constant: Tensor, options: PrintOptions): string {
  const { data } = constant;
  if (Array.isArray(data)) return `[${data.map(printScalar).join(", ")}]`;
  if (data.length <= INLINE_ELEMENTS_MAX) {
    const isWide = data instanceof BigInt64Array || data instanceof BigUint64Array;
    const numbers = isWide ? Array.from(data, String) : Array.from(numeric(constant), printNumber);
    return `[${numbers.join(", ")}]`;
  }
  const bytes = elementBytes(constant);
  return options.constants === "bytes" ? `hex "${hex(bytes)}"` : `digest "${contentDigest(bytes)}"`;
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
