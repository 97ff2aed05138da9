/** Report batches: signed once by the device, the same bytes over HTTP or on a stick. */
import { unreachable } from "../base/assert.ts";
import type { RolloutId } from "../base/brand.ts";
import { concatBytes, utf8 } from "../base/bytes.ts";
import { failed, type Result } from "../base/result.ts";
import type { Signer } from "../crypto/index.ts";
import { wireDriver } from "./check-in.ts";
import { retile } from "./generated/wire.js";
import { REPORTS_PER_BATCH_MAX, REQUEST_BYTES_MAX, TEXT_LENGTH_MAX } from "./limits.ts";
import type {
  LifecycleStage,
  Measured,
  ModelVerdict,
  Report,
  ReportAck,
  ReportBatch,
  ReportBody,
} from "./messages.ts";
import {
  decodeWith,
  driver,
  hashBytes,
  identifier,
  invalid,
  positive,
  required,
  sha256Field,
  text,
  time,
  whole,
  type WireCode,
} from "./reader.ts";

const v1 = retile.wire.v1;
type Wire = typeof retile.wire.v1;

/** A batch whose signature has not been looked at yet. */
export interface SignedReports {
  readonly payload: Uint8Array;
  readonly keyId: string;
  readonly signature: Uint8Array;
}

/** Checks one signature against the device's enrolled key. */
export type Verify = (message: Uint8Array, signature: Uint8Array) => boolean;

export type ReportsCode = WireCode | "REPORTS_BAD_SIGNATURE";

/** What is signed begins with this, so that no other document can pass for a batch of reports. */
const SIGNING_CONTEXT = utf8("retile.report-batch.v1\0");

export async function signReports(batch: ReportBatch, signer: Signer): Promise<Uint8Array> {
  const payload = encodeReportBatch(batch);
  const signature = await signer.sign(concatBytes([SIGNING_CONTEXT, payload]));
  return v1.SignedReportBatch.encode({ payload, keyId: signer.keyId, signature }).finish();
}

/** Step one: whose key signed this? */
export function decodeSignedReports(bytes: Uint8Array): Result<SignedReports, WireCode> {
  return decodeWith(bytes, REQUEST_BYTES_MAX, {
    parse: (input) => v1.SignedReportBatch.decode(input),
    check: (message) => ({
      payload: new Uint8Array(message.payload),
      keyId: identifier(message.keyId, "key_id"),
      signature: new Uint8Array(message.signature),
    }),
  });
}

/** Step two, with the key in hand: the reports, or why they are not to be believed. */
export function openReports(
  signed: SignedReports,
  verify: Verify,
): Result<ReportBatch, ReportsCode> {
  if (verify(concatBytes([SIGNING_CONTEXT, signed.payload]), signed.signature)) {
    return decodeReportBatch(signed.payload);
  }
  const message = "The reports are not signed by the device's enrolled key.";
  return failed("REPORTS_BAD_SIGNATURE", message, { keyId: signed.keyId });
}

export function encodeReportBatch(batch: ReportBatch): Uint8Array {
  return v1.ReportBatch.encode({ ...batch, reports: batch.reports.map(wireReport) }).finish();
}

export function decodeReportBatch(bytes: Uint8Array): Result<ReportBatch, WireCode> {
  return decodeWith(bytes, REQUEST_BYTES_MAX, {
    parse: (input) => v1.ReportBatch.decode(input),
    check: (message) => ({
      tenant: identifier(message.tenant, "tenant"),
      device: identifier(message.device, "device"),
      epoch: positive(message.epoch, "epoch"),
      firstSequence: positive(message.firstSequence, "first_sequence"),
      reports: reports(message.reports),
    }),
  });
}

export function encodeReportAck(ack: ReportAck): Uint8Array {
  return v1.ReportAck.encode(ack).finish();
}

export function decodeReportAck(bytes: Uint8Array): Result<ReportAck, WireCode> {
  return decodeWith(bytes, REQUEST_BYTES_MAX, {
    parse: (input) => v1.ReportAck.decode(input),
    check: (message) => ({
      epoch: whole(message.epoch, "epoch"),
      acknowledgedSequence: whole(message.acknowledgedSequence, "acknowledged_sequence"),
    }),
  });
}

// ---- domain to wire

function wireReport(report: Report): retile.wire.v1.IReport {
  return {
    deviceTimeMs: report.deviceTime,
    rollout: report.rollout ?? "",
    soc: report.soc,
    from: wireDriver(report.from),
    to: wireDriver(report.to),
    ...wireBody(report.body),
  };
}

function wireBody(body: ReportBody): retile.wire.v1.IReport {
  switch (body.kind) {
    case "model_outcome": {
      const { model, temperatureCelsius, verdict } = body;
      const modelSha256 = hashBytes(body.modelSha256);
      return {
        modelOutcome: { model, modelSha256, temperatureCelsius, ...wireVerdict(verdict) },
      };
    }
    case "lifecycle":
      return { lifecycle: wireStage(body.stage) };
    default:
      return unreachable(body);
  }
}

function wireVerdict(verdict: ModelVerdict): retile.wire.v1.IModelOutcome {
  switch (verdict.kind) {
    case "kept":
      return { kept: verdict.measured };
    case "refused_slower":
      return { refusedSlower: verdict.measured };
    case "refused_wrong":
      return { refusedWrong: verdict.measured };
    case "failed":
      return { failed: { code: verdict.code, message: shortened(verdict.message) } };
    default:
      return unreachable(verdict);
  }
}

const STAGE_NUMBERS = {
  accepted: v1.Stage.STAGE_ACCEPTED,
  installed: v1.Stage.STAGE_INSTALLED,
  compiled: v1.Stage.STAGE_COMPILED,
  measured: v1.Stage.STAGE_MEASURED,
  committed: v1.Stage.STAGE_COMMITTED,
  install_failed: v1.Stage.STAGE_INSTALL_FAILED,
  rolled_back: v1.Stage.STAGE_ROLLED_BACK,
} as const satisfies Record<LifecycleStage["kind"], number>;

function wireStage(stage: LifecycleStage): retile.wire.v1.ILifecycle {
  const number = STAGE_NUMBERS[stage.kind];
  if (!("code" in stage)) return { stage: number };
  return { stage: number, failed: { code: stage.code, message: shortened(stage.message) } };
}

function shortened(message: string): string {
  return message.slice(0, TEXT_LENGTH_MAX);
}

// ---- wire to domain

function reports(messages: readonly retile.wire.v1.IReport[]): Report[] {
  if (messages.length === 0) invalid("reports", "is empty");
  if (messages.length > REPORTS_PER_BATCH_MAX) invalid("reports", "has too many entries");
  return messages.map((message) => report(new v1.Report(message)));
}

function report(message: InstanceType<Wire["Report"]>): Report {
  return {
    deviceTime: time(message.deviceTimeMs, "device_time_ms"),
    rollout: message.rollout === "" ? null : identifier<RolloutId>(message.rollout, "rollout"),
    soc: identifier(message.soc, "soc"),
    from: driver(message.from, "from"),
    to: driver(message.to, "to"),
    body: body(message),
  };
}

function body(message: InstanceType<Wire["Report"]>): ReportBody {
  if (message.lifecycle) return { kind: "lifecycle", stage: stage(message.lifecycle) };
  const outcome = new v1.ModelOutcome(required(message.modelOutcome, "body"));
  return {
    kind: "model_outcome",
    model: identifier(outcome.model, "model"),
    modelSha256: sha256Field(outcome.modelSha256, "model_sha256"),
    temperatureCelsius: finite(outcome.temperatureCelsius, "temperature_celsius"),
    verdict: verdict(outcome),
  };
}

function verdict(outcome: InstanceType<Wire["ModelOutcome"]>): ModelVerdict {
  if (outcome.kept) return { kind: "kept", measured: measured(outcome.kept) };
  if (outcome.refusedSlower) {
    return { kind: "refused_slower", measured: measured(outcome.refusedSlower) };
  }
  if (outcome.refusedWrong) {
    return { kind: "refused_wrong", measured: measured(outcome.refusedWrong) };
  }
  return { kind: "failed", ...failure(outcome.failed, "verdict") };
}

function measured(message: retile.wire.v1.IMeasured): Measured {
  const snr = message.outputSnrDb ?? 0;
  return {
    beforeCycles: positive(message.beforeCycles ?? 0, "before_cycles"),
    afterCycles: positive(message.afterCycles ?? 0, "after_cycles"),
    beforeMicroseconds: duration(message.beforeMicroseconds, "before_microseconds"),
    afterMicroseconds: duration(message.afterMicroseconds, "after_microseconds"),
    outputSnrDb: Number.isNaN(snr) ? invalid("output_snr_db", "is not a number") : snr,
  };
}

function duration(value: number | null | undefined, field: string): number {
  const microseconds = finite(value ?? 0, field);
  return microseconds > 0 ? microseconds : invalid(field, "is not positive");
}

function finite(value: number, field: string): number {
  return Number.isFinite(value) ? value : invalid(field, "is not finite");
}

function stage(message: retile.wire.v1.ILifecycle): LifecycleStage {
  switch (message.stage) {
    case v1.Stage.STAGE_ACCEPTED:
      return { kind: "accepted" };
    case v1.Stage.STAGE_INSTALLED:
      return { kind: "installed" };
    case v1.Stage.STAGE_COMPILED:
      return { kind: "compiled" };
    case v1.Stage.STAGE_MEASURED:
      return { kind: "measured" };
    case v1.Stage.STAGE_COMMITTED:
      return { kind: "committed" };
    case v1.Stage.STAGE_INSTALL_FAILED:
      return { kind: "install_failed", ...failure(message.failed, "failed") };
    case v1.Stage.STAGE_ROLLED_BACK:
      return { kind: "rolled_back", ...failure(message.failed, "failed") };
    default:
      return invalid("stage", "is not a known stage");
  }
}

function failure(message: retile.wire.v1.IFailed | null | undefined, field: string) {
  const failed = required(message, field);
  return {
    code: identifier<string>(failed.code ?? "", `${field}.code`),
    message: text(failed.message ?? "", `${field}.message`, TEXT_LENGTH_MAX),
  };
}
