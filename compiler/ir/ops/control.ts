/** Operators that run other graphs: branches, loops, scans, and maps over sequences. */
import type { Graph, OpenType, Tensor, Value, ValueType } from "../graph.ts";
import {
  numberAttribute,
  numbersAttribute,
  openType,
  reject,
  requireThat,
  tensorValue,
  values,
} from "../operator.ts";
import type { InferenceCall, Operator, ValueCall } from "../operator.ts";
import { allocate, normalizeAxis, numberList, tensor, tensorOf } from "../tensor.ts";
import { ANY_TENSOR, commonType, isTensor, opened, sequence, typeIn } from "../value.ts";
import { stacked, unstacked } from "./slices.ts";

/** Values that go in and out of a graph; limited only by the node. */
const MANY = 4096;
/** A loop that is to run for longer than this is taken for one that never ends. */
const TRIPS_MAX = 2 ** 24;

export const CONTROL_OPS = {
  if: {
    docs: "One of two graphs, by the truth value of the first input; the others are theirs.",
    inputs: [1, MANY],
    attributes: {},
    regions: ["then", "else"],
    infer: inferIf,
    inferOpen: inferIf,
    evaluator: values((call) => {
      const branch = isTrue(tensorValue(call, 0)) ? "then" : "else";
      return call.runRegion(branch, present(call.inputs.slice(1)));
    }),
    quantized: "none",
  },
  loop: {
    docs: "The body, at most as often as the first input says (for ever without) and while the second holds. It takes the trip, the condition, `carried` values and captures; it gives the condition, the carried values, and values that are stacked over all trips.",
    inputs: [2, MANY],
    attributes: { carried: numberAttribute(0) },
    regions: ["body"],
    infer: inferLoop,
    inferOpen: inferLoop,
    evaluator: values(runLoop),
    quantized: "none",
  },
  scan: {
    docs: "The body over the slices of `scanned` inputs. It takes `states` values, one slice each and captures; it gives the states, and values that are stacked. With `batched` all have a batch axis in front.",
    inputs: [1, MANY],
    attributes: {
      states: numberAttribute(0),
      scanned: numberAttribute(),
      input_axes: numbersAttribute([]),
      output_axes: numbersAttribute([]),
      input_directions: numbersAttribute([]),
      output_directions: numbersAttribute([]),
      batched: numberAttribute(0),
    },
    regions: ["body"],
    infer: inferScan,
    inferOpen: inferScan,
    evaluator: values((call) =>
      call.attributes.number("batched") === 0 ? runScan(call) : runBatches(call),
    ),
    quantized: "none",
  },
  sequence_map: {
    docs: "The body over the items of the first input and of those among the next `mapped` that are sequences; the others are the same for all. Every result is a sequence.",
    inputs: [1, MANY],
    attributes: { mapped: numberAttribute(0) },
    regions: ["body"],
    infer: inferSequenceMap,
    inferOpen: inferSequenceMap,
    evaluator: values(runSequenceMap),
    quantized: "none",
  },
} as const satisfies Record<string, Operator>;

function regionOf(call: InferenceCall, name: string): Graph {
  return call.regions.get(name) ?? reject(`region ${name} is missing`);
}

function outputTypesOf(region: Graph): OpenType[] {
  return region.outputs.map((name) => opened(typeIn(region, name) ?? ANY_TENSOR));
}

function present(list: readonly (Value | undefined)[]): Value[] {
  return list.map((value, index) => value ?? reject(`input ${index} is missing`));
}

function isTrue({ data }: Tensor): boolean {
  return Number(data[0] ?? 0) !== 0;
}

function truth(value: boolean): Tensor {
  return tensorOf({ dtype: "bool", shape: [] }, [Number(value)]);
}

function inferIf(call: InferenceCall): readonly ValueType[] {
  const [yes, no] = [regionOf(call, "then"), regionOf(call, "else")];
  const [types, others] = [outputTypesOf(yes), outputTypesOf(no)];
  requireThat(types.length === others.length, "the branches have different outputs");
  return types.map((type, index) => commonType(type, others[index] ?? type));
}

function inferLoop(call: InferenceCall): readonly ValueType[] {
  const carried = call.attributes.number("carried");
  const [, ...results] = outputTypesOf(regionOf(call, "body"));
  requireThat(results.length >= carried, "the body gives fewer values than it carries");
  return results.map((type, index) =>
    index < carried ? commonType(type, openType(call, index + 2)) : stackedType(type),
  );
}

/** Along a new first axis of unknown size. */
function stackedType(type: OpenType): OpenType {
  if (type.kind !== "tensor") return reject("only tensors are stacked");
  return { ...type, dims: type.dims && [undefined, ...type.dims] };
}

function runLoop(call: ValueCall): readonly Value[] {
  const carried = call.attributes.number("carried");
  const [trips, condition] = call.inputs;
  const limit = isTensor(trips) ? (numberList(trips)[0] ?? 0) : Infinity;
  const captures = present(call.inputs.slice(2 + carried));
  let state = present(call.inputs.slice(2, 2 + carried));
  let goesOn = !isTensor(condition) || isTrue(condition);
  const collected: Tensor[][] = [];
  for (let trip = 0; goesOn && trip < limit; trip++) {
    requireThat(trip < TRIPS_MAX, `the loop runs more than ${TRIPS_MAX} times`);
    const counter = tensorOf({ dtype: "i64", shape: [] }, [trip]);
    const inputs = [counter, truth(goesOn), ...state, ...captures];
    const [again, ...results] = call.runRegion("body", inputs);
    goesOn = isTensor(again) && isTrue(again);
    state = results.slice(0, carried);
    collected.push(tensorsOf(results.slice(carried)));
  }
  if (collected.length === 0) return [...state, ...emptyColumns(call, carried)];
  const count = call.outputCount - carried;
  return [...state, ...stackedColumns(collected, new Array<number>(count).fill(0))];
}

function tensorsOf(list: readonly Value[]): Tensor[] {
  return list.map((value) => (isTensor(value) ? value : reject("only tensors are stacked")));
}

/** What a loop without a trip has stacked: nothing, of the type that the body would have given. */
function emptyColumns(call: ValueCall, carried: number): Tensor[] {
  const region = call.regions.get("body") ?? reject("the body is missing");
  return outputTypesOf(region)
    .slice(1 + carried, 1 + call.outputCount)
    .map((type) => {
      const [dtype = "f32", dims = []] = type.kind === "tensor" ? [type.dtype, type.dims] : [];
      const shape = [0, ...dims.map((size) => (typeof size === "number" ? size : 0))];
      return tensor({ dtype, shape }, allocate(dtype, 0));
    });
}

/** The values of all trips, one tensor per column along its axis. */
function stackedColumns(trips: readonly (readonly Tensor[])[], axes: readonly number[]): Tensor[] {
  return axes.map((axis, column) => {
    const parts = trips.flatMap((row) => row[column] ?? []);
    requireThat(parts.length > 0, "there is nothing to stack");
    return stacked(parts, axis < 0 ? axis + (parts[0]?.type.shape.length ?? 0) + 1 : axis);
  });
}

function inferScan(call: InferenceCall): readonly ValueType[] {
  const states = call.attributes.number("states");
  const results = outputTypesOf(regionOf(call, "body"));
  requireThat(results.length >= states, "the body gives fewer values than it has states");
  return results.map((type, index) => {
    if (type.kind !== "tensor") return type;
    const known = index < states && call.attributes.number("batched") === 0;
    return known ? commonType(type, openType(call, index)) : { ...type, dims: undefined };
  });
}

interface ScanParts {
  readonly states: readonly Value[];
  readonly scanned: readonly Tensor[];
  readonly captures: readonly Value[];
}

function scanParts(call: ValueCall): ScanParts {
  const states = call.attributes.number("states");
  const end = states + call.attributes.number("scanned");
  const all = present(call.inputs);
  return {
    states: all.slice(0, states),
    scanned: tensorsOf(all.slice(states, end)),
    captures: all.slice(end),
  };
}

function runScan(call: ValueCall, parts: ScanParts = scanParts(call)): Value[] {
  const { attributes } = call;
  const [axes, backward] = [
    attributes.numbers("input_axes"),
    attributes.numbers("input_directions"),
  ];
  const columns = parts.scanned.map((each, index) => {
    const rank = each.type.shape.length;
    const axis = normalizeAxis(axes[index] ?? 0, rank) ?? reject("a scan axis is out of range");
    const slices = unstacked(each, axis);
    return (backward[index] ?? 0) === 0 ? slices : slices.reverse();
  });
  const trips = columns[0]?.length ?? 0;
  requireThat(
    columns.every(({ length }) => length === trips),
    "the scanned inputs differ in length",
  );
  let state = parts.states;
  const collected: Tensor[][] = [];
  for (let trip = 0; trip < trips; trip++) {
    const slices = columns.map((column) => column[trip] ?? reject("a slice is missing"));
    const results = call.runRegion("body", [...state, ...slices, ...parts.captures]);
    state = results.slice(0, state.length);
    collected.push(tensorsOf(results.slice(state.length)));
  }
  return [...state, ...scanOutputs(call, collected, state.length)];
}

function scanOutputs(call: ValueCall, trips: Tensor[][], states: number): Tensor[] {
  const { attributes } = call;
  const [axes, backward] = [
    attributes.numbers("output_axes"),
    attributes.numbers("output_directions"),
  ];
  return Array.from({ length: call.outputCount - states }, (_, column) => {
    const rows = trips.map((row) => row.slice(column, column + 1));
    const ordered = (backward[column] ?? 0) === 0 ? rows : rows.reverse();
    return stackedColumns(ordered, [axes[column] ?? 0])[0] ?? reject("nothing was scanned");
  });
}

/** Every batch by itself; all that has a batch axis has it in front. */
function runBatches(call: ValueCall): Value[] {
  const { states, scanned, captures } = scanParts(call);
  const rows = [...tensorsOf(states), ...scanned].map((each) => unstacked(each, 0));
  const batches = Array.from({ length: rows[0]?.length ?? 0 }, (_, batch) => {
    const row = rows.map((column) => column[batch] ?? reject("the batches differ in size"));
    const own = {
      states: row.slice(0, states.length),
      scanned: row.slice(states.length),
      captures,
    };
    return tensorsOf(runScan(call, own));
  });
  return stackedColumns(batches, new Array<number>(call.outputCount).fill(0));
}

function inferSequenceMap(call: InferenceCall): readonly ValueType[] {
  return outputTypesOf(regionOf(call, "body")).map((element) => ({ kind: "sequence", element }));
}

function runSequenceMap(call: ValueCall): readonly Value[] {
  const end = 1 + call.attributes.number("mapped");
  const all = present(call.inputs);
  const first = all[0];
  if (first === undefined || isTensor(first) || first.kind !== "sequence") {
    return reject("input 0 is no sequence");
  }
  const rows = first.items.map((_, index) => {
    const own = all.slice(0, end).map((value) => itemOf(value, index));
    return call.runRegion("body", [...own, ...all.slice(end)]);
  });
  return Array.from({ length: call.outputCount }, (_, column) =>
    sequence(rows.map((results) => results[column] ?? reject("the body gives too few values"))),
  );
}

function itemOf(value: Value, index: number): Value {
  if (isTensor(value) || value.kind !== "sequence") return value;
  return value.items[index] ?? reject(`a sequence of ${value.items.length} items is too short`);
}
