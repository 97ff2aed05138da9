/** Each pass on a graph that shows what it does, and on one that it must leave alone. */
import { describe, expect, test } from "@jest/globals";
import {
  evaluate,
  numberList,
  parse,
  print,
  tensorFrom,
  verify,
} from "../../../../compiler/ir/index.ts";
import type { Graph } from "../../../../compiler/ir/index.ts";
import * as passes from "../../../../compiler/passes/index.ts";
import type { Pass } from "../../../../compiler/passes/index.ts";
import { seededRandom } from "../../../../protocol/base/random.ts";

function graphOf(lines: string): Graph {
  const parsed = parse(`graph "g" {\n${lines}\n}`);
  if (!parsed.ok) throw new Error(`${parsed.message}\n${lines}`);
  return parsed.value;
}

/** Node lines of the printed graph, trimmed. */
function nodesOf(graph: Graph): string[] {
  return print(graph)
    .split("\n")
    .map((line) => line.trim())
    .filter((line) => line.includes("->"));
}

interface Case {
  readonly pass: Pass;
  readonly before: string;
  readonly after: readonly string[];
}

/** The pass leaves these nodes, a valid graph, the original untouched, and the same results. */
function check({ pass, before, after }: Case): void {
  const graph = graphOf(before);
  const text = print(graph);
  const result = pass.run(graph);
  expect(nodesOf(result)).toEqual(after);
  expect(verify(result)).toMatchObject({ ok: true });
  expect(print(graph)).toBe(text);
  expect([result.inputs, result.outputs]).toEqual([graph.inputs, graph.outputs]);
  const [was, is] = [resultsOf(graph), resultsOf(result)];
  for (const [index, value] of was.entries()) expect(is[index]).toBeCloseTo(value, 4);
}

function resultsOf(graph: Graph): number[] {
  const random = seededRandom(7);
  const inputs = graph.inputs.map((name) => {
    const type = graph.types.get(name) ?? { dtype: "f32", shape: [] };
    return [name, tensorFrom(type, () => random.normal())] as const;
  });
  return [...evaluate(graph, new Map(inputs)).values()].flatMap(numberList);
}

const NORM = `
  constant gamma: f32[2] = [2, 0.5]
  constant beta: f32[2] = [1, -1]
  constant mean: f32[2] = [0.5, 0]
  constant variance: f32[2] = [4, 0.25]`;

const CASES: Readonly<Record<string, Case>> = {
  "fold-constants computes what depends on no input": {
    pass: passes.foldConstants,
    before: `
      input x: f32[2]
      constant a: f32[2] = [1, 4]
      b = sqrt(a) -> b: f32[2]
      c = add(b, a) -> c: f32[2]
      y = mul(x, c) -> y: f32[2]
      output y`,
    after: ["y = mul(x, c) -> y: f32[2]"],
  },
  "simplify drops what changes nothing and merges reshapes": {
    pass: passes.simplify,
    before: `
      input x: f32[2,3]
      a = identity(x) -> a: f32[2,3]
      b = reshape(a) {shape=[3,2]} -> b: f32[3,2]
      c = reshape(b) {shape=[6]} -> c: f32[6]
      d = transpose(c) {perm=[0]} -> d: f32[6]
      e = relu(d) -> e: f32[6]
      f = cast(e) {to="f32"} -> f: f32[6]
      output f`,
    after: [
      "b = reshape(x) {shape=[3,2]} -> b: f32[3,2]",
      "c = reshape(x) {shape=[6]} -> c: f32[6]",
      "e = relu(c) -> f: f32[6]",
    ],
  },
  "simplify keeps a reversal and an input that is an output": {
    pass: passes.simplify,
    before: `
      input x: f32[3]
      a = slice(x) {ends=[-4], starts=[2], steps=[-1]} -> a: f32[3]
      y = identity(x) -> y: f32[3]
      output a
      output y`,
    after: [
      "a = slice(x) {ends=[-4], starts=[2], steps=[-1]} -> a: f32[3]",
      "y = identity(x) -> y: f32[3]",
    ],
  },
  "simplify gives zeros around an image to the convolution": {
    pass: passes.simplify,
    before: `
      input x: f32[1,1,3,3]
      constant w: f32[1,1,2,2] = [1, 2, 3, 4]
      p = pad(x) {after=[0,0,1,2], before=[0,0,0,1]} -> p: f32[1,1,4,6]
      y = conv(p, w) {pads=[1,0,0,0]} -> y: f32[1,1,4,5]
      output y`,
    after: ["y = conv(x, w) {pads=[1,1,1,2]} -> y: f32[1,1,4,5]"],
  },
  "simplify gives zeros around an image to a convolution without any of its own": {
    pass: passes.simplify,
    before: `
      input x: f32[1,1,3,3]
      constant zero: f32[] = [0]
      constant w: f32[1,1,2,2] = [1, 2, 3, 4]
      p = pad(x, zero) {after=[0,0,1,2], before=[0,0,0,1]} -> p: f32[1,1,4,6]
      y = conv(p, w) -> y: f32[1,1,3,5]
      output y`,
    after: ["y = conv(x, w) {pads=[0,1,1,2]} -> y: f32[1,1,3,5]"],
  },
  "simplify leaves a pad whose fill is computed": {
    pass: passes.simplify,
    before: `
      input x: f32[1,1,3,3]
      input fill: f32[]
      constant w: f32[1,1,2,2] = [1, 2, 3, 4]
      p = pad(x, fill) {after=[0,0,1,2], before=[0,0,0,1]} -> p: f32[1,1,4,6]
      y = conv(p, w) -> y: f32[1,1,3,5]
      output y`,
    after: [
      "p = pad(x, fill) {after=[0,0,1,2], before=[0,0,0,1]} -> p: f32[1,1,4,6]",
      "y = conv(p, w) -> y: f32[1,1,3,5]",
    ],
  },
  "simplify turns a mean over both spatial axes into a pool": {
    pass: passes.simplify,
    before: `
      input x: f32[1,2,3,3]
      y = reduce_mean(x) {axes=[2,-1], keepdims=0} -> y: f32[1,2]
      output y`,
    after: [
      '"y/pool" = global_average_pool(x) -> "y/pool": f32[1,2,1,1]'.replaceAll('"', ""),
      "y = reshape(y/pool) {shape=[1,2]} -> y: f32[1,2]",
    ],
  },
  "lower-gemm transposes, scales and adds at compile time": {
    pass: passes.lowerGemm,
    before: `
      input x: f32[1,2]
      constant w: f32[3,2] = [1, 2, 3, 4, 5, 6]
      constant c: f32[1,3] = [1, 2, 3]
      y = gemm(x, w, c) {alpha=2, beta=0.5, transpose_b=1} -> y: f32[1,3]
      output y`,
    after: ["y = matmul(x, w/transposed/scaled, c/scaled/bias) -> y: f32[1,3]"],
  },
  "lower-gemm spells out what is not constant": {
    pass: passes.lowerGemm,
    before: `
      input x: f32[2,2]
      input c: f32[2,1]
      constant w: f32[2,1] = [1, 2]
      y = gemm(x, w, c) {transpose_a=1} -> y: f32[2,1]
      output y`,
    after: [
      "y/transposed = transpose(x) {perm=[1,0]} -> y/transposed: f32[2,2]",
      "y/product = matmul(y/transposed, w) -> y/product: f32[2,1]",
      "y = add(y/product, c) -> y: f32[2,1]",
    ],
  },
  "fold-batch-norm scales the weights and moves the bias": {
    pass: passes.foldBatchNorm,
    before: `
      input x: f32[1,1,2,2]
      constant w: f32[2,1,1,1] = [3, -1]
      constant b: f32[2] = [1, 2]${NORM}
      c = conv(x, w, b) -> c: f32[1,2,2,2]
      n = batch_norm(c, gamma, beta, mean, variance) {epsilon=0.01} -> n: f32[1,2,2,2]
      output n`,
    after: ["c = conv(x, c/weights, c/bias) -> n: f32[1,2,2,2]"],
  },
  "fold-batch-norm spells out one that no convolution feeds alone": {
    pass: passes.foldBatchNorm,
    before: `
      input x: f32[1,1,2,2]
      constant w: f32[2,1,1,1] = [3, -1]${NORM}
      c = conv(x, w) -> c: f32[1,2,2,2]
      n = batch_norm(c, gamma, beta, mean, variance) -> n: f32[1,2,2,2]
      y = add(n, c) -> y: f32[1,2,2,2]
      output y`,
    after: [
      "c = conv(x, w) -> c: f32[1,2,2,2]",
      "n/scaled = mul(c, n/scale) -> n/scaled: f32[1,2,2,2]",
      "n = add(n/scaled, n/shift) -> n: f32[1,2,2,2]",
      "y = add(n, c) -> y: f32[1,2,2,2]",
    ],
  },
  "fold-affine takes a whole chain, per channel and scalar, in groups and transposed": {
    pass: passes.foldAffine,
    before: `
      input x: f32[1,2,2,2]
      constant w: f32[2,2,2,1] = [1, 2, 3, 4, 5, 6, 7, 8]
      constant s: f32[4,1,1] = [1, 2, -3, 4]
      constant half: f32[] = [0.5]
      c = conv_transpose(x, w) {group=2} -> c: f32[1,4,3,2]
      m = mul(s, c) -> m: f32[1,4,3,2]
      a = sub(m, half) -> a: f32[1,4,3,2]
      y = div(a, half) -> y: f32[1,4,3,2]
      output y`,
    after: ["c = conv_transpose(x, c/weights.2, c/bias.3) {group=2} -> y: f32[1,4,3,2]"],
  },
  "fold-affine gives a matrix product its bias": {
    pass: passes.foldAffine,
    before: `
      input x: f32[1,2]
      constant w: f32[2,2] = [1, 2, 3, 4]
      constant b: f32[2] = [5, -6]
      m = matmul(x, w) -> m: f32[1,2]
      y = add(m, b) -> y: f32[1,2]
      output y`,
    after: ["m = matmul(x, w, m/bias) -> y: f32[1,2]"],
  },
  "fold-affine leaves operands that enlarge the value or vary over the image": {
    pass: passes.foldAffine,
    before: `
      input x: f32[1,1,1,2]
      constant w: f32[2,1,1,1] = [1, 2]
      constant wide: f32[2,1,1,1] = [1, 2]
      constant row: f32[2] = [1, 2]
      c = conv(x, w) -> c: f32[1,2,1,2]
      d = conv(x, w) -> d: f32[1,2,1,2]
      y = add(c, wide) -> y: f32[2,2,1,2]
      z = add(d, row) -> z: f32[1,2,1,2]
      output y
      output z`,
    after: [
      "c = conv(x, w) -> c: f32[1,2,1,2]",
      "d = conv(x, w) -> d: f32[1,2,1,2]",
      "y = add(c, wide) -> y: f32[2,2,1,2]",
      "z = add(d, row) -> z: f32[1,2,1,2]",
    ],
  },
  "fuse-clamp narrows the clamp of what writes the value": {
    pass: passes.fuseClamp,
    before: `
      input x: f32[1,1,2,2]
      constant w: f32[1,1,1,1] = [3]
      c = conv(x, w) -> c: f32[1,1,2,2]
      r = relu(c) -> r: f32[1,1,2,2]
      l = clip(r) {max=2, min=-1} -> l: f32[1,1,2,2]
      a = add(l, x) -> a: f32[1,1,2,2]
      y = relu(a) -> y: f32[1,1,2,2]
      output y`,
    after: [
      "c = conv(x, w) {clamp_max=2, clamp_min=0} -> l: f32[1,1,2,2]",
      "a = add(l, x) {clamp_max=Infinity, clamp_min=0} -> y: f32[1,1,2,2]",
    ],
  },
  "fuse-clamp leaves a value that somebody else reads": {
    pass: passes.fuseClamp,
    before: `
      input x: f32[2]
      a = add(x, x) -> a: f32[2]
      r = relu(a) -> r: f32[2]
      y = mul(a, r) -> y: f32[2]
      output y`,
    after: ["a = add(x, x) -> a: f32[2]", "r = relu(a) -> r: f32[2]", "y = mul(a, r) -> y: f32[2]"],
  },
  "fuse-pointwise finds hard-swish and the affine map after it": {
    pass: passes.fusePointwise,
    before: `
      input x: f32[1,2]
      constant three: f32[] = [3]
      constant six: f32[1] = [6]
      constant two: f32[] = [2]
      a = add(x, three) -> a: f32[1,2]
      c = clip(a) {max=6, min=0} -> c: f32[1,2]
      m = mul(x, c) -> m: f32[1,2]
      d = div(m, six) -> d: f32[1,2]
      s = mul(two, d) -> s: f32[1,2]
      y = sub(s, three) -> y: f32[1,2]
      output y`,
    after: ['y = pointwise(x) {expr="((2*((x*max(min((x+3),6),0))/6))-3)"} -> y: f32[1,2]'],
  },
  "fuse-pointwise stops where a value has another reader or a second root": {
    pass: passes.fusePointwise,
    before: `
      input x: f32[2]
      input z: f32[2]
      constant k: f32[] = [2]
      a = mul(x, k) -> a: f32[2]
      b = exp(a) -> b: f32[2]
      c = add(a, z) -> c: f32[2]
      d = neg(c) -> d: f32[2]
      e = abs(d) -> e: f32[2]
      output b
      output e`,
    after: [
      'a = pointwise(x) {expr="(x*2)"} -> a: f32[2]',
      "b = exp(a) -> b: f32[2]",
      "c = add(a, z) -> c: f32[2]",
      'e = pointwise(c) {expr="abs(neg(x))"} -> e: f32[2]',
    ],
  },
  "eliminate-dead-code keeps what outputs need": {
    pass: passes.eliminateDeadCode,
    before: `
      input x: f32[2]
      constant unused: f32[] = [1]
      a = relu(x) -> a: f32[2]
      b = exp(a) -> b: f32[2]
      y = neg(a) -> y: f32[2]
      output y`,
    after: ["a = relu(x) -> a: f32[2]", "y = neg(a) -> y: f32[2]"],
  },
};

describe("passes", () => {
  test.each(Object.keys(CASES))("%s", (name) => {
    const each = CASES[name];
    if (each === undefined) throw new Error(name);
    check(each);
  });

  test("the pipeline reports the graph after every pass, in order", () => {
    const graph = graphOf("input x: f32[2]\n y = relu(x) -> y: f32[2]\n output y");
    const seen: string[] = [];
    passes.optimize(graph, passes.PASSES, { after: (name) => seen.push(name) });
    expect(seen).toEqual(passes.PASSES.map((pass) => pass.name));
    expect(passes.passesNamed(["fuse-clamp"])).toEqual([passes.fuseClamp]);
    expect(() => passes.passesNamed(["fuse-everything"])).toThrow(/fuse-everything/);
  });

  test("a pass that breaks the graph is named", () => {
    const graph = graphOf("input x: f32[2]\n y = relu(x) -> y: f32[2]\n output y");
    const broken: Pass = { name: "lose-nodes", run: (each) => ({ ...each, nodes: [] }) };
    expect(() => passes.optimize(graph, [broken])).toThrow(/lose-nodes left an invalid graph/);
  });
});
