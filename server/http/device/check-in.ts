/** A device says what it is and learns what to do: the decision is pure, its assignment signed and kept. */
import { unreachable } from "../../../protocol/base/assert.ts";
import type { Instant } from "../../../protocol/base/brand.ts";
import { failed, succeeded } from "../../../protocol/base/result.ts";
import type { DirectorKeys } from "../../../protocol/metadata/index.ts";
import {
  decodeCheckInRequest,
  encodeCheckInReply,
  type CheckInDecision,
  type CheckInRequest,
} from "../../../protocol/wire/index.ts";
import { decideCheckIn, type CheckInAnswer, type FleetSnapshot } from "../../rollout/index.ts";
import type { StoredAssignment } from "../../store/index.ts";
import { issueAssignment, usableKeys } from "../assign.ts";
import type { ServerContext } from "../context.ts";
import { deviceStateOf } from "../device-state.ts";
import type { DeviceHandler } from "./call.ts";
import { noteClone, noteOrders } from "./findings.ts";
import { recallFor, withoutRecalled } from "./recalls.ts";

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
  const { tenant, device: id, current, models } = request;
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
  const { assignments } = checkedIn.value;
  await noteOrders(context, request, checkedIn.value);
  const isFirst = device.lastSeenAt === null;
  const view = await context.fleet.view(tenant);
  const { snapshot } = view;
  // When devices show their models one after the other, each would be the first that has them.
  const counted = isFirst ? [] : models;
  const state = deviceStateOf({ device, current, models: counted, assignments });
  const recalls = await context.store.orders.recalls(tenant);
  const answer = withoutRecalled(decideCheckIn(state, snapshot), recalls);
  if (isFirst) context.fleet.forget(tenant);
  const directorKeys = usableKeys(view, context, now);
  const input = { request, answer, directorKeys, snapshot, now };
  const recalled = await recallFor({ request, recalls, directorKeys, now }, context);
  const { decision, explanation } = recalled ?? (await carryOut(input, context));
  return succeeded(
    encodeCheckInReply({
      decision,
      explanation,
      pollIntervalSeconds: context.pollIntervalSeconds,
      directorEpoch: directorKeys?.epoch ?? 0,
      serverTime: now,
    }),
  );
};

interface Answered {
  readonly request: CheckInRequest;
  readonly answer: CheckInAnswer;
  readonly directorKeys: DirectorKeys | undefined;
  readonly snapshot: FleetSnapshot;
  readonly now: Instant;
}

interface Carried {
  readonly decision: CheckInDecision;
  readonly explanation: string;
}

async function carryOut(input: Answered, context: ServerContext): Promise<Carried> {
  const { answer } = input;
  const { explanation } = answer;
  switch (answer.kind) {
    case "hold":
      return { decision: { kind: "hold", code: answer.code }, explanation };
    case "nothing":
      return { decision: { kind: "hold", code: "NO_ROLLOUT" }, explanation };
    case "assign": {
      if (!input.directorKeys) {
        const missing =
          "The director of this tenant has no valid published key: nothing is assigned.";
        return { decision: { kind: "hold", code: "NO_ROLLOUT" }, explanation: missing };
      }
      const { envelope } = await assignmentFor({ ...input, answer }, input.directorKeys, context);
      return { decision: { kind: "assignment", envelope }, explanation };
    }
    default:
      return unreachable(answer);
  }
}

type Assigned = Answered & { readonly answer: Extract<CheckInAnswer, { kind: "assign" }> };

/** The one that the device was given before, as long as it serves; checking in twice changes nothing. */
async function assignmentFor(
  input: Assigned,
  directorKeys: DirectorKeys,
  context: ServerContext,
): Promise<StoredAssignment> {
  const { request, answer, now } = input;
  const { tenant, device } = request;
  const { rollout, purpose } = answer;
  const known = await context.store.assignments.find(tenant, device, { rollout, purpose });
  const isUnderWay = known?.status === "assigned" || known?.status === "accepted";
  const isFresh = known !== undefined && known.startBefore - now > RENEWAL_MS;
  if (known && isUnderWay && isFresh && known.epoch === directorKeys.epoch) return known;
  const lifetime = { startMs: START_MS, activateMs: ACTIVATE_MS };
  return issueAssignment({ ...input, tenant, device, lifetime }, directorKeys, context);
}
