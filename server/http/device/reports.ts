/** Reports come in batches that the device signed once; the answer says what is committed. */
import { failed, succeeded, type Failure } from "../../../protocol/base/result.ts";
import {
  decodeReportBatch,
  decodeSignedReports,
  encodeReportAck,
  openReports,
  type ReportBatch,
} from "../../../protocol/wire/index.ts";
import type { Device } from "../../store/index.ts";
import type { DeviceHandler } from "./call.ts";
import { noteReplay } from "./findings.ts";

export const reports: DeviceHandler = async ({ context, body, verifierOf }) => {
  const signed = decodeSignedReports(body);
  if (!signed.ok) return signed;
  // Whose key to verify with stands in the payload: it is believed only after that.
  const claimed = decodeReportBatch(signed.value.payload);
  if (!claimed.ok) return claimed;
  const { tenant, device: id } = claimed.value;
  const device = await context.store.devices.find(tenant, id);
  if (!device) return failed("DEVICE_UNKNOWN", `Device ${id} is not enrolled.`);
  const opened = openReports(signed.value, verifierOf(device.publicKey));
  if (!opened.ok) return opened;
  const replay = replayOf(opened.value, device);
  if (replay) {
    await noteReplay(context, device, replay.details);
    return replay;
  }
  const acknowledged = await context.store.reports.ingest(opened.value, context.clock());
  if (!acknowledged.ok) return acknowledged;
  context.metrics.countReports(opened.value.reports.length);
  context.tickSoon();
  return succeeded(encodeReportAck(acknowledged.value));
};

/** A device that has said that it knows a batch to be committed does not send it again: somebody else does. */
function replayOf(
  { epoch, firstSequence, reports: sent }: ReportBatch,
  { device, reportEpoch, confirmedSequence }: Device,
): Failure<"REPORTS_REPLAYED"> | undefined {
  const lastSequence = firstSequence + sent.length - 1;
  if (sent.length === 0 || epoch !== reportEpoch || lastSequence > confirmedSequence)
    return undefined;
  const details = { device, epoch, firstSequence, lastSequence };
  return failed("REPORTS_REPLAYED", "The device knows these reports to be committed.", details);
}
