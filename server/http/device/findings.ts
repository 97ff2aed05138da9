/**
 * What devices give away of somebody else's doing: orders that this server never signed, orders that were
 * refused, a second device with one key, reports sent again. Each is written to the audit log for an operator.
 */
import type { Details, Failure } from "../../../protocol/base/result.ts";
import type { CheckInRequest } from "../../../protocol/wire/index.ts";
import type { CheckedIn, Device } from "../../store/index.ts";
import type { ServerContext } from "../context.ts";

/** The actions under which they stand in the audit log. */
export const FINDINGS = {
  unexplained: "order.unexplained",
  refused: "order.refused",
  cloned: "device.cloned",
  replayed: "report.replayed",
} as const;

interface Finding {
  readonly action: (typeof FINDINGS)[keyof typeof FINDINGS];
  readonly subject: string;
  readonly details: Details;
}

/** An order that a device took is in the log of orders, with the same content; else somebody else signed it. */
export async function noteOrders(
  context: ServerContext,
  request: CheckInRequest,
  { isOrderNew }: CheckedIn,
): Promise<void> {
  const { tenant, device, assignment, assignmentSha256, refusedOrder } = request;
  const name = `${device} ${assignment.epoch}/${assignment.sequence}`;
  if (isOrderNew) {
    const issued = await context.store.orders.issued(tenant, device, assignment);
    const isOurs = assignmentSha256 === null || issued?.contentSha256 === assignmentSha256;
    if (!issued || !isOurs) {
      const details = { device, ...assignment, contentSha256: assignmentSha256 ?? "" };
      await note(context, request, { action: FINDINGS.unexplained, subject: name, details });
    }
  }
  if (refusedOrder !== null) {
    const details = { device, code: refusedOrder, ...assignment };
    const subject = `${device} ${refusedOrder}`;
    await note(context, request, { action: FINDINGS.refused, subject, details });
  }
}

export function noteClone(
  context: ServerContext,
  device: Device,
  { code, details }: Failure,
): Promise<void> {
  const finding = {
    action: FINDINGS.cloned,
    subject: device.device,
    details: { code, ...details },
  };
  return note(context, device, finding);
}

export function noteReplay(
  context: ServerContext,
  device: Device,
  details: Details,
): Promise<void> {
  return note(context, device, { action: FINDINGS.replayed, subject: device.device, details });
}

/** A thief who repeats himself fills no log: the same finding is written once in the life of this process. */
const written = new WeakMap<ServerContext, Set<string>>();
const WRITTEN_MAX = 10_000;

async function note(
  context: ServerContext,
  { tenant, device }: Pick<Device, "tenant" | "device">,
  { action, subject, details }: Finding,
): Promise<void> {
  const known = written.get(context) ?? new Set<string>();
  written.set(context, known);
  const key = [tenant, action, subject, JSON.stringify(details)].join("\n");
  if (known.has(key) || known.size >= WRITTEN_MAX) return;
  known.add(key);
  const at = context.clock();
  await context.store.audit.append({ tenant, at, actor: device, action, subject, details });
}
