/** Graphs whose shapes, attributes or course are only known when they run: evaluated, specialised, printed. */
import { describe, expect, test } from "@jest/globals";
import {
  evaluateValues,
  isTensor,
  numberList,
  opennessOf,
  OPS,
  optional,
  parse,
  print,
  sequence,
  specialize,
  verify,
} from "../../../../compiler/ir/index.ts";
import type { Graph, Operator, Value } from "../../../../compiler/ir/index.ts";
import { f32, of } from "./op-case.ts";

/** Nested arrays of numbers stand for sequences, null for an optional that is empty. */
type Plain = readonly number[] | readonly Plain[] | null;

function plain(value: Value | undefined): Plain {
  if (value === undefined) return null;
  if (isTensor(value)) return numberList(value);
  return value.kind === "sequence" ? value.items.map(plain) : plain(value.item);
}

function graphOf(body: string): Graph {
  const parsed = parse(`graph "g" {\n${body}\n}`);
  if (!parsed.ok) throw new Error(parsed.message);
  return parsed.value;
}

interface Run {
  readonly name: string;
  readonly graph: string;
  readonly inputs: readonly Value[];
  readonly outputs: readonly Plain[];
}

const COUNT = of("i64", [], [3]);
const YES = of("bool", [], [1]);
const ROWS = f32([2, 3], [1, 2, 3, 4, 5, 6]);
const PAIR = sequence([f32([2], [1, 2]), f32([1], [3])]);

const LOOP = `
  input n: i64[]
  input go: bool[]
  input x: f32[1]
  y = loop(n, go, x, x) {carried=1} regions {
    body = graph "body" {
      input i: i64[]
      input c: bool[]
      input a: f32[*]
      input by: f32[1]
      step = add(a, by) -> s: f32[*]
      keep = identity(c) -> d: bool[]
      output d
      output s
      output s
    }
  } -> y: f32[*], all: f32[*]
  output y
  output all`;

const SCAN = `
  input s: f32[3]
  input x: f32[2,3]
  n = scan(s, x) {states=1, scanned=1, input_directions=[1]} regions {
    body = graph "body" {
      input t: f32[3]
      input row: f32[3]
      sum = add(t, row) -> u: f32[3]
      output u
      output u
    }
  } -> last: f32[3], all: f32[?,3]
  output last
  output all`;

const IF = `
  input c: bool[]
  input x: f32[3]
  y = if(c, x) regions {
    then = graph "t" {
      input x: f32[3]
      a = neg(x) -> a: f32[3]
      output a
    }
    else = graph "e" {
      input x: f32[3]
      constant k: f32[3] = [5, 5, 5]
      output k
    }
  } -> y: f32[3]
  output y`;

const MAP = `
  input s: sequence(f32[?])
  input by: f32[1]
  y = sequence_map(s, by) {mapped=1} regions {
    body = graph "b" {
      input item: f32[?]
      input by: f32[1]
      a = mul(item, by) -> a: f32[*]
      output a
    }
  } -> y: sequence(f32[*])
  output y`;

const SEQUENCES = `
  input x: f32[2,3]
  input at: i64[]
  empty = sequence_empty() -> none: sequence(f32[*])
  both = sequence_construct(x, x) -> both: sequence(f32[2,3])
  more = sequence_insert(none, x) -> one: sequence(f32[*])
  less = sequence_erase(both, at) -> left: sequence(f32[2,3])
  pick = sequence_at(both, at) -> item: f32[2,3]
  count = sequence_length(left) -> count: i64[]
  parts = split_to_sequence(x) {axis=1, keepdims=0} -> parts: sequence(f32[?])
  whole = concat_from_sequence(parts) {axis=1, new_axis=1} -> whole: f32[*]
  output one
  output item
  output count
  output parts
  output whole`;

const OPTIONALS = `
  input x: optional(f32[?])
  has = optional_has_element(x) -> has: bool[]
  get = optional_get_element(x) -> got: f32[?]
  wrap = optional(got) -> again: optional(f32[?])
  nothing = optional() -> nothing: optional(?[*])
  output has
  output got
  output again
  output nothing`;

const RUNS: readonly Run[] = [
  {
    name: "a loop carries, stacks, and sees what is around it",
    graph: LOOP,
    inputs: [COUNT, YES, f32([1], [2])],
    outputs: [[8], [4, 6, 8]],
  },
  {
    name: "a loop whose condition is false does nothing",
    graph: LOOP,
    inputs: [COUNT, of("bool", [], [0]), f32([1], [2])],
    outputs: [[2], []],
  },
  {
    name: "a scan runs backwards over rows",
    graph: SCAN,
    inputs: [f32([3], [0, 0, 0]), ROWS],
    outputs: [
      [5, 7, 9],
      [4, 5, 6, 5, 7, 9],
    ],
  },
  { name: "a branch", graph: IF, inputs: [YES, f32([3], [1, 2, 3])], outputs: [[-1, -2, -3]] },
  {
    name: "the other branch",
    graph: IF,
    inputs: [of("bool", [], [0]), f32([3], [1, 2, 3])],
    outputs: [[5, 5, 5]],
  },
  { name: "a map over items", graph: MAP, inputs: [PAIR, f32([1], [2])], outputs: [[[2, 4], [6]]] },
  {
    name: "sequences",
    graph: SEQUENCES,
    inputs: [ROWS, of("i64", [], [-1])],
    outputs: [
      [[1, 2, 3, 4, 5, 6]],
      [1, 2, 3, 4, 5, 6],
      [1],
      [
        [1, 4],
        [2, 5],
        [3, 6],
      ],
      [1, 2, 3, 4, 5, 6],
    ],
  },
  {
    name: "an optional that holds a value",
    graph: OPTIONALS,
    inputs: [optional(f32([2], [1, 2]))],
    outputs: [[1], [1, 2], [1, 2], null],
  },
  {
    name: "an attribute that is only known at run time",
    graph: `
      input x: f32[2,3]
      input s: i64[2]
      y = reshape(x) {shape=late s} -> y: f32[*]
      output y`,
    inputs: [ROWS, of("i64", [2], [3, -1])],
    outputs: [[1, 2, 3, 4, 5, 6]],
  },
  {
    name: "a size that is only known at run time",
    graph: `
      input x: f32[N,3]
      y = shape(x) -> y: i64[2]
      output y`,
    inputs: [ROWS],
    outputs: [[2, 3]],
  },
];

function results(graph: Graph, feeds: ReadonlyMap<string, Value>): Plain[] {
  const own = new Map(graph.inputs.map((name) => [name, feeds.get(name) ?? sequence([])]));
  const outputs = evaluateValues(graph, own);
  return graph.outputs.map((name) => plain(outputs.get(name)));
}

describe("open graphs", () => {
  test.each(RUNS.map((run) => [run.name, run] as const))("%s", (_, run) => {
    const graph = graphOf(run.graph);
    const feeds = new Map(graph.inputs.map((name, index) => [name, run.inputs[index]!]));
    expect(results(graph, feeds)).toEqual(run.outputs);
    const text = print(graph, { constants: "bytes" });
    expect(print(graphOf(run.graph), { constants: "bytes" })).toBe(text);

    const shapes = new Map(
      [...feeds].flatMap(([name, value]) => (isTensor(value) ? [[name, value.type.shape]] : [])),
    );
    const bound = specialize(graph, { shapes });
    if (!bound.ok) throw new Error(bound.message);
    expect(verify(bound.value)).toMatchObject({ ok: true });
    expect(results(bound.value, feeds)).toEqual(run.outputs);
  });

  test("every operator on sequences and with regions is tried here", () => {
    const texts = RUNS.map(({ graph }) => graph).join("\n");
    for (const [op, row] of Object.entries<Operator>(OPS)) {
      if (row.evaluator.kind === "values") expect(texts).toContain(` = ${op}(`);
    }
  });

  test.each([
    [
      "a loop",
      LOOP,
      new Map([
        ["n", COUNT],
        ["go", YES],
      ]),
    ],
    ["a scan", SCAN, new Map()],
    ["a branch", IF, new Map([["c", YES]])],
  ])("%s of known course is put in place", (_, text, values) => {
    const graph = graphOf(text);
    expect(opennessOf(graph)).toBeDefined();
    const bound = specialize(graph, { values });
    if (!bound.ok) throw new Error(bound.message);
    expect(opennessOf(bound.value)).toBeUndefined();
    const run = RUNS.find((each) => each.graph === text)!;
    const feeds = new Map(graph.inputs.map((name, index) => [name, run.inputs[index]!]));
    expect(results(bound.value, feeds)).toEqual(run.outputs);
  });

  test("a binding that contradicts the declared type names the input", () => {
    const graph = graphOf("input x: f32[N,3]\n y = neg(x) -> y: f32[N,3]\n output y");
    const refused = specialize(graph, { shapes: new Map([["x", [2, 4]]]) });
    expect(refused).toMatchObject({ ok: false, code: "BAD_NODE", details: { node: "x" } });
  });

  test("what arrives at run time and does not fit names the node", () => {
    const graph = graphOf(RUNS.find(({ name }) => name.startsWith("an attribute"))!.graph);
    const feeds = new Map<string, Value>([
      ["x", ROWS],
      ["s", of("i64", [2], [4, 4])],
    ]);
    expect(() => evaluateValues(graph, feeds)).toThrow(/node y \(reshape\): .*does not fit/);
  });
});

test("tensors that are only packed and unpacked are no sequences any more", () => {
  const graph = graphOf(`
    input x: f32[2,3]
    constant one: i64[] = [1]
    parts = split_to_sequence(x) {axis=1, keepdims=0} -> parts: sequence(f32[?])
    more = sequence_insert(parts, x, one) -> more: sequence(f32[*])
    less = sequence_erase(more, one) -> less: sequence(f32[*])
    count = sequence_length(less) -> count: i64[]
    at = sequence_at(less, one) -> item: f32[*]
    all = concat_from_sequence(less) {axis=1, new_axis=1} -> all: f32[*]
    maybe = optional(less) -> maybe: optional(sequence(f32[*]))
    there = optional_has_element(maybe) -> there: bool[]
    back = optional_get_element(maybe) -> back: sequence(f32[*])
    twice = sequence_map(back) regions {
      body = graph "b" {
        input item: f32[*]
        a = add(item, item) -> a: f32[*]
        output a
      }
    } -> twice: sequence(f32[*])
    joined = concat_from_sequence(twice) {axis=0} -> joined: f32[*]
    output count
    output item
    output all
    output there
    output joined`);
  const bound = specialize(graph);
  if (!bound.ok) throw new Error(bound.message);
  expect(opennessOf(bound.value)).toBeUndefined();
  expect(verify(bound.value)).toMatchObject({ ok: true });
  const feeds = new Map<string, Value>([["x", ROWS]]);
  const expected = [[3], [2, 5], [1, 2, 3, 4, 5, 6], [1], [2, 8, 4, 10, 6, 12]];
  expect(results(graph, feeds)).toEqual(expected);
  expect(results(bound.value, feeds)).toEqual(expected);
});

test("what one run leaves for the next is printed, parsed and kept", () => {
  const graph = graphOf(`
    input x: f32[N]
    input h: f32[1]
    state h from next = [3]
    y = add(x, h) -> y: f32[N]
    n = add(h, h) -> next: f32[1]
    output y
    output next`);
  expect(graph.states).toMatchObject([{ input: "h", output: "next" }]);
  expect(print(graph)).toContain("state h from next = [3]");
  const bound = specialize(graph, { dimensions: new Map([["N", 4]]) });
  if (!bound.ok) throw new Error(bound.message);
  expect(bound.value.states).toEqual(graph.states);
  const wrong = { ...graph, states: [{ ...graph.states![0]!, initial: f32([2], [1, 2]) }] };
  expect(verify(wrong)).toMatchObject({ ok: false, code: "BAD_GRAPH" });
});
