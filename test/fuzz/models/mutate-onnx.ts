/** Structure-aware damage to an ONNX file: what a careless exporter or an attacker would write. */
import type { Random } from "../../../protocol/base/random.ts";
import { isMessage, parseOnnxTree, writeTree } from "./protobuf.ts";
import type { Field, Message } from "./protobuf.ts";
import { damageBytes, pick } from "./mutate-bytes.ts";

const NUMBERS: readonly bigint[] = [
  ...[0n, 1n, 2n, 3n, 7n, 16n, 127n, 128n, 255n, 65_535n, 65_536n, 1_000_000n],
  ...[2n ** 31n - 1n, 2n ** 31n, 2n ** 32n, 2n ** 40n, 2n ** 53n, 2n ** 63n - 1n, 2n ** 63n],
  ...[-1n, -2n, -128n, -(2n ** 31n)],
];

const MUTATIONS_MAX = 4;
const NESTING_MAX = 200;

/** The same bytes for the same state of `random`. */
export function mutateOnnx(bytes: Uint8Array, random: Random): Uint8Array {
  const tree = random.below(16) === 0 ? undefined : parseOnnxTree(bytes);
  if (tree === undefined) return damageBytes(bytes, random);
  const count = 1 + random.below(MUTATIONS_MAX);
  for (let index = 0; index < count; index++) mutateTree(tree, random);
  const written = writeTree(tree);
  return random.below(32) === 0 ? damageBytes(written, random) : written;
}

interface Place {
  readonly message: Message;
  readonly index: number;
  readonly field: Field;
}

type Mutation = (place: Place, all: readonly Place[], random: Random) => void;

const MUTATIONS: readonly Mutation[] = [
  ({ message, index }) => void message.fields.splice(index, 1),
  ({ message, field }) => void message.fields.push(field),
  ({ message, index, field }) => {
    const other = message.fields[index + 1];
    if (other) [message.fields[index], message.fields[index + 1]] = [other, field];
  },
  replaceValue,
  replaceValue,
  replaceValue,
  spliceFromElsewhere,
  spliceFromElsewhere,
  reshapeField,
  nest,
];

function mutateTree(tree: Message, random: Random): void {
  const places = placesOf(tree);
  const place = pick(places, random);
  if (place !== undefined) pick(MUTATIONS, random)?.(place, places, random);
}

function placesOf(root: Message): readonly Place[] {
  const places: Place[] = [];
  const visit = (message: Message): void => {
    for (const [index, field] of message.fields.entries()) {
      places.push({ message, index, field });
      if (isMessage(field.value)) visit(field.value);
    }
  };
  visit(root);
  return places;
}

/** Another field number, or, rarely as it breaks the whole file, another wire type. */
function reshapeField({ field }: Place, _: readonly Place[], random: Random): void {
  if (random.below(4) === 0) field.wire = random.below(8);
  else field.number = 1 + random.below(30);
}

function replaceValue({ field }: Place, _: readonly Place[], random: Random): void {
  if (typeof field.value === "bigint") {
    const near = field.value + BigInt(random.below(5) - 2);
    field.value = random.below(2) === 0 ? near : (pick(NUMBERS, random) ?? 0n);
  } else if (!isMessage(field.value)) field.value = damageBytes(field.value, random);
}

/** A value of the same kind from another place: rewires nodes, makes cycles, swaps operators and types. */
function spliceFromElsewhere(place: Place, all: readonly Place[], random: Random): void {
  const kind = kindOf(place);
  const alike = all.filter((other) => kindOf(other) === kind);
  const other = pick(alike, random);
  // A copy: the other place may lie around this one, and a tree must not contain itself.
  if (other !== undefined) place.field.value = copyOf(other.field.value);
}

function copyOf(value: Field["value"]): Field["value"] {
  if (!isMessage(value)) return value;
  const fields = value.fields.map((one) => ({ ...one, value: copyOf(one.value) }));
  return { kind: value.kind, fields };
}

function kindOf({ message, field }: Place): string {
  return isMessage(field.value) ? field.value.kind : `${message.kind}.${field.number}`;
}

/** A graph within a graph within a graph, as a chain of attributes of one node. */
function nest({ message }: Place, _: readonly Place[], random: Random): void {
  if (message.kind !== "Node") return;
  const depth = 1 + random.below(NESTING_MAX);
  let inner: Message = { kind: "Graph", fields: [] };
  for (let level = 0; level < depth; level++) {
    const value: Message = { kind: "Attribute", fields: [field(6, inner), field(20, 5n)] };
    const node: Message = { kind: "Node", fields: [field(5, value)] };
    inner = { kind: "Graph", fields: [field(1, node)] };
  }
  message.fields.push(field(5, { kind: "Attribute", fields: [field(6, inner)] }));
}

function field(number: number, value: bigint | Message): Field {
  return { number, wire: typeof value === "bigint" ? 0 : 2, value };
}
