/**
 * Reports that the server has not acknowledged, as data inside the agent's one state file: a report is
 * written in the very step that it reports, so none is lost and none is told twice. It is known by (epoch,
 * sequence); the server's acknowledgement of a sequence lets everything up to it go.
 */
import { z } from "zod";
import { assert } from "../../protocol/base/assert.ts";
import type { DeviceId, TenantId } from "../../protocol/base/brand.ts";
import { failed, succeeded, type Result } from "../../protocol/base/result.ts";
import type { Signer } from "../../protocol/crypto/index.ts";
import {
  decodeReportBatch,
  encodeReportBatch,
  signReports,
  type Report,
  type ReportAck,
  type WireCode,
} from "../../protocol/wire/index.ts";

export interface Outbox {
  /** Of the enrolment; zero before the first. */
  readonly epoch: number;
  /** Of the first report in `reports`. */
  readonly firstSequence: number;
  /** A batch of one each, in wire form (base64): whoever reads it checks it as the server would. */
  readonly reports: readonly string[];
}

export const outboxSchema: z.ZodType<Outbox> = z.strictObject({
  epoch: z.int().min(0),
  firstSequence: z.int().min(1),
  reports: z.array(z.base64()).readonly(),
});

export interface ReportAuthor {
  readonly tenant: TenantId;
  readonly device: DeviceId;
}

/** Some 20 updates of a device with 100 models that is never online; the oldest go first then. */
export const OUTBOX_REPORTS_MAX = 2500;
/** Well below what the server reads at once, whatever the reports hold. */
export const BATCH_REPORTS_MAX = 200;

export const EMPTY_OUTBOX: Outbox = { epoch: 0, firstSequence: 1, reports: [] };

/** A new enrolment starts a new epoch; what was not acknowledged in the old one is told in the new one. */
export function startEpoch(outbox: Outbox, epoch: number): Outbox {
  assert(epoch >= 1, "epochs count from one");
  return outbox.epoch === epoch ? outbox : { ...outbox, epoch, firstSequence: 1 };
}

export function enqueue(
  outbox: Outbox,
  reports: readonly Report[],
  { tenant, device }: ReportAuthor,
): Outbox {
  const added = reports.map((report) => {
    const batch = { tenant, device, epoch: 1, firstSequence: 1, reports: [report] };
    return Buffer.from(encodeReportBatch(batch)).toString("base64");
  });
  const all = [...outbox.reports, ...added];
  const dropped = Math.max(0, all.length - OUTBOX_REPORTS_MAX);
  return {
    ...outbox,
    firstSequence: outbox.firstSequence + dropped,
    reports: all.slice(dropped),
  };
}

export function pendingReports(outbox: Outbox): Result<readonly Report[], WireCode> {
  const reports: Report[] = [];
  for (const text of outbox.reports) {
    const batch = decodeReportBatch(new Uint8Array(Buffer.from(text, "base64")));
    if (!batch.ok) return batch;
    reports.push(...batch.value.reports);
  }
  return succeeded(reports);
}

/** The oldest reports as one signed batch; undefined when there are none. */
export async function nextBatch(
  outbox: Outbox,
  author: ReportAuthor,
  signer: Signer,
): Promise<Result<Uint8Array | undefined, WireCode>> {
  if (outbox.reports.length === 0) return succeeded(undefined);
  const { epoch, firstSequence } = outbox;
  const oldest = { ...outbox, reports: outbox.reports.slice(0, BATCH_REPORTS_MAX) };
  const reports = pendingReports(oldest);
  if (!reports.ok) return reports;
  const batch = { ...author, epoch, firstSequence, reports: reports.value };
  return succeeded(await signReports(batch, signer));
}

export type AcknowledgeCode = "ACK_OF_ANOTHER_EPOCH" | "ACK_OF_THE_FUTURE";

export function acknowledge(outbox: Outbox, ack: ReportAck): Result<Outbox, AcknowledgeCode> {
  if (ack.epoch !== outbox.epoch) {
    const details = { expected: outbox.epoch, got: ack.epoch };
    return failed("ACK_OF_ANOTHER_EPOCH", "The server acknowledged another epoch.", details);
  }
  const count = ack.acknowledgedSequence - outbox.firstSequence + 1;
  if (count > outbox.reports.length) {
    return failed("ACK_OF_THE_FUTURE", "The server acknowledged what was never sent.");
  }
  if (count <= 0) return succeeded(outbox);
  const firstSequence = ack.acknowledgedSequence + 1;
  return succeeded({ ...outbox, firstSequence, reports: outbox.reports.slice(count) });
}

export function acknowledgedSequence(outbox: Outbox): number {
  return outbox.firstSequence - 1;
}
