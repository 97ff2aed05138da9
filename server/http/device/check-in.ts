/** A device says what it is and learns what to do: the decision is pure, its assignment signed and kept. */
import { unreachable } from "../../../protocol/base/assert.ts";
import { failed, succeeded } from "../../../protocol/base/result.ts";
import type { DirectorKeys } from "../../../protocol/metadata/index.ts";
import { decodeCheckInRequest, encodeCheckInReply } from "../../../protocol/wire/index.ts";
import type { CheckInAnswer } from "../../rollout/index.ts";
import type { StoredAssignment } from "../../store/index.ts";
import { answerFor, type Answered } from "../answer.ts";
import { issueAssignment } from "../assign.ts";
import type { ServerContext } from "../context.ts";
import type { DeviceHandler } from "./call.ts";
import { noteClone, noteOrders } from "./findings.ts";
import { recallFor, type OrderAnswer, type RecallInput } from "./recalls.ts";

const HOUR_MS = 3600 * 1000;
/** A download may begin this long after the assignment. */
const START_MS = 24 * HOUR_MS;
/** And the switch happen this long after. */
const ACTIVATE_MS = 72 * HOUR_MS;
/** With less than this left, the device gets a fresh one. */
const RENEWAL_MS = 12 * HOUR_MS;

export const checkIn: DeviceHandler = async ({ context, body, authenticate }) => {
  const decoded = decodeCheckInRequest(body);
  if (!decoded.ok) return decoded;
  const request = decoded.value;
  const { tenant, device: id } = request;
  const device = await context.store.devices.find(tenant, id);
  if (!device) return failed("DEVICE_UNKNOWN", `Device ${id} is not enrolled.`);
  const signed = authenticate(device.publicKey);
  if (!signed.ok) return signed;
  const now = context.clock();
  const checkedIn = await context.store.devices.checkIn(request, now);
  if (!checkedIn.ok) {
    await noteClone(context, device, checkedIn);
    return checkedIn;
  }
  await noteOrders(context, request, checkedIn.value);
  const isFirst = device.lastSeenAt === null;
  // When devices show their models one after the other, each would be the first that has them.
  const models = isFirst ? [] : request.models;
  const { current, sandbox } = request;
  const { assignments } = checkedIn.value;
  const answered = await answerFor({ device, current, sandbox, models, assignments }, context);
  if (isFirst) context.fleet.forget(tenant);
  const asked = { request, now, ...answered };
  const { decision, explanation } =
    (await recallFor(asked, context)) ?? (await answerWith(asked, context));
  return succeeded(
    encodeCheckInReply({
      decision,
      explanation,
      pollIntervalSeconds: context.pollIntervalSeconds,
      directorEpoch: asked.directorKeys?.epoch ?? 0,
      serverTime: now,
    }),
  );
};

type Asked = RecallInput & Answered;

async function answerWith(asked: Asked, context: ServerContext): Promise<OrderAnswer> {
  const { answer, directorKeys } = asked;
  const { explanation } = answer;
  switch (answer.kind) {
    case "hold":
      return { decision: { kind: "hold", code: answer.code }, explanation };
    case "nothing":
      return { decision: { kind: "hold", code: "NO_ROLLOUT" }, explanation };
    case "assign": {
      if (!directorKeys) {
        const missing =
          "The director of this tenant has no valid published key: nothing is assigned.";
        return { decision: { kind: "hold", code: "NO_ROLLOUT" }, explanation: missing };
      }
      const { envelope } = await assignmentFor({ ...asked, answer }, directorKeys, context);
      return { decision: { kind: "assignment", envelope }, explanation };
    }
    default:
      return unreachable(answer);
  }
}

type Assigned = Asked & { readonly answer: Extract<CheckInAnswer, { kind: "assign" }> };

/** The one that the device was given before, as long as it serves; checking in twice changes nothing. */
async function assignmentFor(
  asked: Assigned,
  directorKeys: DirectorKeys,
  context: ServerContext,
): Promise<StoredAssignment> {
  const { request, answer } = asked;
  const { tenant, device } = request;
  const { rollout, purpose } = answer;
  const known = await context.store.assignments.find(tenant, device, { rollout, purpose });
  if (known && serves(known, directorKeys, asked)) return known;
  const lifetime = { startMs: START_MS, activateMs: ACTIVATE_MS };
  return issueAssignment({ ...asked, tenant, device, lifetime }, directorKeys, context);
}

/** Not of an earlier epoch, not about to run out, and not before an order that the device has taken since. */
function serves(
  { status, startBefore, epoch, sequence }: StoredAssignment,
  directorKeys: DirectorKeys,
  { request, now }: Asked,
): boolean {
  const isUnderWay = status === "assigned" || status === "accepted";
  const isFresh = startBefore - now > RENEWAL_MS && epoch === directorKeys.epoch;
  const taken = request.assignment;
  const isOvertaken = taken.epoch === epoch && taken.sequence > sequence;
  return isUnderWay && isFresh && !isOvertaken;
}
