/**
 * Sequences and optionals whose items are known values of the graph: what is taken out of them is
 * the value itself, so that tensors alone remain wherever a model only packs and unpacks.
 */
import { present } from "../../protocol/base/assert.ts";
import type { Attribute, Node } from "./graph.ts";
import { copyRegion, raisedAt } from "./inline.ts";
import { normalizeAxis, numberList, tensorOf } from "./tensor.ts";
import { isClosed } from "./value.ts";
import type { Inline, Workbench } from "./workbench.ts";

/** Items of a sequence that are followed one by one. */
const ITEMS_MAX = 4096;

/** Names of items by the name of their sequence; of an optional, its one item or none. */
type Items = Map<string, readonly string[]>;

/** Notes the items of every sequence that it sees, and puts them in place of what reads them. */
export function inlineSequences(): Inline {
  const items: Items = new Map();
  return (node, bench) => RULES.get(node.op)?.(node, bench, items) ?? false;
}

/** True when the node has been replaced; false when it is to be added as it is. */
type Rule = (node: Node, bench: Workbench, items: Items) => boolean;

const RULES: ReadonlyMap<string, Rule> = new Map<string, Rule>([
  ["sequence_construct", (node, _, items) => note(node, items, node.inputs)],
  ["sequence_empty", (node, _, items) => note(node, items, [])],
  ["sequence_insert", noteInsert],
  ["sequence_erase", noteErase],
  ["sequence_at", takeItem],
  ["sequence_length", countItems],
  ["split_to_sequence", splitIntoItems],
  ["concat_from_sequence", joinItems],
  ["sequence_map", mapItems],
  ["identity", (node, _, items) => note(node, items, items.get(node.inputs[0] ?? ""))],
  ["optional", (node, _, items) => note(node, items, node.inputs.slice(0, 1).filter(isName))],
  ["optional_has_element", askOptional],
  ["optional_get_element", takeOptional],
]);

function isName(name: string): boolean {
  return name !== "";
}

function note(node: Node, items: Items, list: readonly string[] | undefined): false {
  if (list !== undefined && list.length <= ITEMS_MAX) items.set(node.outputs[0] ?? "", list);
  return false;
}

function itemsRead(node: Node, items: Items): readonly string[] | undefined {
  return items.get(node.inputs[0] ?? "");
}

/** The position in an input, counted from the start; `fallback` where there is none; undefined if not known. */
function positionIn(
  node: Node,
  bench: Workbench,
  { input, count, fallback }: { input: number; count: number; fallback: number },
): number | undefined {
  const name = node.inputs[input] ?? "";
  if (name === "") return fallback;
  const value = bench.constantOf(name);
  const [at] = value === undefined ? [] : numberList(value);
  return at !== undefined && at < 0 ? at + count : at;
}

function noteInsert(node: Node, bench: Workbench, items: Items): boolean {
  const list = itemsRead(node, items);
  if (list === undefined) return false;
  const { length } = list;
  const at = positionIn(node, bench, { input: 2, count: length, fallback: length });
  if (at === undefined) return false;
  return note(node, items, [
    ...list.slice(0, at),
    present(node.inputs[1], "item"),
    ...list.slice(at),
  ]);
}

function noteErase(node: Node, bench: Workbench, items: Items): boolean {
  const list = itemsRead(node, items);
  if (list === undefined) return false;
  const { length } = list;
  const at = positionIn(node, bench, { input: 1, count: length, fallback: length - 1 });
  return at === undefined
    ? false
    : note(
        node,
        items,
        list.filter((_, index) => index !== at),
      );
}

function takeItem(node: Node, bench: Workbench, items: Items): boolean {
  const list = itemsRead(node, items);
  if (list === undefined) return false;
  const at = positionIn(node, bench, { input: 1, count: list.length, fallback: 0 });
  return at !== undefined && rename(node, bench, list[at]);
}

/** The node's output under its own name; false where there is no such item, for the evaluator to refuse. */
function rename(node: Node, bench: Workbench, item: string | undefined): boolean {
  if (item === undefined) return false;
  bench.add({ ...node, op: "identity", inputs: [item], attributes: new Map() });
  return true;
}

function countItems(node: Node, bench: Workbench, items: Items): boolean {
  const list = itemsRead(node, items);
  if (list === undefined) return false;
  bench.define(node.outputs[0] ?? "", tensorOf({ dtype: "i64", shape: [] }, [list.length]));
  return true;
}

function askOptional(node: Node, bench: Workbench, items: Items): boolean {
  const [name = ""] = node.inputs;
  const type = bench.typeOf(name);
  const isPlainValue = isClosed(type) || (type !== undefined && type.kind !== "optional");
  const list = isPlainValue || name === "" ? [name].filter(isName) : items.get(name);
  if (list === undefined) return false;
  bench.define(node.outputs[0] ?? "", tensorOf({ dtype: "bool", shape: [] }, [list.length]));
  return true;
}

function takeOptional(node: Node, bench: Workbench, items: Items): boolean {
  const [name = ""] = node.inputs;
  const type = bench.typeOf(name);
  const isOptional = type !== undefined && !isClosed(type) && type.kind === "optional";
  return rename(node, bench, isOptional ? items.get(name)?.[0] : name);
}

/** One split node; slices without their axis are reshaped. */
function splitIntoItems(node: Node, bench: Workbench, items: Items): boolean {
  const [x = "", splitName = ""] = node.inputs;
  const type = bench.typeOf(x);
  if (!isClosed(type)) return false;
  const given = splitName === "" ? undefined : bench.constantOf(splitName);
  if (splitName !== "" && given === undefined) return false;
  const axis = normalizeAxis(Number(node.attributes.get("axis") ?? 0), type.shape.length);
  if (axis === undefined) return false;
  const size = type.shape[axis] ?? 0;
  const part = given === undefined ? 1 : (numberList(given)[0] ?? 0);
  const isList = (given?.type.shape.length ?? 0) > 0;
  const equal = Array.from(
    { length: Math.min(Math.ceil(size / part), ITEMS_MAX + 1) },
    (_, index) => Math.min(part, size - index * part),
  );
  const sizes = given !== undefined && isList ? numberList(given) : equal;
  if (sizes.length === 0 || sizes.length > ITEMS_MAX || !(part > 0)) return false;
  const [output = ""] = node.outputs;
  const names = sizes.map((_, index) => `${output}/item${index}`);
  bench.add({
    ...node,
    name: `${output}/split`,
    op: "split",
    inputs: [x],
    outputs: names,
    attributes: attributes({ axis, sizes }),
  });
  const keeps = given !== undefined || Number(node.attributes.get("keepdims") ?? 1) !== 0;
  const shape = type.shape.filter((_, other) => other !== axis);
  const list = keeps ? names : names.map((name) => reshaped(bench, name, attributes({ shape })));
  bench.add({ ...node, op: "sequence_construct", inputs: list, attributes: new Map() });
  items.set(output, list);
  return true;
}

function attributes(values: Readonly<Record<string, Attribute>>): ReadonlyMap<string, Attribute> {
  return new Map(Object.entries(values));
}

function reshaped(
  bench: Workbench,
  input: string,
  attributes: ReadonlyMap<string, Attribute>,
): string {
  const name = `${input}/reshaped`;
  bench.add({ name, op: "reshape", inputs: [input], outputs: [name], attributes });
  return name;
}

function joinItems(node: Node, bench: Workbench, items: Items): boolean {
  const list = itemsRead(node, items);
  if (list === undefined || list.length === 0) return false;
  const axis = Number(node.attributes.get("axis") ?? 0);
  const isNew = Number(node.attributes.get("new_axis") ?? 0) !== 0;
  const inputs = isNew
    ? list.map((name, index) => {
        const output = `${node.outputs[0] ?? ""}/part${index}`;
        const attributes = raisedAt(bench.typeOf(name), axis);
        bench.add({ name: output, op: "reshape", inputs: [name], outputs: [output], attributes });
        return output;
      })
    : list;
  bench.add({ ...node, op: "concat", inputs, attributes: attributes({ axis }) });
  return true;
}

/** The body once for every item. */
function mapItems(node: Node, bench: Workbench, items: Items): boolean {
  const list = itemsRead(node, items);
  const end = 1 + Number(node.attributes.get("mapped") ?? 0);
  const columns = node.inputs.slice(0, end).map((name): readonly string[] | string | undefined => {
    const type = bench.typeOf(name);
    const isSequence = type !== undefined && !isClosed(type) && type.kind === "sequence";
    return isSequence ? items.get(name) : name;
  });
  if (list === undefined || list.length === 0 || columns.includes(undefined)) return false;
  const body = present(node.regions?.get("body"), "body");
  const rows = list.map((_, index) => {
    const own = columns.map((column) => (typeof column === "string" ? column : column?.[index]));
    const inputs = [...own.map((name) => present(name, "item")), ...node.inputs.slice(end)];
    return copyRegion(body, inputs, { bench, prefix: `${node.name}/${index}` });
  });
  for (const [column, name] of node.outputs.entries()) {
    const inputs = rows.map((row) => present(row[column], name));
    const outputs = [name];
    bench.add({ name, op: "sequence_construct", inputs, outputs, attributes: new Map() });
  }
  return true;
}
