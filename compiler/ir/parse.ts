/** Reads the text form that print.ts writes. */
import { fromHex } from "../../protocol/base/bytes.ts";
import { product } from "../../protocol/base/integers.ts";
import { CodedError, succeeded, toFailure } from "../../protocol/base/result.ts";
import type { Result } from "../../protocol/base/result.ts";
import type {
  Attribute,
  Dimension,
  DType,
  Graph,
  GraphState,
  Node,
  OpenType,
  Quantization,
  Tensor,
  TensorType,
  ValueType,
} from "./graph.ts";
import { inferNode } from "./infer.ts";
import { contentDigest } from "./print.ts";
import {
  allocate,
  DTYPE_BYTES,
  elementBytes,
  tensor,
  tensorOf,
  tensorStored,
  textTensor,
  viewElements,
} from "./tensor.ts";
import { closedIfKnown, isClosed, opened } from "./value.ts";
import { verify } from "./verify.ts";

export type ParseCode = "BAD_TEXT";

export interface ParseOptions {
  /** Tensors for the digests in the text; a digest that none of them has is an error. */
  readonly constants?: Iterable<Tensor>;
}

const ELEMENTS_MAX = 2 ** 29;
/** Graphs in regions of graphs in regions. */
const DEPTH_MAX = 64;
const TOKEN =
  /\s*("(?:[^"\\]|\\.)*"|->|[A-Za-z_][A-Za-z0-9_./]*|-?[0-9][0-9.e+-]*|-Infinity|[^\s])/y;

/** A verified graph, or BAD_TEXT with the line and what was expected there. */
export function parse(text: string, options: ParseOptions = {}): Result<Graph, ParseCode> {
  try {
    const read = parseGraph({ text, position: 0, depth: 0 }, suppliedBy(options.constants ?? []));
    const graph = normalized(read);
    const verified = verify(graph);
    if (!verified.ok) throw new CodedError("BAD_TEXT", verified.message);
    return succeeded(graph);
  } catch (error) {
    if (error instanceof CodedError) return toFailure(error as CodedError<ParseCode>);
    throw error;
  }
}

/** Texts written by hand need not spell attributes in normal form. */
function normalized(graph: Graph): Graph {
  const nodes = graph.nodes.map((node): Node => {
    const inputs = node.inputs.map((name) => graph.types.get(name) ?? graph.open.get(name));
    const inferred = inferNode(node, inputs);
    return inferred.ok ? { ...node, attributes: inferred.value.attributes } : node;
  });
  return { ...graph, nodes };
}

interface Cursor {
  readonly text: string;
  position: number;
  depth: number;
}

type Supply = (digest: string) => Tensor | undefined;

function suppliedBy(constants: Iterable<Tensor>): Supply {
  const byDigest = new Map<string, Tensor>();
  for (const constant of constants) {
    if (constant.type.dtype === "string") continue;
    byDigest.set(contentDigest(elementBytes(constant)), constant);
  }
  return (digest) => byDigest.get(digest);
}

function fail(cursor: Cursor, expected: string): never {
  const line = cursor.text.slice(0, cursor.position).split("\n").length;
  throw new CodedError("BAD_TEXT", `line ${line}: expected ${expected}`, { line });
}

/** The next token without taking it; "" at the end. */
function peek(cursor: Cursor): string {
  TOKEN.lastIndex = cursor.position;
  return TOKEN.exec(cursor.text)?.[1] ?? "";
}

function next(cursor: Cursor, what: string): string {
  TOKEN.lastIndex = cursor.position;
  const token = TOKEN.exec(cursor.text)?.[1];
  if (token === undefined) return fail(cursor, what);
  cursor.position = TOKEN.lastIndex;
  return token;
}

function expect(cursor: Cursor, token: string): void {
  if (peek(cursor) !== token) fail(cursor, token);
  next(cursor, token);
}

function accept(cursor: Cursor, token: string): boolean {
  if (peek(cursor) !== token) return false;
  next(cursor, token);
  return true;
}

function parseGraph(cursor: Cursor, supply: Supply): Graph {
  if (cursor.depth++ > DEPTH_MAX) fail(cursor, "less nesting");
  expect(cursor, "graph");
  const name = parseName(cursor);
  const [inputs, outputs, nodes]: [string[], string[], Node[]] = [[], [], []];
  const types = new Map<string, TensorType>();
  const open = new Map<string, OpenType>();
  const constants = new Map<string, Tensor>();
  const states: GraphState[] = [];
  const declare = (): string => {
    const value = parseName(cursor);
    expect(cursor, ":");
    if (types.has(value) || open.has(value)) fail(cursor, `${value} to be declared once`);
    const type = parseType(cursor);
    if (isClosed(type)) types.set(value, type);
    else open.set(value, type);
    return value;
  };
  expect(cursor, "{");
  while (!accept(cursor, "}")) {
    const isKeyword = !startsNode(cursor);
    if (isKeyword && accept(cursor, "input")) inputs.push(declare());
    else if (isKeyword && accept(cursor, "output")) outputs.push(parseName(cursor));
    else if (isKeyword && accept(cursor, "state")) states.push(parseState(cursor, types, supply));
    else if (isKeyword && accept(cursor, "constant")) {
      const value = declare();
      expect(cursor, "=");
      const type = types.get(value) ?? fail(cursor, "the shape of a constant");
      constants.set(value, parseConstant(cursor, type, supply));
    } else nodes.push(parseNode(cursor, { declare, supply }));
  }
  cursor.depth--;
  const graph = { name, inputs, outputs, types, open, constants, nodes };
  return states.length === 0 ? graph : { ...graph, states };
}

function parseState(
  cursor: Cursor,
  types: ReadonlyMap<string, TensorType>,
  supply: Supply,
): GraphState {
  const input = parseName(cursor);
  expect(cursor, "from");
  const output = parseName(cursor);
  expect(cursor, "=");
  const type = types.get(input) ?? fail(cursor, "the shape of a state");
  return { input, output, initial: parseConstant(cursor, type, supply) };
}

/** A node may be called "input": what follows a node's name is an equals sign. */
function startsNode(cursor: Cursor): boolean {
  const ahead = { ...cursor };
  next(ahead, "a declaration");
  return peek(ahead) === "=";
}

function parseName(cursor: Cursor): string {
  const token = next(cursor, "a name");
  if (token.startsWith('"')) return unquoted(token) ?? fail(cursor, "a quoted name");
  return /^[A-Za-z_]/.test(token) ? token : fail(cursor, "a name");
}

function unquoted(token: string): string | undefined {
  try {
    return JSON.parse(token) as string;
  } catch {
    return undefined;
  }
}

function parseType(cursor: Cursor): ValueType {
  const word = next(cursor, "a type");
  if (word === "sequence" || word === "optional") {
    return { kind: word, element: parseElementType(cursor) };
  }
  const isKnown = Object.hasOwn(DTYPE_BYTES, word);
  if (!isKnown && word !== "?") fail(cursor, "an element type");
  const dtype = isKnown ? (word as DType) : undefined;
  const open: OpenType = { kind: "tensor", dtype, dims: parseDimensions(cursor) };
  const type = closedIfKnown(open);
  if (!isClosed(type)) return type;
  if (product(type.shape) > ELEMENTS_MAX) fail(cursor, `at most ${ELEMENTS_MAX} elements`);
  return peek(cursor) === "{" ? { ...type, quantization: parseQuantization(cursor) } : type;
}

/** The type in parentheses after "sequence" or "optional"; a known shape stays open there. */
function parseElementType(cursor: Cursor): OpenType {
  if (cursor.depth++ > DEPTH_MAX) fail(cursor, "less nesting");
  expect(cursor, "(");
  const element = opened(parseType(cursor));
  expect(cursor, ")");
  cursor.depth--;
  return element;
}

function parseDimensions(cursor: Cursor): readonly Dimension[] | undefined {
  const ahead = { ...cursor };
  expect(ahead, "[");
  if (!accept(ahead, "*")) return parseList(cursor, parseDimension);
  expect(ahead, "]");
  cursor.position = ahead.position;
  return undefined;
}

function parseDimension(cursor: Cursor): Dimension {
  if (accept(cursor, "?")) return undefined;
  if (!/^-?[0-9]/.test(peek(cursor))) return parseName(cursor);
  const size = parseNumber(cursor);
  return Number.isInteger(size) && size >= 0 ? size : fail(cursor, "a shape");
}

function parseQuantization(cursor: Cursor): Quantization {
  const [scales, zeroPoints]: [number[], number[]] = [[], []];
  expect(cursor, "{");
  do {
    scales.push(parseNumber(cursor));
    expect(cursor, "@");
    zeroPoints.push(parseNumber(cursor));
  } while (accept(cursor, ","));
  const axis = accept(cursor, "along") ? { axis: parseNumber(cursor) } : {};
  expect(cursor, "}");
  return { scales, zeroPoints, ...axis };
}

function parseNumber(cursor: Cursor): number {
  const token = next(cursor, "a number");
  const value = Number(token);
  if (Number.isNaN(value) && token !== "NaN") return fail(cursor, "a number");
  return value;
}

function parseList<T>(cursor: Cursor, item: (cursor: Cursor) => T): T[] {
  const items: T[] = [];
  expect(cursor, "[");
  if (accept(cursor, "]")) return items;
  do items.push(item(cursor));
  while (accept(cursor, ","));
  expect(cursor, "]");
  return items;
}

function parseConstant(cursor: Cursor, type: TensorType, supply: Supply): Tensor {
  if (peek(cursor) === "[") return parseElements(cursor, type);
  const count = product(type.shape);
  if (accept(cursor, "digest")) {
    const digest = parseName(cursor);
    const found = supply(digest) ?? fail(cursor, `the constant ${digest}`);
    const bytes = elementBytes(found);
    if (bytes.length !== count * DTYPE_BYTES[type.dtype]) fail(cursor, "a constant of that size");
    const isAligned = bytes.byteOffset % DTYPE_BYTES[type.dtype] === 0;
    return tensor(type, viewElements(type.dtype, isAligned ? bytes : bytes.slice()));
  }
  expect(cursor, "hex");
  if (type.dtype === "string") return fail(cursor, "a list of texts");
  const bytes = fromHex(parseName(cursor));
  const size = count * DTYPE_BYTES[type.dtype];
  if (bytes?.length !== size) return fail(cursor, `${size} bytes in hexadecimal`);
  const constant = tensor(type, allocate(type.dtype, count));
  elementBytes(constant).set(bytes);
  return constant;
}

function parseElements(cursor: Cursor, type: TensorType): Tensor {
  const { dtype } = type;
  if (dtype === "string")
    return textTensor(type.shape, counted(cursor, type, parseList(cursor, parseText)));
  if (dtype === "i64" || dtype === "u64") {
    const wide = counted(cursor, type, parseList(cursor, parseWhole));
    return tensorStored(type, (index) => wide[index] ?? 0n);
  }
  return tensorOf(type, counted(cursor, type, parseList(cursor, parseNumber)));
}

function counted<T>(cursor: Cursor, type: TensorType, items: readonly T[]): readonly T[] {
  const isFull = items.length === product(type.shape);
  return isFull ? items : fail(cursor, "as many elements as the shape has");
}

function parseText(cursor: Cursor): string {
  return peek(cursor).startsWith('"') ? parseName(cursor) : fail(cursor, "a quoted text");
}

function parseWhole(cursor: Cursor): bigint {
  const token = next(cursor, "a whole number");
  return /^-?[0-9]+$/.test(token) ? BigInt(token) : fail(cursor, "a whole number");
}

interface GraphReader {
  readonly declare: () => string;
  readonly supply: Supply;
}

function parseNode(cursor: Cursor, reader: GraphReader): Node {
  const name = parseName(cursor);
  expect(cursor, "=");
  const op = next(cursor, "an operator");
  const inputs: string[] = [];
  expect(cursor, "(");
  while (!accept(cursor, ")")) {
    inputs.push(parseInput(cursor));
    if (peek(cursor) !== ")") expect(cursor, ",");
  }
  const attributes = new Map<string, Attribute>();
  const late = new Map<string, number>();
  if (accept(cursor, "{")) {
    do {
      const key = parseName(cursor);
      expect(cursor, "=");
      if (accept(cursor, "late")) late.set(key, inputs.push(parseInput(cursor)) - 1);
      else attributes.set(key, parseAttribute(cursor));
    } while (accept(cursor, ","));
    expect(cursor, "}");
  }
  const regions = accept(cursor, "regions") ? parseRegions(cursor, reader.supply) : undefined;
  expect(cursor, "->");
  const outputs: string[] = [];
  do outputs.push(reader.declare());
  while (accept(cursor, ","));
  const node = { name, op, inputs, outputs, attributes };
  return { ...node, ...(late.size > 0 && { late }), ...(regions && { regions }) };
}

function parseInput(cursor: Cursor): string {
  return accept(cursor, "_") ? "" : parseName(cursor);
}

function parseRegions(cursor: Cursor, supply: Supply): ReadonlyMap<string, Graph> {
  const regions = new Map<string, Graph>();
  expect(cursor, "{");
  while (!accept(cursor, "}")) {
    const name = parseName(cursor);
    expect(cursor, "=");
    regions.set(name, parseGraph(cursor, supply));
  }
  return regions;
}

function parseAttribute(cursor: Cursor): Attribute {
  if (peek(cursor) !== "[") return parseScalar(cursor);
  const items = parseList(cursor, parseScalar);
  const isAll = (kind: string): boolean => items.every((item) => typeof item === kind);
  if (!isAll("number") && !isAll("string")) fail(cursor, "numbers or texts alone");
  return items as readonly number[] | readonly string[];
}

function parseScalar(cursor: Cursor): number | string {
  return peek(cursor).startsWith('"') ? parseName(cursor) : parseNumber(cursor);
}
