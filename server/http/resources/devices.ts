/** Devices, and why one was not updated. */
import { present, unreachable } from "../../../protocol/base/assert.ts";
import { brand, instant, type DeviceId } from "../../../protocol/base/brand.ts";
import { failed, succeeded, type Result } from "../../../protocol/base/result.ts";
import { deviceView } from "../../../protocol/wire/index.ts";
import type { z } from "zod";
import type { AssignmentFact, CheckInAnswer } from "../../rollout/index.ts";
import type { Device } from "../../store/index.ts";
import { answerFor, type Answered } from "../answer.ts";
import { issueAssignment, type ToAssign } from "../assign.ts";
import type { ServerContext } from "../context.ts";
import { issueRecall } from "../device/recalls.ts";
import { jsonOperation, listOf, readOperation, type Call } from "../operation.ts";
import {
  deviceDetails,
  explanationView,
  holdRequest,
  offlineAssignmentRequest,
  offlineAssignmentView,
  pageQuery,
} from "../schemas.ts";
import { assignmentViewOf, deviceViewOf, timeText } from "../views.ts";
import { audit } from "./access.ts";

const list = readOperation({
  method: "get",
  path: "/v1/devices",
  summary: "Devices in the order of their names.",
  role: "viewer",
  status: 200,
  query: pageQuery,
  reply: listOf(deviceView),
  handle: async ({ context, operator, query }) => {
    const { after, limit } = query;
    const page = { limit, ...(after !== undefined && { after }) };
    const found = await context.store.devices.list(operator.tenant, page);
    return succeeded({ items: found.map((device) => deviceViewOf(device, device.rollout)) });
  },
});

const read = readOperation({
  method: "get",
  path: "/v1/devices/{id}",
  summary: "One device with its models and assignments.",
  role: "viewer",
  status: 200,
  reply: deviceDetails,
  handle: async (call) => {
    const found = await findDevice(call);
    if (!found.ok) return found;
    const { device, assignments } = found.value;
    const models = await call.context.store.devices.models(device.tenant, device.device);
    return succeeded({
      device: deviceViewOf(device, assignments.at(-1)?.rollout ?? null),
      status: device.status,
      enrolledAt: timeText(device.enrolledAt),
      models: [...models],
      assignments: assignments.map(assignmentViewOf),
    });
  },
});

const explain = readOperation({
  method: "get",
  path: "/v1/devices/{id}/explanation",
  summary: "What the device would be told if it checked in now, and why.",
  role: "viewer",
  status: 200,
  reply: explanationView,
  handle: async (call) => {
    const found = await findDevice(call);
    if (!found.ok) return found;
    const answered = await answerNow(found.value, call.context);
    if (answered) return succeeded(explanationOf(answered.answer));
    const explanation = "The device is enrolled and has not checked in yet.";
    return succeeded({ ...NO_ANSWER, decision: "nothing", explanation });
  },
});

const hold = jsonOperation({
  method: "post",
  path: "/v1/devices/{id}/hold",
  summary: "Holds a device at its driver, or releases it.",
  role: "release",
  status: 200,
  accepts: holdRequest,
  reply: holdRequest.pick({ held: true }),
  handle: async ({ context, operator, parameters, body }) => {
    const device = brand<DeviceId>(parameters["id"] ?? "");
    const status = body.held ? "held" : "active";
    if (!(await context.store.devices.setStatus(operator.tenant, device, status))) {
      return failed("NOT_FOUND", `There is no device ${device}.`);
    }
    context.fleet.forget(operator.tenant);
    const action = body.held ? "device.hold" : "device.release";
    const details = { because: body.because };
    await audit({ context, operator }, { action, subject: device, details });
    return succeeded({ held: body.held });
  },
});

const DAY_MS = 24 * 3600 * 1000;

const assignOffline = jsonOperation({
  method: "post",
  path: "/v1/devices/{id}/offline-assignment",
  summary:
    "The order that the device would be given now, for a stick: it lives longer and says so.",
  role: "release",
  status: 200,
  accepts: offlineAssignmentRequest,
  reply: offlineAssignmentView,
  handle: async (call) => {
    const found = await findDevice(call);
    if (!found.ok) return found;
    const { context, operator, body } = call;
    const { device } = found.value;
    const { tenant } = device;
    const answered = await answerNow(found.value, context);
    if (!answered) return failed("NOTHING_TO_ASSIGN", "The device has never checked in.");
    const { answer, snapshot, recalls, directorKeys } = answered;
    const now = context.clock();
    if (!directorKeys || (answer.kind !== "assign" && recalls.length === 0)) {
      return failed("NOTHING_TO_ASSIGN", answer.explanation);
    }
    const lifetimeMs = body.days * DAY_MS;
    const airGapped = await carriedWith(device, context);
    const { timestampVersion } = airGapped;
    const common = { tenant, device: device.device, now };
    const toRecall = { ...common, recalls, directorKeys, lifetimeMs, timestampVersion };
    const recall = await issueRecall(toRecall, context);
    const lifetime = { startMs: lifetimeMs, activateMs: lifetimeMs };
    const toAssign = { ...common, snapshot, airGapped, lifetime };
    const issued =
      answer.kind === "assign"
        ? await issueAssignment({ ...toAssign, answer }, directorKeys, context)
        : undefined;
    const target = answer.kind === "assign" ? answer.target : null;
    const details = { version: target?.version ?? "", recalls: recalls.length, days: body.days };
    await audit(
      { context, operator },
      { action: "device.export", subject: device.device, details },
    );
    return succeeded({
      envelope: issued ? base64(issued.envelope) : null,
      target: target && { path: target.path, version: target.version },
      recall: recall ? base64(recall.envelope) : null,
      family: device.soc,
      startBefore: timeText(instant(now + lifetimeMs)),
    });
  },
});

/** Undefined before the first check-in: nobody knows yet what the device is. */
async function answerNow(
  { device, assignments }: FoundDevice,
  context: ServerContext,
): Promise<Answered | undefined> {
  const { tenant, current, sandbox } = device;
  if (!current) return undefined;
  const models = await context.store.devices.models(tenant, device.device);
  return answerFor({ device, current, sandbox, models, assignments }, context);
}

function base64(bytes: Uint8Array): string {
  return Buffer.from(bytes).toString("base64");
}

/** What a stick's order says of the repository and of the device's reports as they are now. */
async function carriedWith(
  { reportEpoch, acknowledgedSequence }: Device,
  { store }: ServerContext,
): Promise<NonNullable<ToAssign["airGapped"]>> {
  const newest = await store.repository.newestMetadata();
  const timestamp = newest.find(({ role }) => role === "timestamp");
  const reports = { epoch: reportEpoch, acknowledgedSequence };
  return { timestampVersion: present(timestamp, "a published timestamp").version, reports };
}

export const DEVICES = [list, read, explain, hold, assignOffline];

interface FoundDevice {
  readonly device: Device;
  readonly assignments: readonly AssignmentFact[];
}

async function findDevice({
  context,
  operator,
  parameters,
}: Pick<Call<unknown, unknown>, "context" | "operator" | "parameters">): Promise<
  Result<FoundDevice, "NOT_FOUND">
> {
  const id = brand<DeviceId>(parameters["id"] ?? "");
  const device = await context.store.devices.find(operator.tenant, id);
  if (!device) return failed("NOT_FOUND", `There is no device ${id}.`);
  const assignments = await context.store.assignments.ofDevice(operator.tenant, id);
  return succeeded({ device, assignments });
}

const NO_ANSWER = { code: null, rollout: null, stage: null, version: null };

function explanationOf(answer: CheckInAnswer): z.input<typeof explanationView> {
  const { explanation } = answer;
  switch (answer.kind) {
    case "assign": {
      const { rollout, stage, target } = answer;
      const { version } = target;
      return { ...NO_ANSWER, decision: "assign", rollout, stage, version, explanation };
    }
    case "hold":
      return { ...NO_ANSWER, decision: "hold", code: answer.code, explanation };
    case "nothing":
      return { ...NO_ANSWER, decision: "nothing", explanation };
    default:
      return unreachable(answer);
  }
}
