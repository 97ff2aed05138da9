/** Asks the server, verifies what it says against the offline keys, and accepts the assignment or not. */
import type { TenantId } from "../../protocol/base/brand.ts";
import { unreachable } from "../../protocol/base/assert.ts";
import { succeeded, type Failure, type Result } from "../../protocol/base/result.ts";
import type { Signer } from "../../protocol/crypto/index.ts";
import {
  DIRECTOR_CODES,
  directorKeysPath,
  hardwarePolicyPath,
  parseDriverPath,
  readDirectorKeys,
  readHardwarePolicy,
  verifyOrder,
  type Assignment,
  type DirectorKeys,
  type HardwarePolicy,
  type Order,
  type TrustedSet,
  type TrustOptions,
} from "../../protocol/metadata/index.ts";
import type { HoldCode } from "../../protocol/wire/index.ts";
import { sandboxLevel } from "../host/index.ts";
import { acknowledge } from "../report/index.ts";
import { accept, finishAssignment, isSame, recall, renew } from "../slots/index.ts";
import {
  decideUpdate,
  downloadTarget,
  IMAGE_CODES,
  RECALL_CODES,
  refresh,
  resolveTarget,
  resolveTopLevelTarget,
  type RefreshPorts,
  type UpdateDecision,
} from "../update/index.ts";
import { abandon } from "./abandon.ts";
import { checkInRequest } from "./check-in-request.ts";
import { interfacesOf, persist, type Context } from "./context.ts";
import { readDeviceKey } from "./device-key.ts";
import { collectGarbage } from "./garbage.ts";
import { metadataStore } from "./metadata-store.ts";
import type { PollOutcome } from "./poll-outcome.ts";

/** Undefined: an update is to be carried out; it was accepted now or, under way already, still stands. */
export async function checkIn(
  context: Context,
  signer: Signer,
): Promise<Result<PollOutcome | undefined>> {
  const { ports, journal } = context;
  const reply = await ports.server.checkIn(await checkInRequest(context), signer);
  if (!reply.ok) return reply;
  const { decision, explanation, pollIntervalSeconds } = reply.value;
  const { state } = journal;
  if (pollIntervalSeconds !== state.pollIntervalSeconds || state.refusedOrder !== null) {
    await journal.write({ ...state, pollIntervalSeconds, refusedOrder: null });
  }
  switch (decision.kind) {
    case "hold":
      return succeeded(await hold(context, decision.code, explanation));
    case "assignment":
      return takeAssignment(context, decision.envelope);
    default:
      return unreachable(decision);
  }
}

/** Asked again while an update is under way: an answer that cannot be had or trusted changes nothing. */
export async function reconsider(context: Context): Promise<PollOutcome | undefined> {
  const signer = await readDeviceKey(context.ports.files);
  if (!signer) return undefined;
  const asked = await checkIn(context, signer);
  if (asked.ok) return asked.value;
  const { code, message } = asked;
  context.ports.log({ event: "not_reconsidered", details: { code, message } });
  return undefined;
}

/** A hold that may pass lets an update wait where it stands; one that will not ends it. */
async function hold(context: Context, code: HoldCode, because: string): Promise<PollOutcome> {
  const { update } = context.journal.state.slots;
  if (update.kind === "idle") return { kind: "held", code, because };
  const { candidate } = update;
  if (FINAL_HOLDS.has(code)) return abandon(context, candidate, { code, message: because });
  return { kind: "waiting", to: candidate.driver, code, message: because };
}

const FINAL_HOLDS: ReadonlySet<HoldCode> = new Set([
  "ROLLOUT_HALTED",
  "RELEASE_RECALLED",
  "NOT_COMPATIBLE",
  "NOT_IN_COHORT",
  "ALREADY_TRIED",
]);

/** An order, from a check-in or from a stick: verified alike, but that what was carried may have taken its time. */
export async function takeAssignment(
  context: Context,
  envelope: Uint8Array,
  { onlineGraceMs = 0 }: TrustOptions = {},
): Promise<Result<PollOutcome | undefined>> {
  const { ports, journal } = context;
  const { tenant, device, slots } = journal.state;
  const update: RefreshPorts = {
    fetch: ports.server.fetch,
    store: metadataStore(ports.files),
    now: ports.clock.now(),
    onlineGraceMs,
    onNotice: ({ code, role }) =>
      ports.log({ event: "metadata_discarded", details: { code, role } }),
  };
  const trusted = await refresh(update);
  if (!trusted.ok) return trusted;
  const authority = await readAuthority(trusted.value, update, { tenant, soc: ports.soc.name });
  if (!authority.ok) return authority;
  const { directorKeys, policy } = authority.value;
  const { accepted, current, previous, recovery, recalled } = slots;
  const drivers = { current, previous, recovery, recalled: recalled.sha256s };
  const { now, isStale, timestamp } = trusted.value;
  const decided = await decideUpdate({
    envelope,
    directorKeys,
    policy,
    facts: {
      ...{ tenant, device, ...interfacesOf(ports.soc), ...drivers, accepted },
      sandbox: sandboxLevel(ports.tools),
    },
    now,
    metadata: { timestampVersion: timestamp?.version ?? 0, isStale },
    fetch: update.fetch,
    resolve: (path) => resolveTarget(trusted.value, update, path),
  });
  if (decided.ok) return succeeded(await acceptUpdate(context, decided.value));
  const isImage = IMAGE_CODES.some((code) => code === decided.code);
  const order = verifyOrder(envelope, directorKeys, { tenant, device, now, accepted });
  if (isImage && order.ok && order.value._type === "assignment") {
    return succeeded(await refuseImage(context, order.value, decided));
  }
  await noteRefusal(context, decided);
  return decided;
}

/** For the next check-in to tell: an order that is not taken is the operator's business. */
async function noteRefusal({ journal }: Context, { code }: Failure): Promise<void> {
  if (journal.state.refusedOrder === code || !ORDER_CODES.has(code)) return;
  await journal.write({ ...journal.state, refusedOrder: code });
}

const ORDER_CODES: ReadonlySet<string> = new Set([
  ...DIRECTOR_CODES,
  ...IMAGE_CODES,
  ...RECALL_CODES,
]);

/** The director's word is good, its image is not for this device: the server hears of it. */
async function refuseImage(
  context: Context,
  assignment: Assignment,
  { code, message }: Failure,
): Promise<PollOutcome> {
  const { slots } = context.journal.state;
  const { path, sha256 } = assignment.target;
  const { update } = slots;
  if (update.kind !== "idle" && update.candidate.driver.sha256 === sha256) {
    return abandon(context, update.candidate, { code, message });
  }
  const to = { version: parseDriverPath(path)?.version ?? slots.current.version, sha256 };
  await persist(context, {
    slots: finishAssignment(slots, acceptedOf(assignment)),
    bodies: [{ kind: "lifecycle", stage: { kind: "install_failed", code, message } }],
    from: slots.current,
    to,
    rollout: assignment.rollout,
  });
  return { kind: "refused", from: slots.current, to, code, message, summary: null };
}

interface Authority {
  readonly directorKeys: DirectorKeys;
  readonly policy: HardwarePolicy | undefined;
}

/** What only the top-level targets role may say, whatever it delegates. */
async function readAuthority(
  trusted: TrustedSet,
  update: RefreshPorts,
  { tenant, soc }: { readonly tenant: TenantId; readonly soc: string },
): Promise<Result<Authority>> {
  const keys = await topLevelTarget(trusted, update, directorKeysPath(tenant));
  if (!keys.ok) return keys;
  const directorKeys = readDirectorKeys(keys.value, tenant);
  if (!directorKeys.ok) return directorKeys;
  const path = hardwarePolicyPath(soc);
  if (!trusted.targets?.targets.has(path)) {
    return succeeded({ directorKeys: directorKeys.value, policy: undefined });
  }
  const bytes = await topLevelTarget(trusted, update, path);
  if (!bytes.ok) return bytes;
  const policy = readHardwarePolicy(bytes.value, soc);
  if (!policy.ok) return policy;
  return succeeded({ directorKeys: directorKeys.value, policy: policy.value });
}

async function topLevelTarget(
  trusted: TrustedSet,
  update: RefreshPorts,
  path: string,
): Promise<Result<Uint8Array>> {
  const target = resolveTopLevelTarget(trusted, path);
  return target.ok ? downloadTarget(update, target.value.target) : target;
}

async function acceptUpdate(
  context: Context,
  decision: UpdateDecision,
): Promise<PollOutcome | undefined> {
  if (decision.kind !== "recall") await letReportsGo(context, decision.assignment);
  const stopped = await stopForOrder(context, decision);
  switch (decision.kind) {
    case "nothing": {
      const finished = await finishWithNothing(context, decision);
      return stopped ?? finished;
    }
    case "install":
      return acceptInstall(context, decision);
    case "recall":
      return obeyRecall(context, decision, stopped);
    default:
      return unreachable(decision);
  }
}

/** What a stick took to the server is acknowledged by the next one. */
async function letReportsGo(
  { ports, journal }: Context,
  { reports }: Pick<Assignment, "reports">,
): Promise<void> {
  if (!reports) return;
  const { state } = journal;
  const outbox = acknowledge(state.outbox, reports);
  if (!outbox.ok) {
    const { code, message } = outbox;
    return ports.log({ event: "acknowledgement_refused", details: { code, message } });
  }
  if (outbox.value !== state.outbox) await journal.write({ ...state, outbox: outbox.value });
}

/** Ends the update under way where the order is against it or for another one. */
async function stopForOrder(
  context: Context,
  decision: UpdateDecision,
): Promise<PollOutcome | undefined> {
  const { update, current } = context.journal.state.slots;
  if (update.kind === "idle") return undefined;
  const { candidate } = update;
  if (decision.kind === "recall") {
    const { recall: order, to } = decision;
    const isRecalled = order.recalled.includes(candidate.driver.sha256);
    if (!isRecalled && isSame(to, current)) return undefined;
    return abandon(context, candidate, { code: "RECALLED", message: order.reason });
  }
  if (decision.kind === "install" && decision.target.sha256 === candidate.driver.sha256) {
    return undefined;
  }
  const message = "The director has ordered another driver in the meantime.";
  return abandon(context, candidate, { code: "ASSIGNMENT_SUPERSEDED", message });
}

async function finishWithNothing(
  { journal }: Context,
  { assignment, because }: Extract<UpdateDecision, { kind: "nothing" }>,
): Promise<PollOutcome> {
  const slots = finishAssignment(journal.state.slots, acceptedOf(assignment));
  await journal.write({ ...journal.state, slots });
  return { kind: "nothing", because };
}

async function acceptInstall(
  context: Context,
  { target, facts, assignment }: Extract<UpdateDecision, { kind: "install" }>,
): Promise<undefined> {
  const { slots } = context.journal.state;
  const driver = { version: facts.version, sha256: target.sha256 };
  const { rollout, startBefore, activateBefore } = assignment;
  const until = { startBefore, activateBefore };
  if (slots.update.kind !== "idle") {
    const isKnown = slots.accepted?.contentSha256 === assignment.contentSha256;
    const renewed = renew(slots, { ...until, rollout }, acceptedOf(assignment));
    if (!isKnown) await context.journal.write({ ...context.journal.state, slots: renewed });
    return undefined;
  }
  const candidate = { driver, bytes: target.length, path: target.path, rollout, ...until };
  await persist(context, {
    slots: accept(slots, candidate, acceptedOf(assignment)),
    bodies: [{ kind: "lifecycle", stage: { kind: "accepted" } }],
    from: slots.current,
    to: driver,
    rollout,
  });
}

/** One write: what it leads to is in the store, because it was committed before. */
async function obeyRecall(
  context: Context,
  { recall: order, to }: Extract<UpdateDecision, { kind: "recall" }>,
  stopped: PollOutcome | undefined,
): Promise<PollOutcome | undefined> {
  const { slots } = context.journal.state;
  const next = recall(slots, { recalled: order.recalled, to, accepted: acceptedOf(order) });
  const isLeft = to.sha256 !== slots.current.sha256;
  const stage = { kind: "rolled_back", code: "RECALLED", message: order.reason } as const;
  await persist(context, {
    slots: next,
    bodies: isLeft ? [{ kind: "lifecycle", stage }] : [],
    from: slots.current,
    to,
    rollout: null,
  });
  // Of an update that was stopped, too: by this order, or just before a full disk put the order off.
  await collectGarbage(context);
  if (isLeft) return { kind: "recalled", from: slots.current, to, because: order.reason };
  const isGoingOn = next.update.kind !== "idle";
  const nothing = { kind: "nothing", because: `Recalled elsewhere: ${order.reason}` } as const;
  return stopped ?? (isGoingOn ? undefined : nothing);
}

function acceptedOf({ epoch, sequence, contentSha256 }: Order) {
  return { epoch, sequence, contentSha256, finished: false };
}
