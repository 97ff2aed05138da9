/** Rollouts: create, steer, and see why they stand where they stand. */
import { brand, type RolloutId } from "../../../protocol/base/brand.ts";
import { hex } from "../../../protocol/base/bytes.ts";
import { failed, succeeded, type Result } from "../../../protocol/base/result.ts";
import {
  createRollout,
  modelOutcomeView,
  rolloutAction,
  rolloutView as rolloutSchema,
} from "../../../protocol/wire/index.ts";
import { standingOf } from "../../jobs/tick.ts";
import { applyAction, type Rollout } from "../../rollout/index.ts";
import { jsonOperation, listOf, readOperation, type Call } from "../operation.ts";
import { assignmentView, decisionView, evidenceView } from "../schemas.ts";
import {
  assignmentViewOf,
  decisionViewOf,
  evidenceViewOf,
  outcomeView,
  rolloutView,
} from "../views.ts";

const SALT_BYTES = 16;

const list = readOperation({
  method: "get",
  path: "/v1/rollouts",
  summary: "Rollouts, newest first.",
  role: "viewer",
  status: 200,
  reply: listOf(rolloutSchema),
  handle: async ({ context, operator }) => {
    const rollouts = await context.store.rollouts.list(operator.tenant);
    return succeeded({ items: rollouts.map(rolloutView) });
  },
});

const create = jsonOperation({
  method: "post",
  path: "/v1/rollouts",
  summary: "Creates a rollout as a draft; nothing happens before it is started.",
  role: "release",
  status: 201,
  accepts: createRollout,
  reply: rolloutSchema,
  handle: async ({ context, operator, body }) => {
    const published = await context.listedReleases();
    const missing = [body.version, body.previousVersion].find(
      (version) => !published.some((release) => release.version === version),
    );
    if (missing !== undefined) {
      return failed(
        "RELEASE_NOT_PUBLISHED",
        `Release ${missing} is not published, or no role lists it any more.`,
      );
    }
    const now = context.clock();
    const rollout: Rollout = {
      ...body,
      id: brand<RolloutId>(body.id),
      tenant: operator.tenant,
      state: "draft",
      stageIndex: 0,
      salt: hex(context.randomBytes(SALT_BYTES)),
      promotedStages: [],
      because: null,
      watermark: 0,
      revision: 0,
      createdAt: now,
      updatedAt: now,
    };
    const created = await context.store.rollouts.create(rollout, `token:${operator.tokenId}`);
    return created.ok ? succeeded(rolloutView(rollout)) : created;
  },
});

const read = readOperation({
  method: "get",
  path: "/v1/rollouts/{id}",
  summary: "One rollout.",
  role: "viewer",
  status: 200,
  reply: rolloutSchema,
  handle: async (call) => {
    const rollout = await findRollout(call);
    return rollout.ok ? succeeded(rolloutView(rollout.value)) : rollout;
  },
});

const act = jsonOperation({
  method: "post",
  path: "/v1/rollouts/{id}/actions",
  summary: "Starts, pauses, resumes, aborts a rollout, or promotes a stage that is underpowered.",
  role: "release",
  status: 200,
  accepts: rolloutAction,
  reply: rolloutSchema,
  handle: async (call) => {
    const { context, operator, body } = call;
    const rollout = await findRollout(call);
    if (!rollout.ok) return rollout;
    const change = applyAction(rollout.value, body);
    if (!change.ok) return change;
    const changed = await context.store.rollouts.change({
      rollout: rollout.value,
      change: change.value,
      decided: null,
      actor: `token:${operator.tokenId}`,
      action: `rollout.${body.action}`,
      now: context.clock(),
    });
    context.fleet.forget(operator.tenant);
    context.tickSoon();
    return changed.ok ? succeeded(rolloutView(changed.value)) : changed;
  },
});

const evidence = readOperation({
  method: "get",
  path: "/v1/rollouts/{id}/evidence",
  summary: "What the gate knows: devices by stage, and every model on every hardware class.",
  role: "viewer",
  status: 200,
  reply: evidenceView,
  handle: async (call) => {
    const rollout = await findRollout(call);
    if (!rollout.ok) return rollout;
    const standing = await standingOf(rollout.value, call.context);
    return succeeded(evidenceViewOf(rollout.value, standing));
  },
});

const decisions = readOperation({
  method: "get",
  path: "/v1/rollouts/{id}/decisions",
  summary: "What the gate decided, newest first, each replayed from its stored inputs.",
  role: "viewer",
  status: 200,
  reply: listOf(decisionView),
  handle: async (call) => {
    const rollout = await findRollout(call);
    if (!rollout.ok) return rollout;
    const { tenant, id } = rollout.value;
    const records = await call.context.store.rollouts.decisions(tenant, id);
    return succeeded({ items: records.map(decisionViewOf) });
  },
});

const outcomes = readOperation({
  method: "get",
  path: "/v1/rollouts/{id}/outcomes",
  summary: "Every model on every device, before and after.",
  role: "viewer",
  status: 200,
  reply: listOf(modelOutcomeView),
  handle: async (call) => {
    const rollout = await findRollout(call);
    if (!rollout.ok) return rollout;
    const { tenant, id } = rollout.value;
    const found = await call.context.store.reports.outcomes(tenant, id);
    return succeeded({ items: found.map(outcomeView) });
  },
});

const assignments = readOperation({
  method: "get",
  path: "/v1/rollouts/{id}/assignments",
  summary: "Which devices were assigned, and how far each has come.",
  role: "viewer",
  status: 200,
  reply: listOf(assignmentView),
  handle: async (call) => {
    const rollout = await findRollout(call);
    if (!rollout.ok) return rollout;
    const { tenant, id } = rollout.value;
    const found = await call.context.store.assignments.ofRollout(tenant, id);
    return succeeded({ items: found.map(assignmentViewOf) });
  },
});

export const ROLLOUTS = [list, create, read, act, evidence, decisions, outcomes, assignments];

async function findRollout({
  context,
  operator,
  parameters,
}: Pick<Call<unknown, unknown>, "context" | "operator" | "parameters">): Promise<
  Result<Rollout, "NOT_FOUND">
> {
  const id = brand<RolloutId>(parameters["id"] ?? "");
  const rollout = await context.store.rollouts.find(operator.tenant, id);
  return rollout ? succeeded(rollout) : failed("NOT_FOUND", `There is no rollout ${id}.`);
}
