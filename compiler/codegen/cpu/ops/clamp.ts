/** The clamp that a pass fused into a node. */
import type { NodeCall } from "../lowering.ts";

export function clampOf(call: NodeCall): readonly [low: number, high: number] {
  return [call.attributes.number("clamp_min"), call.attributes.number("clamp_max")];
}
