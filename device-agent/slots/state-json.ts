/** The state as it lies on disk: JSON, checked once when it is read. */
import { z } from "zod";
import { isIdentifier, isSha256 } from "../../protocol/base/brand.ts";
import type { Instant, ModelId, RolloutId, Sha256 } from "../../protocol/base/brand.ts";
import { isSemver } from "../../protocol/base/semver.ts";
import { NOTHING_RECALLED, type SlotsState } from "./state.ts";

const identifier = <T extends string>() =>
  z.custom<T>((text) => typeof text === "string" && isIdentifier(text));
export const sha256Schema = z.custom<Sha256>((text) => typeof text === "string" && isSha256(text));
export const modelIdSchema = identifier<ModelId>();
const count = z.int().min(0);

export const driverRefSchema = z
  .strictObject({ version: z.string().refine(isSemver), sha256: sha256Schema })
  .readonly();

const instant = z.custom<Instant>((value) => Number.isSafeInteger(value));

const pins = z
  .array(z.strictObject({ model: modelIdSchema, driver: driverRefSchema }).readonly())
  .readonly();

const candidate = z
  .strictObject({
    driver: driverRefSchema,
    bytes: count,
    path: z.string(),
    rollout: identifier<RolloutId>(),
    // Absent in what an older agent left: such an update goes on only where its download has begun.
    startBefore: instant.default(0 as Instant),
    activateBefore: instant,
  })
  .readonly();

const decision = z.discriminatedUnion("kind", [
  z.strictObject({ kind: z.literal("commit"), pins }).readonly(),
  z.strictObject({ kind: z.literal("refuse"), code: z.string(), message: z.string() }).readonly(),
]);

const update = z.discriminatedUnion("kind", [
  z.strictObject({ kind: z.literal("idle") }).readonly(),
  z.strictObject({ kind: z.literal("downloading"), candidate }).readonly(),
  z.strictObject({ kind: z.literal("downloaded"), candidate }).readonly(),
  z.strictObject({ kind: z.literal("staged"), candidate }).readonly(),
  z.strictObject({ kind: z.literal("compiled"), candidate }).readonly(),
  z.strictObject({ kind: z.literal("measured"), candidate, decision }).readonly(),
]);

export const slotsStateSchema: z.ZodType<SlotsState> = z.strictObject({
  recovery: driverRefSchema,
  current: driverRefSchema,
  previous: driverRefSchema.nullable(),
  failedStarts: count,
  accepted: z
    .strictObject({
      epoch: count,
      sequence: count,
      contentSha256: sha256Schema,
      finished: z.boolean(),
    })
    .nullable(),
  update,
  pins,
  recalled: z
    .strictObject({ epoch: count, sha256s: z.array(sha256Schema).readonly() })
    .readonly()
    .default(NOTHING_RECALLED),
});
