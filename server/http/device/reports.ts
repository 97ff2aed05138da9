/** Reports come in batches that the device signed once; the answer says what is committed. */
import { failed, succeeded } from "../../../protocol/base/result.ts";
import {
  decodeReportBatch,
  decodeSignedReports,
  encodeReportAck,
  openReports,
} from "../../../protocol/wire/index.ts";
import type { DeviceHandler } from "./call.ts";

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
  const acknowledged = await context.store.reports.ingest(opened.value, context.clock());
  if (!acknowledged.ok) return acknowledged;
  context.metrics.countReports(opened.value.reports.length);
  context.tickSoon();
  return succeeded(encodeReportAck(acknowledged.value));
};
