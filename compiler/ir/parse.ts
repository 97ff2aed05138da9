/** Reads the text form that print.ts writes. */
import { fromHex } from "../../protocol/base/bytes.ts";
import { product } from "../../protocol/base/integers.ts";
import { CodedError, succeeded, toFailure } from "../../protocol/base/result.ts";
import type { Result } from "../../protocol/base/result.ts";
import type { Attribute, DType, Graph, Node, Quantization, Tensor, TensorType } from "./graph.ts";
import { constantBytes, contentDigest } from "./print.ts";
import { allocate, DTYPE_BYTES, tensorOf } from "./tensor.ts";
import { verify } from "./verify.ts";

export type ParseCode = "BAD_TEXT";

export interface ParseOptions {
  /** Tensors for the digests in the text; a digest that none of them has is an error. */
  readonly constants?: Iterable<Tensor>;
}

const ELEMENTS_MAX = 2 ** 29;
const TOKEN =
  /\s*("(?:[^"\\]|\\.)*"|->|[A-Za-z_][A-Za-z0-9_./]*|-?[0-9][0-9.e+-]*|-Infinity|[^\s])/y;

/** A verified graph, or BAD_TEXT with the line and what was expected there. */
export function parse(text: string, options: ParseOptions = {}): Result<Graph, ParseCode> {
  try {
    const graph = parseGraph({ text, position: 0 }, suppliedBy(options.constants ?? []));
    const verified = verify(graph);
    if (!verified.ok) throw new CodedError("BAD_TEXT", verified.message);
    return succeeded(graph);
  } catch (error) {
    if (error instanceof CodedError) return toFailure(error as CodedError<ParseCode>);
    throw error;
  }
}

interface Cursor {
  readonly text: string;
  position: number;
}

type Supply = (digest: string) => Tensor | undefined;

function suppliedBy(constants: Iterable<Tensor>): Supply {
  const byDigest = new Map<string, Tensor>();
  for (const constant of constants) byDigest.set(contentDigest(constantBytes(constant)), constant);
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
  expect(cursor, "graph");
  const name = parseName(cursor);
  const [inputs, outputs, nodes]: [string[], string[], Node[]] = [[], [], []];
  const [types, constants] = [new Map<string, TensorType>(), new Map<string, Tensor>()];
  const declare = (): string => {
    const value = parseName(cursor);
    expect(cursor, ":");
    if (types.has(value)) fail(cursor, `${value} to be declared once`);
    types.set(value, parseType(cursor));
    return value;
  };
  expect(cursor, "{");
  while (!accept(cursor, "}")) {
    const isKeyword = !startsNode(cursor);
    if (isKeyword && accept(cursor, "input")) inputs.push(declare());
    else if (isKeyword && accept(cursor, "output")) outputs.push(parseName(cursor));
    else if (isKeyword && accept(cursor, "constant")) {
      const value = declare();
      expect(cursor, "=");
      const type = types.get(value);
      if (type !== undefined) constants.set(value, parseConstant(cursor, type, supply));
    } else nodes.push(parseNode(cursor, declare));
  }
  return { name, inputs, outputs, types, constants, nodes };
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

function parseType(cursor: Cursor): TensorType {
  const dtype = next(cursor, "a type");
  if (!Object.hasOwn(DTYPE_BYTES, dtype)) fail(cursor, "an element type");
  const shape = parseList(cursor, parseNumber);
  if (shape.some((size) => !Number.isInteger(size) || size < 0)) fail(cursor, "a shape");
  if (product(shape) > ELEMENTS_MAX) fail(cursor, `at most ${ELEMENTS_MAX} elements`);
  const type = { dtype: dtype as DType, shape };
  return peek(cursor) === "{" ? { ...type, quantization: parseQuantization(cursor) } : type;
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
  if (peek(cursor) === "[") {
    const values = parseList(cursor, parseNumber);
    if (values.length !== product(type.shape)) fail(cursor, "as many numbers as elements");
    return tensorOf(type, values);
  }
  if (accept(cursor, "digest")) {
    const digest = parseName(cursor);
    const found = supply(digest);
    return found === undefined ? fail(cursor, `the constant ${digest}`) : { ...found, type };
  }
  expect(cursor, "hex");
  const bytes = fromHex(parseName(cursor));
  const size = product(type.shape) * DTYPE_BYTES[type.dtype];
  if (bytes?.length !== size) return fail(cursor, `${size} bytes in hexadecimal`);
  const data = allocate(type.dtype, product(type.shape));
  new Uint8Array(data.buffer).set(bytes);
  return { type, data };
}

function parseNode(cursor: Cursor, declare: () => string): Node {
  const name = parseName(cursor);
  expect(cursor, "=");
  const op = next(cursor, "an operator");
  const inputs: string[] = [];
  expect(cursor, "(");
  while (!accept(cursor, ")")) {
    inputs.push(accept(cursor, "_") ? "" : parseName(cursor));
    if (peek(cursor) !== ")") expect(cursor, ",");
  }
  const attributes = new Map<string, Attribute>();
  if (accept(cursor, "{")) {
    do {
      const key = parseName(cursor);
      expect(cursor, "=");
      attributes.set(key, parseAttribute(cursor));
    } while (accept(cursor, ","));
    expect(cursor, "}");
  }
  expect(cursor, "->");
  const outputs: string[] = [];
  do outputs.push(declare());
  while (accept(cursor, ","));
  return { name, op, inputs, outputs, attributes };
}

function parseAttribute(cursor: Cursor): Attribute {
  if (peek(cursor) === "[") return parseList(cursor, parseNumber);
  return peek(cursor).startsWith('"') ? parseName(cursor) : parseNumber(cursor);
}
