/** What an update did to every model and to the score, for the caller and for the state file. */
import { z } from "zod";
import type { ModelId } from "../../protocol/base/brand.ts";
import { unreachable } from "../../protocol/base/assert.ts";
import { gainOf, type DriverRef, type ModelVerdict } from "../../protocol/wire/index.ts";
import { driverRefSchema, modelIdSchema } from "../slots/index.ts";

/** One line of the table; numbers are null where a model failed before it could be measured. */
export interface ModelRow {
  readonly model: ModelId;
  readonly verdict: ModelVerdict["kind"];
  readonly beforeMicroseconds: number | null;
  readonly afterMicroseconds: number | null;
  /** How many times faster an inference is for the application: the chip's call floor is in both times. */
  readonly gain: number | null;
  /** Of the new driver's outputs against the goldens. */
  readonly outputSnrDb: number | null;
  /** Of the old driver's. */
  readonly beforeSnrDb: number | null;
  /** Of the new outputs against the old ones. */
  readonly againstBeforeSnrDb: number | null;
  readonly temperatureCelsius: number;
  /** Of compiling with the new driver; zero when the program was cached. */
  readonly compileMs: number;
  readonly compileBytesPeak: number;
  /** Empty unless the model failed. */
  readonly code: string;
  readonly message: string;
}

export interface UpdateSummary {
  readonly from: DriverRef;
  readonly to: DriverRef;
  readonly models: readonly ModelRow[];
  /** Null on a device without models. */
  readonly scoreBefore: number | null;
  /** Under the new driver; null where a model has no time under it. */
  readonly scoreAfter: number | null;
}

const ratio = z.union([z.number(), z.enum(["Infinity", "-Infinity"]).transform(Number)]).nullable();
const optional = z.number().nullable();

const modelRowSchema: z.ZodType<ModelRow> = z.strictObject({
  model: modelIdSchema,
  verdict: z.enum(["kept", "refused_slower", "refused_wrong", "failed"]),
  beforeMicroseconds: optional,
  afterMicroseconds: optional,
  gain: optional,
  outputSnrDb: ratio,
  beforeSnrDb: ratio,
  againstBeforeSnrDb: ratio,
  temperatureCelsius: z.number(),
  compileMs: z.number(),
  compileBytesPeak: z.number(),
  code: z.string(),
  message: z.string(),
});

export const updateSummarySchema: z.ZodType<UpdateSummary> = z.strictObject({
  from: driverRefSchema,
  to: driverRefSchema,
  models: z.array(modelRowSchema).readonly(),
  scoreBefore: optional,
  scoreAfter: optional,
});

export interface RowFacts {
  readonly model: ModelId;
  readonly verdict: ModelVerdict;
  readonly beforeSnrDb: number | null;
  readonly againstBeforeSnrDb: number | null;
  readonly temperatureCelsius: number;
  readonly compileMs: number;
  readonly compileBytesPeak: number;
}

export function modelRow({ verdict, ...facts }: RowFacts): ModelRow {
  const unmeasured = {
    beforeMicroseconds: null,
    afterMicroseconds: null,
    gain: null,
    outputSnrDb: null,
  };
  switch (verdict.kind) {
    case "failed": {
      const { code, message } = verdict;
      return { ...facts, ...unmeasured, verdict: "failed", code, message };
    }
    case "kept":
    case "refused_slower":
    case "refused_wrong": {
      const { beforeMicroseconds, afterMicroseconds, outputSnrDb } = verdict.measured;
      return {
        ...facts,
        verdict: verdict.kind,
        beforeMicroseconds,
        afterMicroseconds,
        gain: gainOf(verdict.measured),
        outputSnrDb,
        code: "",
        message: "",
      };
    }
    default:
      return unreachable(verdict);
  }
}
