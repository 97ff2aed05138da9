/** Small float graphs of operators that the HTP has, at shapes that fill no crouton: a seed gives one. */
import { graphBuilder, tensorFrom } from "../../compiler/ir/index.ts";
import type { Attribute, Graph } from "../../compiler/ir/index.ts";
import { present } from "../../protocol/base/assert.ts";
import { product } from "../../protocol/base/integers.ts";
import type { Random } from "../../protocol/base/random.ts";

type Attributes = Readonly<Record<string, Attribute>>;

/** A graph in the making. Images are [n, channels, height, width], tokens [1, count, channels]. */
interface Draft {
  readonly random: Random;
  shapeOf(value: string): readonly number[];
  constant(shape: readonly number[], reach?: number): string;
  node(op: string, inputs: readonly string[], attributes?: Attributes): string;
  /** A value of that shape: one that is there already, or a new input. */
  another(shape: readonly number[]): string;
}

/** Adds an operator behind a value; gives the value itself where it does not fit. */
type Step = (draft: Draft, value: string) => string;

const NODES_MAX = 6;
const ELEMENTS_MAX = 40_000;

export function randomGraph(random: Random): Graph {
  const { draft, finish } = startDraft(random);
  let value = draft.another(random.below(5) === 0 ? tokenShape(random) : imageShape(random));
  const count = 1 + random.below(NODES_MAX);
  for (let step = 0; step < count; step++) {
    const steps = draft.shapeOf(value).length === 4 ? IMAGE_STEPS : TOKEN_STEPS;
    const next = present(pick(random, steps), "a step")(draft, value);
    if (product(draft.shapeOf(next)) <= ELEMENTS_MAX) value = next;
  }
  return finish(value);
}

function startDraft(random: Random) {
  const builder = graphBuilder("random");
  const values: string[] = [];
  let [nodeCount, count] = [0, 0];
  const draft: Draft = {
    random,
    shapeOf: (value) => builder.typeOf(value).shape,
    constant: (shape, reach = 1 / Math.sqrt(product(shape.slice(1)))) =>
      builder.constant(
        `c${count++}`,
        tensorFrom({ dtype: "f32", shape }, () => random.normal() * reach),
      ),
    node: (op, inputs, attributes = {}) => {
      nodeCount++;
      const value = builder.node({ op, name: `${op}${count++}`, inputs, attributes });
      values.push(value);
      return value;
    },
    another: (shape) => {
      const same = values.filter((value) => String(draft.shapeOf(value)) === String(shape));
      const known = random.below(2) === 0 ? pick(random, same) : undefined;
      if (known !== undefined) return known;
      const input = builder.input(`x${count++}`, { dtype: "f32", shape });
      values.push(input);
      return input;
    },
  };
  const finish = (last: string): Graph => {
    const output = nodeCount === 0 ? draft.node("relu", [last]) : last;
    return builder.finish([output]);
  };
  return { draft, finish };
}

function pick<T>(random: Random, of: readonly T[]): T | undefined {
  return of[random.below(of.length)];
}

function between(random: Random, low: number, high: number): number {
  return low + random.below(high - low + 1);
}

/** Odd counts, counts around a channel tile of 32, and several tiles. */
function channelCount(random: Random): number {
  const around = 32 * between(random, 1, 3) + between(random, -2, 2);
  return pick(random, [between(random, 1, 20), around, between(random, 1, 130)]) ?? 1;
}

function imageShape(random: Random): readonly number[] {
  const batch = random.below(40) === 0 ? 2 : 1;
  return [batch, channelCount(random), between(random, 1, 21), between(random, 1, 21)];
}

function tokenShape(random: Random): readonly number[] {
  return [1, between(random, 1, 70), channelCount(random)];
}

/** A window that fits into the padded image. */
function window(random: Random, sizes: readonly number[], kernelMax: number) {
  const axes = sizes.map((size) => {
    const wanted = between(random, 1, kernelMax);
    const [before, after] = [random.below(wanted), random.below(wanted)];
    const room = size + before + after;
    const kernel = Math.min(wanted, room);
    const dilationMax = kernel === 1 ? 1 : Math.floor((room - 1) / (kernel - 1));
    const dilation = random.below(3) === 0 ? between(random, 1, Math.min(3, dilationMax)) : 1;
    return { kernel, before, after, dilation, stride: between(random, 1, 3) };
  });
  const all = (key: keyof (typeof axes)[number]): number[] => axes.map((axis) => axis[key]);
  const pads = [...all("before"), ...all("after")];
  return { kernel: all("kernel"), pads, strides: all("stride"), dilations: all("dilation") };
}

function clamp(random: Random): Attributes {
  const [min, max] = [-random.uniform(), random.uniform() * 2];
  return pick(random, [{}, { clamp_min: 0 }, { clamp_min: min, clamp_max: max }]) ?? {};
}

function divisorsOf(count: number): readonly number[] {
  return Array.from({ length: count }, (_, index) => index + 1).filter((n) => count % n === 0);
}

const conv: Step = ({ random, shapeOf, constant, node }, value) => {
  const [, channels = 1, ...sizes] = shapeOf(value);
  const { kernel, ...attributes } = window(random, sizes, pick(random, [1, 3, 5, 9]) ?? 3);
  const groups = pick(random, [1, 1, channels, pick(random, divisorsOf(channels)) ?? 1]) ?? 1;
  const out = groups === 1 ? channelCount(random) : groups * between(random, 1, 3);
  const weights = constant([out, channels / groups, ...kernel]);
  const bias = random.below(3) === 0 ? [] : [constant([out])];
  return node("conv", [value, weights, ...bias], {
    ...{ ...attributes, ...clamp(random), group: groups },
  });
};

/** Windows that tile the output, as the HTP has them, and now and then any others. */
const convTranspose: Step = ({ random, shapeOf, constant, node }, value) => {
  const [, channels = 1] = shapeOf(value);
  const [out, kernel] = [channelCount(random), between(random, 1, 4)];
  const weights = constant([channels, out, kernel, kernel], 1 / Math.sqrt(channels));
  const stride = random.below(6) === 0 ? between(random, 1, 3) : kernel;
  const attributes = { strides: [stride, stride], ...clamp(random) };
  return node("conv_transpose", [value, weights, constant([out])], attributes);
};

const pool: Step = ({ random, shapeOf, node }, value) => {
  const { kernel, pads, strides } = window(random, shapeOf(value).slice(2), 5);
  if (random.below(2) === 0) return node("max_pool", [value], { kernel, pads, strides });
  return node("average_pool", [value], { kernel, pads, strides, count_include_pad: 1 });
};

const globalPool: Step = ({ node }, value) => node("global_average_pool", [value]);

const pair: Step = ({ random, shapeOf, constant, node, another }, value) => {
  const shape = shapeOf(value);
  const [batch = 1, channels = 1] = shape;
  const pixel = shape.length === 4 ? [batch, channels, 1, 1] : shape;
  const other = random.below(3);
  const operand = other === 0 ? another(shape) : other === 1 ? another(pixel) : constant(pixel, 1);
  return node(pick(random, ["add", "sub", "mul"]) ?? "add", [value, operand]);
};

/** None with a pole: of values beyond all bounds no range can be calibrated. */
const FUNCTIONS = [
  ...["relu", "sigmoid", "hard_sigmoid", "hard_swish", "tanh", "exp", "gelu", "abs", "neg"],
];

const elementary: Step = ({ random, node }, value) =>
  node(pick(random, FUNCTIONS) ?? "relu", [value]);

const concat: Step = ({ random, shapeOf, node, another }, value) => {
  const shape = shapeOf(value);
  const axis =
    random.below(3) === 0 ? between(random, 1, shape.length - 1) : shape.length === 4 ? 1 : 2;
  const size = axis === 1 && shape.length === 4 ? channelCount(random) : between(random, 1, 9);
  const other = another(shape.map((own, at) => (at === axis ? size : own)));
  return node("concat", random.below(2) === 0 ? [value, other] : [other, value], { axis });
};

const slice: Step = ({ random, shapeOf, node }, value) => {
  const cuts = shapeOf(value).map((size, axis) => {
    if (axis === 0 || random.below(2) === 0) return { start: 0, end: size, step: 1 };
    const start = random.below(size);
    return { start, end: between(random, start + 1, size), step: between(random, 1, 2) };
  });
  const starts = cuts.map(({ start }) => start);
  const ends = cuts.map(({ end }) => end);
  return node("slice", [value], { starts, ends, steps: cuts.map(({ step }) => step) });
};

const pad: Step = ({ random, shapeOf, node }, value) => {
  const side = (): number[] => shapeOf(value).map((_, axis) => (axis < 2 ? 0 : random.below(4)));
  return node("pad", [value], { before: side(), after: side() });
};

const resize: Step = ({ random, shapeOf, node }, value) => {
  const [, , height = 1, width = 1] = shapeOf(value);
  const scales = [between(random, 1, 4), between(random, 1, 4)];
  const sizes = [height * (scales[0] ?? 1), width * (scales[1] ?? 1)];
  if (random.below(2) === 0) {
    return node("resize", [value], { sizes, scales, coordinates: "asymmetric", nearest: "floor" });
  }
  const coordinates = pick(random, ["half_pixel", "align_corners", "asymmetric"]) ?? "half_pixel";
  return node("resize", [value], { sizes, scales, mode: "linear", coordinates });
};

const shuffle: Step = ({ random, shapeOf, node }, value) => {
  const [batch = 1, channels = 1, height = 1, width = 1] = shapeOf(value);
  const groups = pick(random, divisorsOf(channels)) ?? 1;
  const split = [batch, groups, channels / groups, height, width];
  const parts = node("reshape", [value], { shape: split });
  const turned = node("transpose", [parts], { perm: [0, 2, 1, 3, 4] });
  return node("reshape", [turned], { shape: [batch, channels, height, width] });
};

const toTokens: Step = ({ shapeOf, node }, value) => {
  const [batch = 1, channels = 1, height = 1, width = 1] = shapeOf(value);
  if (batch !== 1) return value;
  const rows = node("reshape", [value], { shape: [1, channels, height * width] });
  return node("transpose", [rows], { perm: [0, 2, 1] });
};

const linear: Step = ({ random, shapeOf, constant, node }, value) => {
  const depth = shapeOf(value).at(-1) ?? 1;
  const columns = channelCount(random);
  const weights = constant([depth, columns], 1 / Math.sqrt(depth));
  return node("matmul", [value, weights, constant([columns])], clamp(random));
};

const norm: Step = ({ shapeOf, constant, node }, value) => {
  const channels = shapeOf(value).at(-1) ?? 1;
  return node("layer_norm", [value, constant([channels], 1), constant([channels], 1)]);
};

const softmax: Step = ({ node }, value) => node("softmax", [value], { axis: -1 });

/** Every token with every other, in heads where the channels divide. */
const attention: Step = ({ random, shapeOf, node }, value) => {
  const [, count = 1, channels = 1] = shapeOf(value);
  const heads =
    pick(
      random,
      divisorsOf(channels).filter((n) => n <= 4),
    ) ?? 1;
  const split = node("reshape", [value], { shape: [1, count, heads, channels / heads] });
  const turned = (perm: readonly number[]): string => node("transpose", [split], { perm });
  const scores = node("matmul", [turned([0, 2, 1, 3]), turned([0, 2, 3, 1])]);
  const shares = node("softmax", [scores], { axis: -1 });
  const mixed = node("matmul", [shares, turned([0, 2, 1, 3])]);
  const back = node("transpose", [mixed], { perm: [0, 2, 1, 3] });
  return node("reshape", [back], { shape: [1, count, channels] });
};

const IMAGE_STEPS: readonly Step[] = [
  ...[conv, conv, conv, conv, convTranspose, pool, pool, globalPool, pair, pair],
  ...[elementary, concat, concat, slice, pad, resize, shuffle, toTokens],
];

const TOKEN_STEPS: readonly Step[] = [
  ...[linear, linear, norm, softmax, attention, pair, elementary, concat, slice],
];
