/** Regions cut out, borders laid around, and images at other sizes. */
import { optionalInput, requiredInput } from "../node.ts";
import type { OnnxNode } from "../node.ts";
import type { Scope } from "../scope.ts";
import { finishWith, translated, until } from "./handler.ts";
import type { Handler } from "./handler.ts";

export const REGIONS: Readonly<Record<string, Handler>> = {
  Slice: until(
    10,
    translated("slice", {
      attributes: (node) => ({
        starts: node.integers("starts", []),
        ends: node.integers("ends", []),
        axes: node.integers("axes", []),
      }),
    }),
    translated("slice", { inputs: [0], late: { starts: 1, ends: 2, axes: 3, steps: 4 } }),
  ),
  Pad: importPad,
  CenterCropPad: translated("center_crop_pad", {
    inputs: [0],
    late: { sizes: 1 },
    attributes: (node) => ({ axes: node.integers("axes", []) }),
  }),
  Resize: importResize,
  Upsample: importUpsample,
  GridSample: translated("grid_sample", {
    attributes: (node) => ({
      mode: node.text("mode", "linear").replace("bilinear", "linear").replace("bicubic", "cubic"),
      padding: node.text("padding_mode", "zeros"),
      align_corners: node.integer("align_corners", 0),
    }),
  }),
  AffineGrid: translated("affine_grid", {
    inputs: [0],
    late: { sizes: 1 },
    attributes: (node) => ({ align_corners: node.integer("align_corners", 0) }),
  }),
  RoiAlign: translated("roi_align", {
    attributes: (node) => ({
      height: node.integer("output_height", 1),
      width: node.integer("output_width", 1),
      scale: node.float("spatial_scale", 1),
      ratio: node.integer("sampling_ratio", 0),
      mode: node.text("mode", "avg"),
      coordinates: node.text(
        "coordinate_transformation_mode",
        node.opset < 16 ? "output_half_pixel" : "half_pixel",
      ),
    }),
  }),
  NonMaxSuppression: translated("non_max_suppression", {
    attributes: (node) => ({ center: node.integer("center_point_box", 0) }),
  }),
};

function importPad(node: OnnxNode, scope: Scope): void {
  const x = requiredInput(node, 0);
  const mode = node.text("mode", "constant");
  if (node.opset < 11) {
    const attributes = { mode, value: node.float("value", 0), pads: node.integers("pads", []) };
    return finishWith({ node, scope }, "pad", { inputs: [x], attributes });
  }
  const late = { pads: requiredInput(node, 1), axes: node.inputs[3] };
  const fill = optionalInput(node, 2);
  const known = fill === undefined ? undefined : scope.constantOf(fill);
  // A known number becomes an attribute, which passes understand; texts and 64 bits stay as they are.
  const plain = known?.type.dtype === "f32";
  const attributes = plain ? { mode, value: Number(known.data[0] ?? 0) } : { mode };
  const inputs = fill === undefined || plain ? [x] : [x, fill];
  finishWith({ node, scope }, "pad", { inputs, attributes, late });
}

const COORDINATES: Readonly<Record<string, string>> = {
  tf_crop_and_resize: "crop_and_resize",
  tf_half_pixel_for_nn: "tf_half_pixel",
};

function importResize(node: OnnxNode, scope: Scope): void {
  const older = node.opset < 11;
  const coordinates = node.text(
    "coordinate_transformation_mode",
    older ? "asymmetric" : "half_pixel",
  );
  const attributes = {
    mode: node.text("mode", "nearest"),
    coordinates: COORDINATES[coordinates] ?? coordinates,
    nearest: node.text("nearest_mode", older ? "floor" : "round_prefer_floor"),
    axes: node.integers("axes", []),
    policy: node.text("keep_aspect_ratio_policy", "stretch"),
    cubic: node.float("cubic_coeff_a", -0.75),
    antialias: node.integer("antialias", 0),
    exclude_outside: node.integer("exclude_outside", 0),
    extrapolation: node.float("extrapolation_value", 0),
  };
  const [roi, scales, sizes] = older ? ["", node.inputs[1], ""] : node.inputs.slice(1);
  const crops = attributes.coordinates === "crop_and_resize";
  const late = { scales, sizes, roi: crops ? roi : undefined };
  finishWith({ node, scope }, "resize", { inputs: [requiredInput(node, 0)], attributes, late });
}

/** The predecessor of Resize: scales alone, asymmetric coordinates, rounding down. */
function importUpsample(node: OnnxNode, scope: Scope): void {
  const mode = node.text("mode", "nearest").replace("bilinear", "linear");
  const rules = { mode, coordinates: "asymmetric", nearest: "floor" };
  const late = { scales: node.inputs[1] };
  const given = late.scales === undefined ? { scales: node.floats("scales") } : {};
  const attributes = { ...rules, ...given };
  finishWith({ node, scope }, "resize", { inputs: [requiredInput(node, 0)], attributes, late });
}
