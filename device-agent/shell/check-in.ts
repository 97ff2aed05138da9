/** Asks the server, verifies what it says against the offline keys, and accepts the assignment or not. */
import { z } from "zod";
import { unreachable } from "../../protocol/base/assert.ts";
import { succeeded, type Failure, type Result } from "../../protocol/base/result.ts";
import type { Signer } from "../../protocol/crypto/index.ts";
import {
  directorKeysPath,
  parseDriverPath,
  readDirectorKeys,
  readEnvelope,
  verifyAssignment,
  type Assignment,
  type DirectorKeys,
  type TrustedSet,
} from "../../protocol/metadata/index.ts";
import type { CheckInRequest, MetadataVersions } from "../../protocol/wire/index.ts";
import { sandboxLevel } from "../host/index.ts";
import { acknowledgedSequence } from "../report/index.ts";
import { accept, finishAssignment } from "../slots/index.ts";
import {
  decideUpdate,
  downloadTarget,
  IMAGE_CODES,
  refresh,
  resolveTarget,
  resolveTopLevelTarget,
  type RefreshPorts,
  type UpdateDecision,
} from "../update/index.ts";
import { readModels } from "../workload/index.ts";
import { interfacesOf, persist, type Context } from "./context.ts";
import { metadataStore } from "./metadata-store.ts";
import type { PollOutcome } from "./update-cycle.ts";

export const AGENT_VERSION = "1.0.0";

/** Undefined: an update was accepted and is to be carried out. */
export async function checkIn(
  context: Context,
  signer: Signer,
): Promise<Result<PollOutcome | undefined>> {
  const { ports, journal } = context;
  const reply = await ports.server.checkIn(await requestOf(context), signer);
  if (!reply.ok) return reply;
  const { decision, explanation, pollIntervalSeconds } = reply.value;
  if (pollIntervalSeconds !== journal.state.pollIntervalSeconds) {
    await journal.write({ ...journal.state, pollIntervalSeconds });
  }
  switch (decision.kind) {
    case "hold":
      return succeeded({ kind: "held", code: decision.code, because: explanation });
    case "assignment":
      return takeAssignment(context, decision.envelope);
    default:
      return unreachable(decision);
  }
}

async function requestOf({ ports, journal }: Context): Promise<CheckInRequest> {
  const { tenant, device, slots, outbox } = journal.state;
  const models = await readModels(ports.files);
  return {
    tenant,
    device,
    soc: ports.soc.name,
    agentVersion: AGENT_VERSION,
    current: slots.current,
    previous: slots.previous,
    recovery: slots.recovery,
    metadata: await trustedVersions(ports),
    models: models.map(({ id, sha256 }) => ({ model: id, sha256 })),
    reportEpoch: outbox.epoch,
    acknowledgedSequence: acknowledgedSequence(outbox),
    assignment: {
      epoch: slots.accepted?.epoch ?? 0,
      sequence: slots.accepted?.sequence ?? 0,
    },
    sandbox: sandboxLevel(ports.tools),
  };
}

/** For the server to see how far behind a device is: read from the kept files, decisive for nothing. */
async function trustedVersions({ files }: Context["ports"]): Promise<MetadataVersions> {
  const store = metadataStore(files);
  const version = async (role: string): Promise<number> => {
    const bytes = await store.get(role);
    const read = bytes && readEnvelope(bytes, versionedSchema, bytes.length);
    return read?.ok ? read.value.signed.version : 0;
  };
  return {
    root: await version("root"),
    timestamp: await version("timestamp"),
    snapshot: await version("snapshot"),
    targets: await version("targets"),
  };
}

const versionedSchema = z.looseObject({ version: z.int().min(1) });

async function takeAssignment(
  context: Context,
  envelope: Uint8Array,
): Promise<Result<PollOutcome | undefined>> {
  const { ports, journal } = context;
  const { tenant, device, slots } = journal.state;
  const update: RefreshPorts = {
    fetch: ports.server.fetch,
    store: metadataStore(ports.files),
    now: ports.clock.now(),
    onNotice: ({ code, role }) =>
      ports.log({ event: "metadata_discarded", details: { code, role } }),
  };
  const trusted = await refresh(update);
  if (!trusted.ok) return trusted;
  const { now } = trusted.value;
  const directorKeys = await trustedDirectorKeys(trusted.value, update, tenant);
  if (!directorKeys.ok) return directorKeys;
  const { accepted, current } = slots;
  const keys = directorKeys.value;
  const decided = await decideUpdate({
    envelope,
    directorKeys: keys,
    facts: { tenant, device, ...interfacesOf(ports.soc), current, accepted },
    now,
    resolve: (path) => resolveTarget(trusted.value, update, path),
  });
  if (decided.ok) return succeeded(await acceptUpdate(context, decided.value));
  const isImage = IMAGE_CODES.some((code) => code === decided.code);
  const assignment = verifyAssignment(envelope, keys, { tenant, device, now, accepted });
  if (!isImage || !assignment.ok) return decided;
  return succeeded(await refuseImage(context, assignment.value, decided));
}

/** The director's word is good, its image is not for this device: the server hears of it. */
async function refuseImage(
  context: Context,
  assignment: Assignment,
  { code, message }: Failure,
): Promise<PollOutcome> {
  const { slots } = context.journal.state;
  const { path, sha256 } = assignment.target;
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

async function trustedDirectorKeys(
  trusted: TrustedSet,
  update: RefreshPorts,
  tenant: Parameters<typeof directorKeysPath>[0],
): Promise<Result<DirectorKeys>> {
  const target = resolveTopLevelTarget(trusted, directorKeysPath(tenant));
  if (!target.ok) return target;
  const bytes = await downloadTarget(update, target.value.target);
  return bytes.ok ? readDirectorKeys(bytes.value, tenant) : bytes;
}

async function acceptUpdate(
  context: Context,
  decision: UpdateDecision,
): Promise<PollOutcome | undefined> {
  const { journal } = context;
  const { slots } = journal.state;
  const accepted = acceptedOf(decision.assignment);
  if (decision.kind === "nothing") {
    await journal.write({ ...journal.state, slots: finishAssignment(slots, accepted) });
    return { kind: "nothing", because: decision.because };
  }
  const { target, facts, assignment } = decision;
  const driver = { version: facts.version, sha256: target.sha256 };
  const { rollout, activateBefore } = assignment;
  const candidate = { driver, bytes: target.length, path: target.path, rollout, activateBefore };
  await persist(context, {
    slots: accept(slots, candidate, accepted),
    bodies: [{ kind: "lifecycle", stage: { kind: "accepted" } }],
    from: slots.current,
    to: driver,
    rollout,
  });
  return undefined;
}

function acceptedOf({ epoch, sequence, contentSha256 }: Assignment) {
  return { epoch, sequence, contentSha256, finished: false };
}
