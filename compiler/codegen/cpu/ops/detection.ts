/**
 * The last step of single-shot detectors. Boxes are decoded in float32, vector by vector; then the best one that no
 * better one overlaps is looked for, again and again: far fewer are wanted than there are, so nothing is sorted.
 */
import { at, f32, lane, load, op, shuffle, vector } from "../../../../protocol/wasm/expression.ts";
import type { Expression } from "../../../../protocol/wasm/expression.ts";
import type { FunctionBuilder, Local } from "../../../../protocol/wasm/function.ts";
import { present } from "../../../../protocol/base/assert.ts";
import { exponential } from "../kernels/math.ts";
import type { Buffer, Lowering, NodeCall } from "../lowering.ts";
import { addressOf, unsupported } from "../lowering.ts";
import { FLOAT_BYTES, VECTOR_BYTES } from "../program.ts";

interface Detection {
  /** Boxes, and floats that each of them has in the input. */
  readonly count: number;
  readonly codeFloats: number;
  /** Scores of a box, and which of them is the first class's. */
  readonly width: number;
  readonly first: number;
  readonly scales: readonly number[];
  /** Boxes wanted. */
  readonly most: number;
  readonly scoreLeast: number;
  readonly overlapMost: number;
}

interface Buffers {
  readonly codes: Buffer;
  readonly scores: Buffer;
  readonly anchors: Buffer;
  /** Scratch: corners of every box; its best score, minus infinity once it was looked at; the chosen boxes' indices. */
  readonly corners: Buffer;
  readonly best: Buffer;
  readonly chosen: Buffer;
  readonly outputs: readonly Buffer[];
}

export function lowerDetection(lowering: Lowering, call: NodeCall): void {
  const detection = detectionOf(call);
  const [codes, scores, anchors] = call.node.inputs.map((name) => lowering.read(name, "rows"));
  const buffers: Buffers = {
    codes: present(codes, "boxes"),
    scores: present(scores, "scores"),
    anchors: present(anchors, "anchors"),
    corners: lowering.scratch(detection.count * VECTOR_BYTES),
    best: lowering.scratch(detection.count * FLOAT_BYTES),
    chosen: lowering.scratch(detection.most * FLOAT_BYTES),
    outputs: call.node.outputs.map((name) => lowering.write(name, "rows")),
  };
  lowering.emit((f) => {
    decode(f, detection, buffers);
    rate(f, detection, buffers);
    const found = f.local("i32");
    choose(f, detection, { ...buffers, found });
    writeFound(f, detection, { ...buffers, found });
  });
}

function detectionOf({ node, shapes, attributes }: NodeCall): Detection {
  if (attributes.number("per_class") !== 0) unsupported(node, "boxes that compete within a class");
  if (attributes.number("classes_per_detection") !== 1) unsupported(node, "several classes a box");
  const [, count = 0, codeFloats = 4] = shapes[0] ?? [];
  const width = shapes[1]?.[2] ?? 1;
  return {
    count,
    codeFloats,
    width,
    first: width - attributes.number("classes"),
    scales: attributes.numbers("scales"),
    most: attributes.number("detections"),
    scoreLeast: attributes.number("score_threshold"),
    overlapMost: attributes.number("overlap_threshold"),
  };
}

/** The lanes of a vector with these numbers. */
function lanes(order: readonly number[], a: Expression<"v128">): Expression<"v128"> {
  return shuffle(
    order.flatMap((index) => [0, 1, 2, 3].map((byte) => index * FLOAT_BYTES + byte)),
    a,
    a,
  );
}

function floats(values: readonly number[]): Expression<"v128"> {
  return vector([...new Uint8Array(Float32Array.from(values).buffer)]);
}

/** (top, left, bottom, right) = (y, x) * size + origin, half of e^(h, w) * size to each side. */
function decode(f: FunctionBuilder, detection: Detection, buffers: Buffers): void {
  const [code, anchor, to] = [f.local("i32"), f.local("i32"), f.local("i32")];
  const [coded, box, size] = [f.local("v128"), f.local("v128"), f.local("v128")];
  f.set(code, addressOf(buffers.codes));
  f.set(anchor, addressOf(buffers.anchors));
  const [begin, bytes] = [addressOf(buffers.corners), detection.count * VECTOR_BYTES];
  f.forRange(to, { begin, end: begin + bytes, step: VECTOR_BYTES }, () => {
    f.set(coded, op("f32x4.div", load("v128.load", code), floats(detection.scales)));
    f.set(box, load("v128.load", anchor));
    f.set(size, lanes([2, 3, 2, 3], box));
    const scaled = op("f32x4.mul", lanes([0, 1, 0, 1], coded), size);
    const center = op("f32x4.add", scaled, lanes([0, 1, 0, 1], box));
    const halves = op(
      "f32x4.mul",
      floats([-0.5, -0.5, 0.5, 0.5]),
      exponential(f, lanes([2, 3, 2, 3], coded)),
    );
    f.store("v128.store", to, op("f32x4.add", center, op("f32x4.mul", halves, size)));
    f.increment(code, detection.codeFloats * FLOAT_BYTES);
    f.increment(anchor, VECTOR_BYTES);
  });
}

/** The score of each box's best class. */
function rate(f: FunctionBuilder, detection: Detection, buffers: Buffers): void {
  const { count, width, first } = detection;
  const [to, from, end, highest] = [f.local("i32"), f.local("i32"), f.local("i32"), f.local("f32")];
  f.set(end, addressOf(buffers.scores));
  const begin = addressOf(buffers.best);
  f.forRange(to, { begin, end: begin + count * FLOAT_BYTES, step: FLOAT_BYTES }, () => {
    f.set(highest, f32(-Infinity));
    f.increment(end, width * FLOAT_BYTES);
    const start = op("i32.sub", end, (width - first) * FLOAT_BYTES);
    f.forRange(from, { begin: start, end, step: FLOAT_BYTES }, () =>
      f.set(highest, op("f32.max", highest, load("f32.load", from))),
    );
    f.store("f32.store", to, highest);
  });
}

type Choosing = Buffers & { readonly found: Local<"i32"> };

/** Boxes in the order of their scores, the first of equals first, without those that a chosen one overlaps too much. */
function choose(f: FunctionBuilder, detection: Detection, buffers: Choosing): void {
  const { count, most, scoreLeast } = detection;
  const { found } = buffers;
  const [index, candidate, free] = [f.local("i32"), f.local("i32"), f.local("i32")];
  const [highest, score] = [f.local("f32"), f.local("f32")];
  const best = (of: Local<"i32">) => at(op("i32.mul", of, FLOAT_BYTES), addressOf(buffers.best));
  f.block((done) => {
    f.loop((again) => {
      f.branchIf(done, op("i32.ge_s", found, most));
      f.set(candidate, -1);
      f.set(highest, f32(-Infinity));
      f.forRange(index, { begin: 0, end: count, step: 1 }, () => {
        f.set(score, load("f32.load", best(index)));
        const isBetter = op("f32.gt", score, highest);
        f.if(op("i32.and", isBetter, op("f32.ge", score, f32(scoreLeast))), () => {
          f.set(highest, score);
          f.set(candidate, index);
        });
      });
      f.branchIf(done, op("i32.lt_s", candidate, 0));
      f.store("f32.store", best(candidate), f32(-Infinity));
      f.set(free, 1);
      f.forRange(index, { begin: 0, end: found, step: 1 }, () => {
        f.if(overlapsTooMuch(f, detection, { buffers, rank: index, candidate }), () =>
          f.set(free, 0),
        );
      });
      f.if(free, () => {
        f.store(
          "i32.store",
          at(op("i32.mul", found, FLOAT_BYTES), addressOf(buffers.chosen)),
          candidate,
        );
        f.increment(found, 1);
      });
      f.branch(again);
    });
  });
}

interface Rivals {
  readonly buffers: Buffers;
  /** Of the chosen box. */
  readonly rank: Local<"i32">;
  readonly candidate: Local<"i32">;
}

/** The shared area over that of both together; boxes without an area share none. */
function overlapsTooMuch(
  f: FunctionBuilder,
  { overlapMost }: Detection,
  { buffers, rank, candidate }: Rivals,
): Expression<"i32"> {
  const [a, b, low, high] = [f.local("v128"), f.local("v128"), f.local("v128"), f.local("v128")];
  const corners = (of: Expression<"i32">) =>
    load("v128.load", at(op("i32.mul", of, VECTOR_BYTES), addressOf(buffers.corners)));
  f.set(a, corners(chosenAt(buffers, rank)));
  f.set(b, corners(candidate));
  f.set(low, op("f32x4.max", a, b));
  f.set(high, op("f32x4.min", a, b));
  const of = (box: Expression<"v128">, index: number) => lane("f32x4.extract_lane", index, box);
  const area = (box: Expression<"v128">) =>
    op("f32.mul", op("f32.sub", of(box, 2), of(box, 0)), op("f32.sub", of(box, 3), of(box, 1)));
  const [areaA, areaB, shared] = [f.local("f32"), f.local("f32"), f.local("f32")];
  f.set(areaA, area(a));
  f.set(areaB, area(b));
  const side = (near: number, far: number) =>
    op("f32.max", op("f32.sub", of(high, far), of(low, near)), f32(0));
  f.set(shared, op("f32.mul", side(0, 2), side(1, 3)));
  const ratio = op("f32.div", shared, op("f32.sub", op("f32.add", areaA, areaB), shared));
  const hasArea = op("i32.and", op("f32.gt", areaA, f32(0)), op("f32.gt", areaB, f32(0)));
  return op("i32.and", hasArea, op("f32.gt", ratio, f32(overlapMost)));
}

function chosenAt({ chosen }: Buffers, rank: Local<"i32">): Expression<"i32"> {
  return load("i32.load", at(op("i32.mul", rank, FLOAT_BYTES), addressOf(chosen)));
}

/** Boxes, classes, scores and their count; zeros behind the last. */
function writeFound(f: FunctionBuilder, detection: Detection, buffers: Choosing): void {
  const { width, first, most } = detection;
  const [boxes, classes, scores, count] = buffers.outputs.map(addressOf) as [
    number,
    number,
    number,
    number,
  ];
  f.fillBytes(boxes, 0, most * VECTOR_BYTES);
  f.fillBytes(classes, 0, most * FLOAT_BYTES);
  f.fillBytes(scores, 0, most * FLOAT_BYTES);
  const [rank, box, kind, bestKind] = [
    f.local("i32"),
    f.local("i32"),
    f.local("i32"),
    f.local("i32"),
  ];
  const highest = f.local("f32");
  f.forRange(rank, { begin: 0, end: buffers.found, step: 1 }, () => {
    f.set(box, chosenAt(buffers, rank));
    const from = at(op("i32.mul", box, VECTOR_BYTES), addressOf(buffers.corners));
    f.store("v128.store", at(op("i32.mul", rank, VECTOR_BYTES), boxes), load("v128.load", from));
    f.set(highest, f32(-Infinity));
    const row = op("i32.mul", box, width * FLOAT_BYTES);
    f.forRange(kind, { begin: 0, end: width - first, step: 1 }, () => {
      const place = op("i32.add", row, op("i32.mul", kind, FLOAT_BYTES));
      const score = load("f32.load", at(place, addressOf(buffers.scores) + first * FLOAT_BYTES));
      f.if(op("f32.gt", score, highest), () => {
        f.set(highest, score);
        f.set(bestKind, kind);
      });
    });
    const to = op("i32.mul", rank, FLOAT_BYTES);
    f.store("f32.store", at(to, classes), op("f32.convert_i32_s", bestKind));
    f.store("f32.store", at(to, scores), highest);
  });
  f.store("f32.store", count, op("f32.convert_i32_s", buffers.found));
}
