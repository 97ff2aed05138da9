/** Recalls on their way to devices: an order of the director until the device has taken it. */
import {
  instant,
  type DeviceId,
  type Instant,
  type TenantId,
} from "../../../protocol/base/brand.ts";
import { authorRecall, signOrder, type DirectorKeys } from "../../../protocol/metadata/index.ts";
import type { CheckInDecision, CheckInRequest } from "../../../protocol/wire/index.ts";
import type { IssuedOrder, Recall } from "../../store/index.ts";
import type { ServerContext } from "../context.ts";

const DAY_MS = 24 * 3600 * 1000;
/** A recall may be taken up this long. */
const START_MS = 7 * DAY_MS;
/** With less than this left, the device gets a fresh one. */
const RENEWAL_MS = DAY_MS;

export interface RecallInput {
  readonly request: CheckInRequest;
  readonly recalls: readonly Recall[];
  readonly directorKeys: DirectorKeys | undefined;
  readonly now: Instant;
}

export interface OrderAnswer {
  readonly decision: CheckInDecision;
  readonly explanation: string;
}

/** Undefined where there is nothing to recall, or the device has taken it, or has refused it. */
export async function recallFor(
  { request, recalls, directorKeys, now }: RecallInput,
  context: ServerContext,
): Promise<OrderAnswer | undefined> {
  const newest = recalls.at(-1);
  const isRefused = request.refusedOrder?.startsWith("RECALL_") === true;
  if (!newest || !directorKeys || isRefused) return undefined;
  const { tenant, device } = request;
  const known = await context.store.orders.newestRecallOrder(tenant, device);
  const current = known?.subject === String(newest.number) ? known : undefined;
  if (current && isTaken(current, request)) return undefined;
  const isFresh = current?.epoch === directorKeys.epoch && current.startBefore - now > RENEWAL_MS;
  const toIssue = { tenant, device, recalls, directorKeys, now, lifetimeMs: START_MS };
  const order = isFresh ? current : await issueRecall(toIssue, context);
  if (!order) return undefined;
  const explanation = `Driver ${newest.version} is recalled: ${newest.reason}`;
  return { decision: { kind: "assignment", envelope: order.envelope }, explanation };
}

function isTaken({ epoch, sequence }: IssuedOrder, { assignment }: CheckInRequest): boolean {
  return (
    assignment.epoch > epoch || (assignment.epoch === epoch && assignment.sequence >= sequence)
  );
}

export interface RecallToIssue {
  readonly tenant: TenantId;
  readonly device: DeviceId;
  readonly recalls: readonly Recall[];
  readonly directorKeys: DirectorKeys;
  readonly now: Instant;
  readonly lifetimeMs: number;
  /** For a stick. */
  readonly timestampVersion?: number;
}

/** Of everything that was ever recalled; undefined where nothing was. */
export async function issueRecall(
  toIssue: RecallToIssue,
  { store, keys }: ServerContext,
): Promise<IssuedOrder | undefined> {
  const { tenant, device, recalls, directorKeys, now, lifetimeMs, timestampVersion } = toIssue;
  const signer = keys.director(tenant);
  const newest = recalls.at(-1);
  if (!signer || !newest) return undefined;
  const startBefore = instant(now + lifetimeMs);
  const fields = {
    ...{ tenant, device, startBefore, returnTo: null, reason: newest.reason },
    recalled: [...new Set(recalls.flatMap(({ sha256s }) => sha256s))],
    ...(timestampVersion !== undefined && { airGapped: true, timestampVersion }),
  };
  return store.orders.issue({
    ...{ tenant, device, startBefore, now, epoch: directorKeys.epoch },
    ...{ kind: "recall", subject: String(newest.number) },
    sign: (order) => signOrder(authorRecall({ ...fields, ...order }), signer),
  });
}
