/** TFLite_Detection_PostProcess and the built-in non-maximum suppression. */
import { flexNumbers } from "../flex-map.ts";
import { requiredInput } from "../operator.ts";
import type { Operator } from "../operator.ts";
import type { Scope } from "../scope.ts";
import type { Value } from "../value.ts";
import { isStored } from "./handler.ts";
import type { Handler } from "./handler.ts";

export const DETECTION: Readonly<Record<string, Handler>> = {
  TFLite_Detection_PostProcess: importDetection,
};

/** Inputs: box encodings, class predictions, anchors; any of them may be stored. */
function importDetection(op: Operator, scope: Scope): readonly Value[] {
  const options = flexNumbers(op.customOptions);
  const option = (name: string, fallback?: number): number =>
    options.get(name) ?? fallback ?? op.refuse("BAD_MODEL", `its option ${name} is missing`);
  const inputs = [0, 1, 2].map((position) => realInput(op, scope, position));
  const perClass = option("use_regular_nms", 0);
  return scope.emitAll(op, {
    op: "anchored_detection",
    inputs,
    attributes: {
      scales: ["y_scale", "x_scale", "h_scale", "w_scale"].map((name) => option(name)),
      classes: option("num_classes"),
      detections: option("max_detections"),
      classes_per_detection: option("max_classes_per_detection"),
      detections_per_class: option("detections_per_class", 100),
      per_class: perClass,
      score_threshold: option("nms_score_threshold"),
      overlap_threshold: option("nms_iou_threshold"),
    },
    outputs: 4,
  });
}

function realInput(op: Operator, scope: Scope, position: number): Value {
  const value = requiredInput(op, position);
  const { quantization } = value.type;
  if (quantization === undefined || !isStored(value)) return value;
  const attributes = { scales: quantization.scales, zero_points: quantization.zeroPoints };
  return scope.emit(op, {
    op: "dequantize",
    inputs: [value],
    attributes,
    inner: `real.${position}`,
  });
}
