/** Weights of linear interpolation as the kernels take them: float32 by pixel, or in int8 two bytes, for both neighbours. */
import type { Operand } from "../../../protocol/isa/index.ts";
import { LERP_ONE, lerpSteps } from "../../ir/ops/lerp.ts";
import { linear } from "../emitter.ts";
import type { FormatName } from "../format.ts";

/** `weights` are those of the second neighbour, by pixel; in int8 all of the first come before all of the second. */
export function packedWeights(dtype: FormatName, weights: readonly number[]): Uint8Array {
  if (dtype !== "i8") return new Uint8Array(Float32Array.from(weights).buffer);
  const steps = weights.map(lerpSteps);
  return Uint8Array.from([...steps.map((step) => LERP_ONE - step), ...steps]);
}

interface PackedAt {
  readonly dtype: FormatName;
  /** VTCM offset of the packed weights, and how many pixels they are for. */
  readonly offset: number;
  readonly pixels: number;
  /** First vector. */
  readonly first: number;
  /** Whether all vectors take the first's weights. */
  readonly same?: boolean;
}

/** Operands `weight_<axis>`; in int8 `first_<axis>` and `second_<axis>`. */
export function weightOperands(axis: "x" | "y", at: PackedAt): Readonly<Record<string, Operand>> {
  const { dtype, offset, pixels, first } = at;
  const bytes = dtype === "i8" ? 4 : 16;
  const from = offset + first * bytes;
  const stride = at.same === true ? 0 : bytes;
  if (dtype !== "i8") return { [`weight_${axis}`]: linear(from, stride) };
  return {
    [`first_${axis}`]: linear(from, stride),
    [`second_${axis}`]: linear(from + pixels, stride),
  };
}
