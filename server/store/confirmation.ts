/** What a device has said that it knows, and how a copy of it gives itself away: by knowing less. */
import { failed, type Failure } from "../../protocol/base/result.ts";
import type { AssignmentOrder, CheckInRequest } from "../../protocol/wire/index.ts";

export interface Confirmation {
  readonly reportEpoch: number;
  /** Reports that were committed. */
  readonly acknowledged: number;
  /** Of those, the ones that the device said it knows of. */
  readonly sequence: number;
  /** The last order that the device said it accepted. */
  readonly order: AssignmentOrder;
}

/** A device persists before it speaks, so its word never goes back. */
export function checkMemory(
  { device, reportEpoch, acknowledgedSequence, assignment }: CheckInRequest,
  confirmed: Confirmation,
): Failure<"DEVICE_CLONED"> | undefined {
  const isSameEpoch = reportEpoch === confirmed.reportEpoch;
  const forgot = isSameEpoch && acknowledgedSequence < confirmed.sequence;
  const invented = isSameEpoch && acknowledgedSequence > confirmed.acknowledged;
  if (!forgot && !invented && !isLater(confirmed.order, assignment)) return undefined;
  const message = `Device ${device} does not remember what it said before: two devices have its key.`;
  const details = { device, acknowledgedSequence, known: confirmed.sequence };
  return failed("DEVICE_CLONED", message, details);
}

export function isLater(order: AssignmentOrder, than: AssignmentOrder): boolean {
  if (order.epoch !== than.epoch) return order.epoch > than.epoch;
  return order.sequence > than.sequence;
}
