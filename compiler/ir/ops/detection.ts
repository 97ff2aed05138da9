/** Choosing boxes: non-maximum suppression. */
import type { Tensor, TensorType } from "../graph.ts";
import { inputTensor, inputType, numberAttribute, requireThat, whole } from "../operator.ts";
import type { EvaluationCall, Operator } from "../operator.ts";
import { numeric, tensorFrom } from "../tensor.ts";

// Bound once: a lookup on the global object costs more than the operation in some hosts.
const { max, min } = Math;

export const DETECTION_OPS = {
  non_max_suppression: {
    docs: "Rows (batch, class, box) of the best boxes of every class that overlap no better one by more than the threshold.",
    inputs: [2, 5],
    attributes: {
      /** 1: boxes are (centre x, centre y, width, height); 0: two opposite corners (y, x, y, x). */
      center: numberAttribute(0),
    },
    infer: (call) => {
      const [boxes, scores] = [inputType(call, 0).shape, inputType(call, 1).shape];
      const fits = boxes.length === 3 && boxes[2] === 4 && scores.length === 3;
      requireThat(fits && scores[2] === boxes[1], "boxes are [N,B,4], scores [N,C,B]");
      return [{ kind: "tensor", dtype: "i64", dims: [undefined, 3] }];
    },
    evaluator: whole(evaluateSuppression),
    quantized: "none",
  },
} as const satisfies Record<string, Operator>;

function scalar(call: EvaluationCall, position: number): number | undefined {
  const input = call.inputs[position];
  return input === undefined ? undefined : numeric(input)[0];
}

function evaluateSuppression(call: EvaluationCall): readonly Tensor[] {
  const [boxes, scores] = [numeric(inputTensor(call, 0)), numeric(inputTensor(call, 1))];
  const [batches = 0, classes = 0, count = 0] = inputTensor(call, 1).type.shape;
  const most = scalar(call, 2) ?? 0;
  const [overlapMax, scoreMin] = [scalar(call, 3) ?? 0, scalar(call, 4) ?? -Infinity];
  const center = call.attributes.number("center") !== 0;
  const rows: number[] = [];
  for (let batch = 0; batch < batches; batch++) {
    const corners = Array.from({ length: count }, (_, box) =>
      cornersOf(boxes.subarray((batch * count + box) * 4), center),
    );
    for (let kind = 0; kind < classes; kind++) {
      const from = (batch * classes + kind) * count;
      const score = (box: number): number => scores[from + box] ?? 0;
      const chosen = suppressed(corners, { score, most, overlapMax, scoreMin });
      for (const box of chosen) rows.push(batch, kind, box);
    }
  }
  const type: TensorType = { dtype: "i64", shape: [rows.length / 3, 3] };
  return [tensorFrom(type, (index) => rows[index] ?? 0)];
}

/** Top, left, bottom, right. */
type Corners = readonly [number, number, number, number];

function cornersOf(box: ArrayLike<number>, center: boolean): Corners {
  const [a = 0, b = 0, c = 0, d = 0] = [box[0], box[1], box[2], box[3]];
  if (center) return [b - d / 2, a - c / 2, b + d / 2, a + c / 2];
  return [min(a, c), min(b, d), max(a, c), max(b, d)];
}

interface Suppression {
  readonly score: (box: number) => number;
  readonly most: number;
  readonly overlapMax: number;
  readonly scoreMin: number;
}

/** Best first; a box is dropped when it overlaps one that was chosen. */
function suppressed(corners: readonly Corners[], rule: Suppression): readonly number[] {
  const { score, most, overlapMax, scoreMin } = rule;
  const order = [...corners.keys()].filter((box) => score(box) > scoreMin);
  order.sort((a, b) => score(b) - score(a) || a - b);
  const chosen: number[] = [];
  for (const box of order) {
    if (chosen.length >= most) break;
    const own = corners[box];
    const clashes = chosen.some((other) => {
      const better = corners[other];
      return own !== undefined && better !== undefined && overlap(own, better) > overlapMax;
    });
    if (!clashes) chosen.push(box);
  }
  return chosen;
}

/** Intersection over union. */
function overlap(a: Corners, b: Corners): number {
  const high = max(0, min(a[2], b[2]) - max(a[0], b[0]));
  const wide = max(0, min(a[3], b[3]) - max(a[1], b[1]));
  const area = (box: Corners): number => (box[2] - box[0]) * (box[3] - box[1]);
  const union = area(a) + area(b) - high * wide;
  return union <= 0 ? 0 : (high * wide) / union;
}
