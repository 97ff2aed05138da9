/** Graphs: what the verifier refuses, what evaluation keeps, and the text form that round-trips. */
import { describe, expect, test } from "@jest/globals";
import {
  consumersOf,
  evaluate,
  graphBuilder,
  multiplyAccumulates,
  numberList,
  parse,
  print,
  tensorOf,
  verify,
} from "../../../../compiler/ir/index.ts";
import type { DType, Graph, Node, Tensor } from "../../../../compiler/ir/index.ts";
import { fc, property } from "../../../support/property.ts";

function numbers(value: Tensor | undefined): number[] {
  return value === undefined ? [] : numberList(value);
}

function small(): Graph {
  const builder = graphBuilder("small");
  builder.input("x", { dtype: "f32", shape: [1, 1, 2, 2] });
  builder.constant("w", tensorOf({ dtype: "f32", shape: [1, 1, 1, 1] }, [2]));
  builder.node({ op: "conv", name: "c", inputs: ["x", "w"], attributes: { clamp_min: 0 } });
  builder.node({ op: "add", name: "y", inputs: ["c", "x"] });
  return builder.finish(["y"]);
}

function withNode(graph: Graph, index: number, change: Partial<Node>): Graph {
  const nodes = graph.nodes.map((node, at) => (at === index ? { ...node, ...change } : node));
  return { ...graph, nodes };
}

describe("the verifier", () => {
  test("a built graph is valid", () => expect(verify(small())).toMatchObject({ ok: true }));

  const flaws: readonly (readonly [string, (graph: Graph) => Graph, RegExp])[] = [
    [
      "reading before writing",
      (g) => ({ ...g, nodes: [...g.nodes].reverse() }),
      /y \(add\) reads c before/,
    ],
    ["writing twice", (g) => withNode(g, 1, { outputs: ["c"] }), /y \(add\) writes c again/],
    ["writing an input", (g) => withNode(g, 1, { outputs: ["x"] }), /writes x again/],
    ["two nodes of one name", (g) => withNode(g, 1, { name: "c" }), /c names two nodes/],
    ["an operator that is none", (g) => withNode(g, 0, { op: "konv" }), /no operator konv/],
    [
      "an output nobody writes",
      (g) => ({ ...g, outputs: ["z"] }),
      /z is an output that nobody writes/,
    ],
    [
      "a wrong declared type",
      (g) => ({ ...g, types: new Map(g.types).set("y", { dtype: "f32", shape: [4] }) }),
      /declared f32\[4\] but is f32\[1,1,2,2\]/,
    ],
    [
      "a type of nothing",
      (g) => ({ ...g, types: new Map(g.types).set("q", { dtype: "f32", shape: [] }) }),
      /q has a type but is never written/,
    ],
    [
      "a constant that does not fill its type",
      (g) => ({
        ...g,
        constants: new Map([
          ["w", { type: { dtype: "f32", shape: [1, 1, 1, 1] }, data: new Float32Array(2) }],
        ]),
      }),
      /w has 2 elements instead of 1/,
    ],
    [
      "an attribute of the wrong kind",
      (g) => withNode(g, 0, { attributes: new Map([["group", "one"]]) }),
      /no text attribute group/,
    ],
  ];
  test.each(flaws)("%s is refused by name", (_, change, reason) => {
    const result = verify(change(small()));
    expect(result).toMatchObject({ ok: false, code: "BAD_GRAPH" });
    if (!result.ok) expect(result.message).toMatch(reason);
  });
});

describe("evaluation", () => {
  const x = tensorOf({ dtype: "f32", shape: [1, 1, 2, 2] }, [1, -2, 3, -4]);

  test("gives the outputs alone, or everything on request", () => {
    const inputs = new Map([["x", x]]);
    const outputs = evaluate(small(), inputs);
    expect([...outputs.keys()]).toEqual(["y"]);
    expect(numbers(outputs.get("y"))).toEqual([3, -2, 9, -4]);
    const all = evaluate(small(), inputs, { keepAll: true });
    expect(numbers(all.get("c"))).toEqual([2, 0, 6, 0]);
  });

  test("shows every computed value to an observer, in order", () => {
    const seen: string[] = [];
    evaluate(small(), new Map([["x", x]]), { observe: (name) => seen.push(name) });
    expect(seen).toEqual(["x", "c", "y"]);
  });

  test("an input of another shape is a bug of the caller", () => {
    const wrong = tensorOf({ dtype: "f32", shape: [4] }, [1, 2, 3, 4]);
    expect(() => evaluate(small(), new Map([["x", wrong]]))).toThrow(/input x is f32/);
  });
});

test("readers are counted once, multiply-accumulates as networks are compared by", () => {
  expect(
    consumersOf(small())
      .get("x")
      ?.map((node) => node.name),
  ).toEqual(["c", "y"]);
  expect(multiplyAccumulates(small())).toBe(4);
});

describe("the text form", () => {
  test("reads like this", () => {
    expect(print(small())).toBe(
      [
        'graph "small" {',
        "  input x: f32[1,1,2,2]",
        "  constant w: f32[1,1,1,1] = [2]",
        "  c = conv(x, w) {clamp_min=0} -> c: f32[1,1,2,2]",
        "  y = add(c, x) -> y: f32[1,1,2,2]",
        "  output y",
        "}",
        "",
      ].join("\n"),
    );
  });

  const name = fc.oneof(
    fc.string({ minLength: 1 }),
    fc.constantFrom("input", "output", "_", "a:0", "x.1/y"),
  );
  const number = fc.float({ noNaN: true }).map((value) => Math.fround(value));
  const dtype = fc.constantFrom<DType>("f32", "i8", "u8", "i32", "i64", "bool", "f16");

  test("what is printed parses to the same text, whatever the names and numbers", () => {
    const graphs = fc.record({
      names: fc.uniqueArray(name, { minLength: 5, maxLength: 5 }),
      values: fc.array(number, { minLength: 1, maxLength: 40 }),
      bounds: fc.tuple(number, number),
      dtype,
    });
    property(graphs, ({ names, values, bounds, dtype: kind }) => {
      const [a = "", b = "", c = "", d = "", title = ""] = names;
      const builder = graphBuilder(title);
      builder.input(a, { dtype: "f32", shape: [values.length] });
      builder.constant(b, tensorOf({ dtype: "f32", shape: [values.length] }, values));
      builder.constant(c, tensorOf({ dtype: kind, shape: [2, 1] }, [1, 0]));
      const [low, high] = bounds;
      const attributes = { clamp_min: low, clamp_max: high };
      builder.node({ op: "add", name: d, inputs: [a, b], attributes });
      const graph = builder.finish([d, c]);
      for (const constants of ["digest", "bytes"] as const) {
        const text = print(graph, { constants });
        const parsed = parse(text, { constants: graph.constants.values() });
        if (!parsed.ok) throw new Error(`${parsed.message}\n${text}`);
        expect(print(parsed.value, { constants })).toBe(text);
        expect(parsed.value.constants.get(b)?.data).toEqual(graph.constants.get(b)?.data);
      }
    });
  });

  test("encodings, texts and absent inputs survive", () => {
    const builder = graphBuilder("q");
    const quantization = { scales: [0.5], zeroPoints: [-3] };
    builder.input("x", { dtype: "i8", shape: [1, 1, 1, 2], quantization });
    const perChannel = { scales: [0.25, 0.125], zeroPoints: [0, 0], axis: 0 };
    const type = { dtype: "i8" as const, shape: [2, 1, 1, 1], quantization: perChannel };
    builder.constant("w", tensorOf(type, [1, 2]));
    builder.node({ op: "conv", name: "c", inputs: ["x", "w", ""], quantization });
    const text = print(builder.finish(["c"]));
    expect(text).toContain("i8[2,1,1,1] {0.25 @ 0, 0.125 @ 0 along 0}");
    const parsed = parse(text);
    if (!parsed.ok) throw new Error(parsed.message);
    expect(print(parsed.value)).toBe(text);
  });

  test("cut-off text ends in an error with a line, never in a crash", () => {
    const text = print(small());
    for (let length = 0; length < text.length - 2; length++) {
      expect(parse(text.slice(0, length))).toMatchObject({ ok: false, code: "BAD_TEXT" });
    }
    const unknown = parse('graph "g" {\n  constant w: f32[20] = digest "00"\n}');
    expect(unknown).toMatchObject({ ok: false, details: { line: 2 } });
  });
});
