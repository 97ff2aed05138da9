/** Regions put in place of the node that runs them, where it is known which and how often. */
import { present } from "../../protocol/base/assert.ts";
import type { Attribute, Graph, Node, Tensor, ValueType } from "./graph.ts";
import { normalizeAxis, numberList, tensorOf } from "./tensor.ts";
import { isClosed } from "./value.ts";
import type { Workbench } from "./workbench.ts";

/** Nodes that one loop may become. */
const UNROLLED_NODES_MAX = 20_000;

/** Adds what the node's region computes and says true; false leaves the node to be added as it is. */
export function inlineRegions(node: Node, bench: Workbench): boolean {
  switch (node.op) {
    case "if":
      return inlineBranch(node, bench);
    case "loop":
      return unrollLoop(node, bench);
    case "scan":
      return unrollScan(node, bench);
    default:
      return false;
  }
}

function inlineBranch(node: Node, bench: Workbench): boolean {
  const condition = bench.constantOf(node.inputs[0] ?? "");
  if (condition === undefined) return false;
  const name = Number(condition.data[0] ?? 0) === 0 ? "else" : "then";
  const region = present(node.regions?.get(name), `region ${name}`);
  const results = copyRegion(region, node.inputs.slice(1), { bench, prefix: node.name });
  bindAll(node.outputs, results, bench);
  return true;
}

export interface Destination {
  readonly bench: Workbench;
  /** Names of the copied values begin with it. */
  readonly prefix: string;
}

/** Adds a region's nodes with its inputs replaced; the names of its outputs. */
export function copyRegion(
  region: Graph,
  inputs: readonly string[],
  { bench, prefix }: Destination,
): readonly string[] {
  const names = new Map<string, string>([["", ""]]);
  region.inputs.forEach((name, index) => names.set(name, present(inputs[index], name)));
  const fresh = (name: string): string => {
    let candidate = `${prefix}/${name}`;
    for (let at = 2; bench.typeOf(candidate) !== undefined; at++) {
      candidate = `${prefix}/${name}.${at}`;
    }
    names.set(name, candidate);
    return candidate;
  };
  const renamed = (name: string): string => present(names.get(name), name);
  for (const [name, value] of region.constants) bench.define(fresh(name), value);
  for (const node of region.nodes) {
    const inputs = node.inputs.map(renamed);
    const outputs = node.outputs.map(fresh);
    bench.add({ ...node, name: present(outputs[0], node.name), inputs, outputs });
  }
  return region.outputs.map(renamed);
}

/** Gives values the names under which the rest of the graph reads them. */
function bindAll(
  names: readonly string[],
  values: readonly (string | undefined)[],
  bench: Workbench,
): void {
  for (const [index, name] of names.entries()) {
    const inputs = [present(values[index], name)];
    bench.add({ name, op: "identity", inputs, outputs: [name], attributes: new Map() });
  }
}

function unrollLoop(node: Node, bench: Workbench): boolean {
  const body = present(node.regions?.get("body"), "body");
  const [tripsName = "", conditionName = ""] = node.inputs;
  const trips = bench.constantOf(tripsName);
  const condition = bench.constantOf(conditionName);
  if (trips === undefined || (conditionName !== "" && condition === undefined)) return false;
  const isOff = condition !== undefined && Number(condition.data[0] ?? 0) === 0;
  const count = isOff ? 0 : Math.max(0, numberList(trips)[0] ?? 0);
  const isShort = count * Math.max(body.nodes.length, 1) <= UNROLLED_NODES_MAX;
  if (count === 0 || !isShort || !goesOn(body)) return false;
  const carriedCount = Number(node.attributes.get("carried") ?? 0);
  let carried = node.inputs.slice(2, 2 + carriedCount);
  const captures = node.inputs.slice(2 + carriedCount);
  const rows: (readonly string[])[] = [];
  for (let trip = 0; trip < count; trip++) {
    const prefix = `${node.name}/${trip}`;
    const counter = known(bench, `${prefix}/trip`, tensorOf({ dtype: "i64", shape: [] }, [trip]));
    const always = known(bench, `${prefix}/on`, tensorOf({ dtype: "bool", shape: [] }, [1]));
    const inputs = [counter, always, ...carried, ...captures];
    const [, ...results] = copyRegion(body, inputs, { bench, prefix });
    carried = results.slice(0, carriedCount);
    rows.push(results.slice(carriedCount));
  }
  bindAll(node.outputs.slice(0, carriedCount), carried, bench);
  stackColumns(rows, { names: node.outputs.slice(carriedCount), axes: [], bench });
  return true;
}

/** Whether a loop's condition is handed on as it came, or is always true. */
function goesOn(body: Graph): boolean {
  const [, condition = ""] = body.inputs;
  let [name = ""] = body.outputs;
  for (;;) {
    if (name === condition) return true;
    const constant = body.constants.get(name);
    if (constant !== undefined) return Number(constant.data[0] ?? 0) !== 0;
    const producer = body.nodes.find((node) => node.outputs.includes(name));
    if (producer?.op !== "identity" && producer?.op !== "cast") return false;
    name = producer.inputs[0] ?? "";
  }
}

function unrollScan(node: Node, bench: Workbench): boolean {
  const body = present(node.regions?.get("body"), "body");
  const numbers = (name: string): readonly number[] => {
    const value = node.attributes.get(name) ?? [];
    return typeof value === "object" ? value.map(Number) : [];
  };
  const [stateCount, scannedCount] = [
    node.attributes.get("states"),
    node.attributes.get("scanned"),
  ];
  const states = Number(stateCount ?? 0);
  const end = states + Number(scannedCount ?? 0);
  const scanned = node.inputs.slice(states, end).map((name, index) => {
    const type = bench.typeOf(name);
    const shape = isClosed(type) ? type.shape : undefined;
    const axis = shape && normalizeAxis(numbers("input_axes")[index] ?? 0, shape.length);
    const isBackward = (numbers("input_directions")[index] ?? 0) !== 0;
    return { name, axis, isBackward, size: axis === undefined ? undefined : shape?.[axis] };
  });
  const count = scanned[0]?.size;
  const isOrdinary = Number(node.attributes.get("batched") ?? 0) === 0;
  if (!isOrdinary || count === undefined || count === 0) return false;
  if (scanned.some(({ size }) => size !== count)) return false;
  if (numbers("output_directions").some((direction) => direction !== 0)) return false;
  if (count * (body.nodes.length + scanned.length) > UNROLLED_NODES_MAX) return false;
  let state = node.inputs.slice(0, states);
  const rows: (readonly string[])[] = [];
  for (let trip = 0; trip < count; trip++) {
    const prefix = `${node.name}/${trip}`;
    const slices = scanned.map(({ name, axis = 0, isBackward }, index) => {
      const at = isBackward ? count - 1 - trip : trip;
      return pick({ bench, prefix: `${prefix}/slice${index}` }, { name, axis, at });
    });
    const inputs = [...state, ...slices, ...node.inputs.slice(end)];
    const results = copyRegion(body, inputs, { bench, prefix });
    state = results.slice(0, states);
    rows.push(results.slice(states));
  }
  bindAll(node.outputs.slice(0, states), state, bench);
  stackColumns(rows, { names: node.outputs.slice(states), axes: numbers("output_axes"), bench });
  return true;
}

function known(bench: Workbench, name: string, value: Tensor): string {
  bench.define(name, value);
  return name;
}

/** One slice of a value, without the axis. */
function pick(
  { bench, prefix }: Destination,
  { name, axis, at }: { name: string; axis: number; at: number },
): string {
  const index = known(bench, `${prefix}/at`, tensorOf({ dtype: "i64", shape: [] }, [at]));
  const attributes = new Map([["axis", axis]]);
  bench.add({ name: prefix, op: "gather", inputs: [name, index], outputs: [prefix], attributes });
  return prefix;
}

interface Stacking {
  readonly names: readonly string[];
  /** Of the results; 0 where none is given. */
  readonly axes: readonly number[];
  readonly bench: Workbench;
}

/** The values of all trips along a new axis, column by column. */
function stackColumns(rows: readonly (readonly string[])[], stacking: Stacking): void {
  const { names, axes, bench } = stacking;
  for (const [column, name] of names.entries()) {
    const axis = axes[column] ?? 0;
    const raised = rows.map((row, trip) => {
      const output = `${name}/part${trip}`;
      const inputs = [present(row[column], name)];
      const attributes = raisedAt(bench.typeOf(inputs[0] ?? ""), axis);
      bench.add({ name: output, op: "reshape", inputs, outputs: [output], attributes });
      return output;
    });
    const attributes = new Map([["axis", axis]]);
    bench.add({ name, op: "concat", inputs: raised, outputs: [name], attributes });
  }
}

/** The attributes of the reshape that adds an axis of size one. */
export function raisedAt(
  type: ValueType | undefined,
  axis: number,
): ReadonlyMap<string, Attribute> {
  if (!isClosed(type)) {
    return new Map<string, Attribute>([
      ["form", "add_axes"],
      ["axes", [axis]],
    ]);
  }
  const shape = [...type.shape];
  shape.splice(axis < 0 ? axis + shape.length + 1 : axis, 0, 1);
  return new Map([["shape", shape]]);
}
