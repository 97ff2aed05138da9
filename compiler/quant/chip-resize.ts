/** resize as the chip has it, where it interpolates. */
import { attributesOf } from "../ir/index.ts";
import type { Node } from "../ir/index.ts";
import { isPlainResize } from "../ir/ops/resize.ts";

/** Undefined for every other node, and for a resize that only copies pixels. */
export function chipResize(node: Node): Node | undefined {
  if (node.op !== "resize") return undefined;
  const attributes = attributesOf(node);
  if (attributes.text("mode") !== "linear" || !isPlainResize(attributes)) return undefined;
  const kept = {
    sizes: attributes.numbers("sizes"),
    scales: attributes.numbers("scales"),
    coordinates: attributes.text("coordinates"),
  };
  return { ...node, op: "lerp_resize", attributes: new Map(Object.entries(kept)) };
}
