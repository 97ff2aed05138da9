/** What an operator sends and reads over REST: zod schemas, from which OpenAPI is generated. */
import { z } from "zod";
import { isIdentifier } from "../base/brand.ts";
import { isSemver } from "../base/semver.ts";

const identifier = z.string().refine(isIdentifier, "letters, digits, dot, dash, underscore");
const version = z.string().refine(isSemver, "a semantic version").meta({ example: "1.1.0" });
const sha256 = z.string().regex(/^[0-9a-f]{64}$/, "64 hexadecimal digits");
const timeUtc = z.iso.datetime().meta({ example: "2026-01-31T12:00:00Z" });

/** RFC 9457: the one shape of every error. `code` is ours and closed. */
export const problemDetails = z
  .object({
    type: z.string(),
    title: z.string(),
    status: z.int(),
    detail: z.string(),
    code: z.string(),
    instance: z.string().optional(),
    errors: z.array(z.object({ path: z.string(), message: z.string() })).optional(),
  })
  .meta({ id: "ProblemDetails" });
export type ProblemDetails = z.infer<typeof problemDetails>;

export const releaseView = z
  .object({
    version,
    sha256,
    bytes: z.int(),
    socs: z.array(z.string()),
    abi: z.object({ major: z.int(), minor: z.int() }),
    isa: z.object({ major: z.int(), minor: z.int() }),
    publishedAt: timeUtc,
  })
  .meta({ id: "Release" });
export type ReleaseView = z.infer<typeof releaseView>;

/** A stage ends when `percent` of the cohort and at least `minimumDevices` have reported well. */
export const rolloutStage = z
  .object({ percent: z.number().gt(0).max(100), minimumDevices: z.int().min(1) })
  .meta({ id: "RolloutStage" });
export type RolloutStage = z.infer<typeof rolloutStage>;

export const gatePolicy = z
  .object({
    nonInferiorityMargin: z.number().min(0).max(1).meta({
      description: "How much slower a model may get before the stage halts: 0.02 is 2 %.",
    }),
    accuracyFloorDb: z.number().meta({
      description: "The least signal-to-noise ratio of the outputs against the goldens.",
    }),
    failureBudget: z.number().min(0).max(1).meta({
      description: "The share of devices that may fail or roll back.",
    }),
    minimumDevices: z.int().min(1),
    confidence: z.number().gt(0.5).lt(1),
  })
  .meta({ id: "GatePolicy" });
export type GatePolicy = z.infer<typeof gatePolicy>;

const STAGES_MAX = 20;

/** Percentages only grow and end at 100. */
const stages = z
  .array(rolloutStage)
  .min(1)
  .max(STAGES_MAX)
  .refine((list) => list.every((stage, at) => stage.percent > (list[at - 1]?.percent ?? 0)), {
    message: "percent must grow from stage to stage",
  })
  .refine((list) => list.at(-1)?.percent === 100, {
    message: "the last stage must be 100 percent",
  });

export const createRollout = z
  .strictObject({ id: identifier, version, previousVersion: version, stages, gate: gatePolicy })
  .meta({ id: "CreateRollout" });
export type CreateRollout = z.infer<typeof createRollout>;

const ROLLOUT_STATES = ["draft", "running", "paused", "halted", "completed"] as const;
const rolloutState = z.enum(ROLLOUT_STATES).meta({ id: "RolloutState" });
export type RolloutState = z.infer<typeof rolloutState>;

export const rolloutView = z
  .object({
    id: identifier,
    tenant: identifier,
    version,
    previousVersion: version,
    stages: z.array(rolloutStage),
    gate: gatePolicy,
    state: rolloutState,
    stageIndex: z.int().min(0),
    salt: z.string(),
    /** Why it stands where it stands: always present when paused or halted. */
    because: z.string().optional(),
    /** Counts every change: the value of a compare-and-set. */
    revision: z.int().min(0),
    createdAt: timeUtc,
    updatedAt: timeUtc,
  })
  .meta({ id: "Rollout" });
export type RolloutView = z.infer<typeof rolloutView>;

/** `advance`: a person promotes a stage that the gate calls underpowered. */
const ROLLOUT_ACTIONS = ["start", "pause", "resume", "abort", "advance"] as const;
export const rolloutAction = z
  .strictObject({ action: z.enum(ROLLOUT_ACTIONS), because: z.string().min(1).max(500) })
  .meta({ id: "RolloutAction" });
export type RolloutAction = z.infer<typeof rolloutAction>;

export const deviceView = z
  .object({
    id: identifier,
    tenant: identifier,
    soc: z.string(),
    keyId: z.string(),
    agentVersion: z.string(),
    current: version.nullable(),
    previous: version.nullable(),
    rollout: identifier.nullable(),
    sandbox: z.enum(["strong", "degraded"]).nullable(),
    lastSeenAt: timeUtc.nullable(),
  })
  .meta({ id: "Device" });
export type DeviceView = z.infer<typeof deviceView>;

/** One row of the score table: a model before and after. */
export const modelOutcomeView = z
  .object({
    device: identifier,
    soc: z.string(),
    model: identifier,
    from: version,
    to: version,
    verdict: z.enum(["kept", "refused_slower", "refused_wrong", "failed"]),
    beforeMicroseconds: z.number().nullable(),
    afterMicroseconds: z.number().nullable(),
    gain: z.number().nullable(),
    /** Null stands for infinity too, which JSON cannot say; `exact` tells them apart. */
    outputSnrDb: z.number().nullable(),
    exact: z.boolean(),
    receivedAt: timeUtc,
  })
  .meta({ id: "ModelOutcome" });
export type ModelOutcomeView = z.infer<typeof modelOutcomeView>;
