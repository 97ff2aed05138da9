/** The last step of single-shot detectors: boxes from anchors, and the best of those that overlap. */
import * as math from "../../../protocol/base/math.ts";
import type { Tensor, TensorType } from "../graph.ts";
import {
  inputTensor,
  inputType,
  numberAttribute,
  numbersAttribute,
  requireThat,
  whole,
} from "../operator.ts";
import type { EvaluationCall, InferenceCall, Operator } from "../operator.ts";
import { numeric, tensorFrom } from "../tensor.ts";

// Bound once: a lookup on the global object costs more than the operation in some hosts.
const { fround, max, min } = Math;

export const ANCHORED_DETECTION_OPS = {
  anchored_detection: {
    docs: "Boxes [1,N,4+] as (y,x,h,w) about anchors [N,4], scores [1,N,classes], to the best boxes (ymin,xmin,ymax,xmax), classes, scores and their count; per class, or by every box's best class unless per_class.",
    inputs: [3, 3],
    attributes: {
      scales: numbersAttribute(),
      classes: numberAttribute(),
      detections: numberAttribute(),
      classes_per_detection: numberAttribute(1),
      detections_per_class: numberAttribute(100),
      per_class: numberAttribute(0),
      score_threshold: numberAttribute(0),
      overlap_threshold: numberAttribute(),
    },
    infer: inferDetection,
    evaluator: whole(evaluateDetection),
    quantized: "none",
  },
} as const satisfies Record<string, Operator>;

const DETECTIONS_MAX = 65_536;

function inferDetection(call: InferenceCall): readonly TensorType[] {
  const [boxes, scores, anchors] = [inputType(call, 0), inputType(call, 1), inputType(call, 2)];
  const [, count = 0, size = 0] = boxes.shape;
  requireThat(boxes.shape.length === 3 && boxes.shape[0] === 1 && size >= 4, "boxes are [1,N,4]");
  requireThat(scores.shape.length === 3 && scores.shape[1] === count, "as many scores as boxes");
  requireThat(anchors.shape[0] === count && anchors.shape[1] === 4, "as many anchors as boxes");
  const classes = call.attributes.number("classes");
  const background = (scores.shape[2] ?? 0) - classes;
  requireThat(background === 0 || background === 1, "scores do not fit the classes");
  const rows =
    call.attributes.number("detections") * call.attributes.number("classes_per_detection");
  requireThat(Number.isInteger(rows) && rows > 0 && rows <= DETECTIONS_MAX, "too many detections");
  requireThat(call.attributes.numbers("scales").length === 4, "scales are y, x, h, w");
  return [[1, rows, 4], [1, rows], [1, rows], [1]].map((shape) => ({ dtype: "f32", shape }));
}

interface Box {
  readonly top: number;
  readonly left: number;
  readonly bottom: number;
  readonly right: number;
}

function decodedBoxes(call: EvaluationCall): readonly Box[] {
  const [, count = 0, size = 4] = inputTensor(call, 0).type.shape;
  const [codes, anchors] = [numeric(inputTensor(call, 0)), numeric(inputTensor(call, 2))];
  const [scaleY = 1, scaleX = 1, scaleH = 1, scaleW = 1] = call.attributes.numbers("scales");
  return Array.from({ length: count }, (_, index) => {
    const [y = 0, x = 0, h = 0, w = 0] = codes.slice(index * size, index * size + 4);
    const [anchorY = 0, anchorX = 0, height = 0, width = 0] = anchors.slice(
      index * 4,
      index * 4 + 4,
    );
    const centerY = fround((y / scaleY) * height + anchorY);
    const centerX = fround((x / scaleX) * width + anchorX);
    const halfHeight = fround(0.5 * math.exp(h / scaleH) * height);
    const halfWidth = fround(0.5 * math.exp(w / scaleW) * width);
    return {
      top: fround(centerY - halfHeight),
      left: fround(centerX - halfWidth),
      bottom: fround(centerY + halfHeight),
      right: fround(centerX + halfWidth),
    };
  });
}

function overlap(a: Box, b: Box): number {
  const area = (box: Box): number =>
    fround(fround(box.bottom - box.top) * fround(box.right - box.left));
  const [areaA, areaB] = [area(a), area(b)];
  if (areaA <= 0 || areaB <= 0) return 0;
  const height = max(fround(min(a.bottom, b.bottom) - max(a.top, b.top)), 0);
  const width = max(fround(min(a.right, b.right) - max(a.left, b.left)), 0);
  const shared = fround(height * width);
  return fround(shared / fround(fround(areaA + areaB) - shared));
}

interface Found {
  readonly box: number;
  readonly kind: number;
  readonly score: number;
}

interface Selection {
  readonly boxes: readonly Box[];
  readonly scores: readonly number[];
  readonly most: number;
  readonly call: EvaluationCall;
}

/** Boxes in the order of their scores, without those that a better one overlaps too much. */
function selected({ boxes, scores, most, call }: Selection): readonly number[] {
  const threshold = fround(call.attributes.number("score_threshold"));
  const limit = fround(call.attributes.number("overlap_threshold"));
  const order = scores
    .map((_, index) => index)
    .filter((index) => (scores[index] ?? 0) >= threshold)
    .sort((a, b) => (scores[b] ?? 0) - (scores[a] ?? 0) || a - b);
  const kept: number[] = [];
  for (const candidate of order) {
    if (kept.length >= most) break;
    const box = boxes[candidate];
    const isFree = kept.every((better) => {
      const other = boxes[better];
      return box === undefined || other === undefined || !(overlap(other, box) > limit);
    });
    if (isFree) kept.push(candidate);
  }
  return kept;
}

function evaluateDetection(call: EvaluationCall): readonly Tensor[] {
  const boxes = decodedBoxes(call);
  const found =
    call.attributes.number("per_class") === 0 ? byBest(call, boxes) : byClass(call, boxes);
  const perDetection = call.attributes.number("classes_per_detection");
  const values = [
    (index: number) => {
      const box = boxes[found[Math.floor(index / 4)]?.box ?? -1];
      return box === undefined ? 0 : ([box.top, box.left, box.bottom, box.right][index % 4] ?? 0);
    },
    (index: number) => found[index]?.kind ?? 0,
    (index: number) => found[index]?.score ?? 0,
    () => (call.attributes.number("per_class") === 0 ? found.length / perDetection : found.length),
  ];
  return call.outputTypes.map((type, at) => tensorFrom(type, values[at] ?? (() => 0)));
}

function scoreTable(call: EvaluationCall) {
  const scores = numeric(inputTensor(call, 1));
  const width = inputTensor(call, 1).type.shape[2] ?? 1;
  const classes = call.attributes.number("classes");
  const first = width - classes;
  return {
    classes,
    scoreOf: (box: number, kind: number) => scores[box * width + first + kind] ?? 0,
  };
}

/** Every box stands for its best classes, and competes with the best one. */
function byBest(call: EvaluationCall, boxes: readonly Box[]): readonly Found[] {
  const { classes, scoreOf } = scoreTable(call);
  const perDetection = call.attributes.number("classes_per_detection");
  const ranked = (box: number): number[] =>
    Array.from({ length: classes }, (_, kind) => kind)
      .sort((a, b) => scoreOf(box, b) - scoreOf(box, a) || a - b)
      .slice(0, perDetection);
  const best = boxes.map((_, box) => {
    let highest = -Infinity;
    for (let kind = 0; kind < classes; kind++) highest = max(highest, scoreOf(box, kind));
    return highest;
  });
  const most = call.attributes.number("detections");
  const kept = selected({ boxes, scores: best, most, call });
  return kept.flatMap((box) =>
    ranked(box).map((kind) => ({ box, kind, score: scoreOf(box, kind) })),
  );
}

/** Boxes compete within every class; the best of all classes remain. */
function byClass(call: EvaluationCall, boxes: readonly Box[]): readonly Found[] {
  const { classes, scoreOf } = scoreTable(call);
  const detections = call.attributes.number("detections");
  const most = min(call.attributes.number("detections_per_class"), detections);
  let found: Found[] = [];
  for (let kind = 0; kind < classes; kind++) {
    const scores = boxes.map((_, box) => scoreOf(box, kind));
    const own = selected({ boxes, scores, most, call }).map((box) => ({
      box,
      kind,
      score: scores[box] ?? 0,
    }));
    // The sort is stable, as the runtime's merge is.
    found = [...found, ...own].sort((a, b) => b.score - a.score).slice(0, detections);
  }
  return found;
}
