/** Cases of operators on stored integers and on texts. */
import { textTensor } from "../../../../compiler/ir/index.ts";
import { f32, of } from "./op-case.ts";
import type { Case } from "./op-case.ts";

const scale = (value: number) => f32([], [value]);
const zero = (value: number) => of("u8", [], [value]);
const [X, ONE, NONE] = [of("u8", [1, 2], [11, 13]), scale(1), zero(0)];
/** Of x above: real values 1 and 3. */
const ENCODED = [X, ONE, zero(10)] as const;
const TO_HALVES = [scale(0.5), zero(100)] as const;

export const STORED_CASES: readonly Case[] = [
  {
    op: "matmul_integer",
    inputs: [X, of("u8", [2, 1], [2, 3]), zero(10), zero(1)],
    shape: [1, 1],
    values: [7],
  },
  {
    op: "qlinear_matmul",
    inputs: [...ENCODED, of("u8", [2, 1], [2, 3]), ONE, zero(1), ...TO_HALVES],
    shape: [1, 1],
    values: [114],
  },
  {
    op: "conv_integer",
    inputs: [of("u8", [1, 1, 1, 2], [11, 13]), of("u8", [1, 1, 1, 2], [2, 3]), zero(10), zero(1)],
    shape: [1, 1, 1, 1],
    values: [7],
  },
  {
    op: "qlinear_conv",
    inputs: [
      ...[of("u8", [1, 1, 1, 2], [11, 13]), ONE, zero(10)],
      ...[of("u8", [1, 1, 1, 2], [2, 3]), f32([1], [1]), of("u8", [1], [1])],
      ...[...TO_HALVES, of("i32", [1], [-2])],
    ],
    shape: [1, 1, 1, 1],
    values: [110],
  },
  {
    op: "qlinear_gemm",
    inputs: [
      ...ENCODED,
      of("u8", [1, 2], [2, 3]),
      ONE,
      zero(1),
      of("i32", [1], [-2]),
      ...TO_HALVES,
    ],
    attributes: { transpose_b: 1 },
    shape: [1, 1],
    values: [110],
  },
  { op: "dynamic_quantize", inputs: [f32([3], [0, 1, 255])], shape: [3], values: [0, 1, 255] },
  {
    op: "qlinear_add",
    inputs: [...ENCODED, X, ONE, zero(11), ...TO_HALVES],
    shape: [1, 2],
    values: [102, 110],
  },
  {
    op: "qlinear_mul",
    inputs: [...ENCODED, X, ONE, zero(11), ...TO_HALVES],
    shape: [1, 2],
    values: [100, 112],
  },
  {
    op: "qlinear_sigmoid",
    inputs: [...ENCODED, scale(0.01), NONE],
    shape: [1, 2],
    values: [73, 95],
  },
  {
    op: "qlinear_leaky_relu",
    inputs: [X, ONE, zero(13), ...TO_HALVES],
    attributes: { alpha: 0.5 },
    shape: [1, 2],
    values: [98, 100],
  },
  {
    op: "qlinear_concat",
    inputs: [...TO_HALVES, ...ENCODED, X, ...TO_HALVES],
    attributes: { axis: 1 },
    shape: [1, 4],
    values: [102, 106, 11, 13],
  },
  {
    op: "qlinear_average_pool",
    inputs: [of("u8", [1, 1, 2], [11, 13]), ONE, zero(10), ...TO_HALVES],
    attributes: { kernel: [2] },
    shape: [1, 1, 1],
    values: [104],
  },
  {
    op: "qlinear_mean",
    inputs: [...ENCODED, ...TO_HALVES],
    attributes: { axes: [1] },
    shape: [1, 1],
    values: [104],
  },
  {
    op: "qlinear_softmax",
    inputs: [of("u8", [1, 2], [7, 7]), ONE, NONE, scale(1 / 256), NONE],
    shape: [1, 2],
    values: [128, 128],
  },
];

const WORDS = textTensor([2], ["ab c", "d"]);

export const TEXT_CASES: readonly Case[] = [
  {
    op: "string_concat",
    inputs: [WORDS, textTensor([], ["!"])],
    shape: [2],
    values: ["ab c!", "d!"],
  },
  { op: "string_split", inputs: [WORDS], shape: [2, 2], values: ["ab", "c", "d", ""] },
  {
    op: "regex_full_match",
    inputs: [WORDS],
    attributes: { pattern: "[a-z]" },
    shape: [2],
    values: [0, 1],
  },
  {
    op: "string_normalize",
    inputs: [WORDS],
    attributes: { case_change: "UPPER", stopwords: ["D"] },
    shape: [1],
    values: ["AB C"],
  },
  {
    op: "ngram_counts",
    inputs: [of("i64", [4], [1, 2, 1, 2]), of("i64", [3], [1, 1, 2])],
    attributes: { shortest: 1, longest: 2, starts: [0, 1], columns: [0, 1] },
    shape: [2],
    values: [2, 2],
  },
];
