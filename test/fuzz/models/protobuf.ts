/** Protobuf bytes as a tree that can be changed and written back, right or wrong on purpose. */

/** Which fields of which ONNX message hold messages; every other field is a scalar, text or bytes. */
const ONNX_MESSAGES: Readonly<Record<string, Readonly<Record<number, string>>>> = {
  Model: { 7: "Graph", 8: "Plain", 14: "Plain", 25: "Function" },
  Graph: {
    1: "Node",
    5: "Tensor",
    11: "ValueInfo",
    12: "ValueInfo",
    13: "ValueInfo",
    15: "Sparse",
  },
  Function: { 7: "Node", 9: "Plain", 11: "Attribute", 12: "ValueInfo" },
  Node: { 5: "Attribute" },
  Attribute: { 5: "Tensor", 6: "Graph", 10: "Tensor", 11: "Graph", 14: "Type", 15: "Type" },
  ValueInfo: { 2: "Type" },
  Type: { 1: "TensorType", 4: "Sequence", 8: "TensorType", 9: "Sequence" },
  TensorType: { 2: "Shape" },
  Sequence: { 1: "Type" },
  Shape: { 1: "Plain" },
  Tensor: { 3: "Plain", 13: "Plain" },
  Sparse: { 1: "Tensor", 2: "Tensor" },
  Plain: {},
};

export interface Message {
  readonly kind: string;
  readonly fields: Field[];
}

export interface Field {
  number: number;
  wire: number;
  /** A varint or fixed number, raw bytes, or a message. */
  value: bigint | Uint8Array | Message;
}

export function isMessage(value: Field["value"]): value is Message {
  return typeof value === "object" && "fields" in value;
}

const DEPTH_MAX = 64;

/** The tree of an ONNX file, or undefined where the bytes are no well-formed protobuf. */
export function parseOnnxTree(bytes: Uint8Array): Message | undefined {
  return parseMessage(bytes, "Model", 0);
}

function parseMessage(bytes: Uint8Array, kind: string, depth: number): Message | undefined {
  if (depth > DEPTH_MAX) return undefined;
  const reader = { bytes, at: 0 };
  const fields: Field[] = [];
  const inner = ONNX_MESSAGES[kind] ?? {};
  while (reader.at < bytes.length) {
    const tag = readVarint(reader);
    if (tag === undefined) return undefined;
    const [number, wire] = [Number(tag >> 3n), Number(tag & 7n)];
    const raw = readValue(reader, wire);
    if (raw === undefined) return undefined;
    const of = inner[number];
    const isInner = of !== undefined && raw instanceof Uint8Array && wire === 2;
    const value = isInner ? (parseMessage(raw, of, depth + 1) ?? raw) : raw;
    fields.push({ number, wire, value });
  }
  return { kind, fields };
}

interface Reader {
  readonly bytes: Uint8Array;
  at: number;
}

function readVarint(reader: Reader): bigint | undefined {
  let value = 0n;
  for (let shift = 0n; shift < 70n; shift += 7n) {
    const byte = reader.bytes[reader.at++];
    if (byte === undefined) return undefined;
    value |= BigInt(byte & 127) << shift;
    if (byte < 128) return value;
  }
  return undefined;
}

function readValue(reader: Reader, wire: number): bigint | Uint8Array | undefined {
  if (wire === 0) return readVarint(reader);
  if (wire === 1 || wire === 5) return readBytes(reader, wire === 1 ? 8 : 4);
  if (wire !== 2) return undefined;
  const length = readVarint(reader);
  return length === undefined || length > 2n ** 31n ? undefined : readBytes(reader, Number(length));
}

function readBytes(reader: Reader, length: number): Uint8Array | undefined {
  const end = reader.at + length;
  if (end > reader.bytes.length) return undefined;
  const taken = reader.bytes.subarray(reader.at, end);
  reader.at = end;
  return taken;
}

export function writeTree(message: Message): Uint8Array {
  const chunks: Uint8Array[] = [];
  writeMessage(message, chunks);
  return new Uint8Array(Buffer.concat(chunks));
}

function writeMessage({ fields }: Message, chunks: Uint8Array[]): void {
  for (const { number, wire, value } of fields) {
    chunks.push(varint((BigInt(number) << 3n) | BigInt(wire)));
    if (typeof value === "bigint") chunks.push(varint(value));
    else {
      const bytes = isMessage(value) ? writeTree(value) : value;
      if (wire === 2) chunks.push(varint(BigInt(bytes.length)));
      chunks.push(bytes);
    }
  }
}

function varint(value: bigint): Uint8Array {
  const bytes: number[] = [];
  let rest = BigInt.asUintN(64, value);
  for (; rest > 127n; rest >>= 7n) bytes.push(Number(rest & 127n) | 128);
  bytes.push(Number(rest));
  return Uint8Array.from(bytes);
}
