/** What becomes of a model, and of the update, by what was measured. Pure: the policy's margins decide. */
import { unreachable } from "../../protocol/base/assert.ts";
import type { ModelId } from "../../protocol/base/brand.ts";
import { log, exp } from "../../protocol/base/math.ts";
import type { DriverRef, Measured, ModelVerdict } from "../../protocol/wire/index.ts";
import type { Pin, UpdateDecision } from "../slots/index.ts";

export interface BenchmarkPolicy {
  /** A model may get slower by this share before it is refused: 0.02 is 2 %. */
  readonly slowdownMax: number;
  /** The same where the host's clock took part, which is never twice the same. */
  readonly slowdownMaxOnHost: number;
  /** The least ratio against the goldens, where the old driver reached it. */
  readonly outputSnrDbMin: number;
  /** How much the ratio may fall below the old driver's. */
  readonly outputSnrDropDbMax: number;
  /** Whether one refused model ends the update, or stays with its old program while the rest moves on. */
  readonly refusedModel: "refuse_update" | "pin_model";
}

export const DEFAULT_POLICY: BenchmarkPolicy = {
  slowdownMax: 0.02,
  slowdownMaxOnHost: 0.5,
  outputSnrDbMin: 10,
  outputSnrDropDbMax: 3,
  refusedModel: "refuse_update",
};

/** Measured, with the old driver's distance from the goldens beside the new one's. */
export interface Comparison extends Measured {
  readonly beforeSnrDb: number;
  /** Whether one of the two runs on the CPU. */
  readonly isHostTimed: boolean;
}

export function judgeModel(comparison: Comparison, policy: BenchmarkPolicy): ModelVerdict {
  const { beforeSnrDb, isHostTimed, ...measured } = comparison;
  const { beforeMicroseconds, afterMicroseconds, outputSnrDb } = measured;
  const fallDb = outputSnrDb === beforeSnrDb ? 0 : beforeSnrDb - outputSnrDb;
  // A model that int8 never served well is not the new driver's fault.
  const isBelowFloor = outputSnrDb < policy.outputSnrDbMin && fallDb > 0;
  if (isBelowFloor || fallDb > policy.outputSnrDropDbMax) {
    return { kind: "refused_wrong", measured };
  }
  const slowdownMax = isHostTimed ? policy.slowdownMaxOnHost : policy.slowdownMax;
  if (afterMicroseconds > beforeMicroseconds * (1 + slowdownMax)) {
    return { kind: "refused_slower", measured };
  }
  return { kind: "kept", measured };
}

export interface JudgedModel {
  readonly model: ModelId;
  readonly verdict: ModelVerdict;
}

/** Commit, commit with pins, or refuse: one bad model speaks for all unless the policy lets it stay behind. */
export function judgeUpdate(
  models: readonly JudgedModel[],
  policy: BenchmarkPolicy,
  driverBefore: (model: ModelId) => DriverRef,
): UpdateDecision {
  const bad = models.flatMap(({ model, verdict }) =>
    verdict.kind === "kept" ? [] : [{ model, verdict }],
  );
  const [first] = bad;
  if (first === undefined) return { kind: "commit", pins: [] };
  const mayPin = policy.refusedModel === "pin_model" && bad.length < models.length;
  if (mayPin) {
    const pins = bad.map(({ model }): Pin => ({ model, driver: driverBefore(model) }));
    return { kind: "commit", pins };
  }
  const names = bad.map(({ model, verdict }) => `${model}: ${describe(verdict)}`);
  return { kind: "refuse", code: refusalCode(first.verdict), message: names.join("; ") };
}

export type VerdictCode = "MODEL_SLOWER" | "MODEL_WRONG";

function refusalCode(verdict: Exclude<ModelVerdict, { kind: "kept" }>): VerdictCode | string {
  switch (verdict.kind) {
    case "refused_slower":
      return "MODEL_SLOWER";
    case "refused_wrong":
      return "MODEL_WRONG";
    case "failed":
      return verdict.code;
    default:
      return unreachable(verdict);
  }
}

function describe(verdict: ModelVerdict): string {
  switch (verdict.kind) {
    case "failed":
      return `${verdict.code} (${verdict.message})`;
    case "refused_wrong":
      return `outputs at ${verdict.measured.outputSnrDb.toFixed(1)} dB`;
    default: {
      const { beforeMicroseconds, afterMicroseconds } = verdict.measured;
      return `${beforeMicroseconds.toFixed(0)} µs became ${afterMicroseconds.toFixed(0)} µs`;
    }
  }
}

/** What a model scores at the time that it was registered with. */
const SCORE_AT_REGISTRATION = 1000;

/**
 * The device's score: 1000 times the geometric mean over its models of (time at registration / time now).
 * A driver that makes every model 12.5 % faster takes 1000 to 1125; undefined without models.
 */
export function scoreOf(
  models: readonly { readonly referenceMicroseconds: number; readonly microseconds: number }[],
): number | undefined {
  if (models.length === 0) return undefined;
  const sum = models.reduce(
    (total, { referenceMicroseconds, microseconds }) =>
      total + log(referenceMicroseconds / microseconds),
    0,
  );
  return SCORE_AT_REGISTRATION * exp(sum / models.length);
}
