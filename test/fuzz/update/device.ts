/** The device under attack: the agent's own check-in, stick, download and staging over ports in memory. */
import { present } from "../../../protocol/base/assert.ts";
import type { instant } from "../../../protocol/base/brand.ts";
import {
  CodedError,
  failed,
  succeeded,
  unwrap,
  type Result,
} from "../../../protocol/base/result.ts";
import { packStick, readStick, type Stick } from "../../../protocol/bundle/index.ts";
import { nativeSigner, sha256Hex } from "../../../protocol/crypto/index.ts";
import type { Delegation } from "../../../protocol/metadata/index.ts";
import { EMPTY_OUTBOX } from "../../../device-agent/report/index.ts";
import { checkIn, takeAssignment } from "../../../device-agent/shell/check-in.ts";
import { Journal, interfacesOf, type Context } from "../../../device-agent/shell/context.ts";
import type { AgentPorts } from "../../../device-agent/shell/context.ts";
import { metadataStore } from "../../../device-agent/shell/metadata-store.ts";
import { obtainBundle } from "../../../device-agent/shell/obtain-bundle.ts";
import type { ServerClient } from "../../../device-agent/shell/server-client.ts";
import { stickServer } from "../../../device-agent/shell/stick-server.ts";
import {
  blobStore,
  checkFit,
  downloadPath,
  driverFilesPath,
  factoryState,
  fileSystemOver,
  stageBundle,
  UNLIMITED,
  type Candidate,
  type FileSystem,
} from "../../../device-agent/slots/index.ts";
import { refresh, updateTargets } from "../../../device-agent/update/index.ts";
import { socNamed } from "../../../device-agent/soc/index.ts";
import { programCache } from "../../../device-agent/workload/index.ts";
import { workerEngine } from "../../../device-agent/shell/cpu/engine.ts";
import { pageCacheDisk } from "../../support/crash/page-cache.ts";
import { CURRENT, DEVICE, FACTORY, FAMILY, TENANT, type DeviceDraft } from "./recipe.ts";
import type { World } from "./world.ts";

export interface Attempt {
  /** `ok` where a bundle came as far as being tried. */
  readonly code: string;
  /** Why deltas were not taken. */
  readonly deltaCodes: readonly string[];
  /** The bundle that lies staged, fit to be tried: null where none does. */
  readonly staged: string | null;
  /** Whether a pointer to a driver moved. */
  readonly isMoved: boolean;
  /** The driver that runs after it, by its hash. */
  readonly current: string;
}

const SIGNER = nativeSigner(new Uint8Array(32).fill(200));
const SOC = present(socNamed(FAMILY), FAMILY);
const DRIVERS = {
  recovery: { version: "1.0.0", sha256: sha256Hex(FACTORY) },
  current: { version: "1.1.0", sha256: sha256Hex(CURRENT) },
};

/** One check-in and all that it leads to, up to the first start of a new driver. */
export async function attemptUpdate(world: World, draft: DeviceDraft): Promise<Attempt> {
  const deltaCodes: string[] = [];
  const log: AgentPorts["log"] = ({ event, details }) => {
    if (event === "delta_refused") deltaCodes.push(String(details["code"]));
  };
  const context = await contextFor(world, draft, log);
  const before = context.journal.state.slots;
  const done = await guarded(() => carryThrough(context, world, draft));
  const after = context.journal.state.slots;
  const isMoved =
    after.current.sha256 !== before.current.sha256 || after.recovery !== before.recovery;
  const end = { deltaCodes, isMoved, current: after.current.sha256 };
  return done.ok
    ? { code: "ok", staged: done.value, ...end }
    : { code: done.code, staged: null, ...end };
}

async function carryThrough(
  online: Context,
  world: World,
  draft: DeviceDraft,
): Promise<Result<string | null>> {
  if (draft.asksFor) return askFor(online, draft.asksFor);
  const stick = draft.hasStick ? readStick(world.stick ?? packStick(world)) : undefined;
  if (stick?.ok === false) return stick;
  const context = stick ? withStick(online, stick.value) : online;
  const asked = await (stick
    ? takeAssignment(context, stick.value.order)
    : checkIn(context, SIGNER));
  if (!asked.ok) return asked;
  if (asked.value?.kind === "refused") return failed(asked.value.code, asked.value.message);
  const { update } = context.journal.state.slots;
  if (update.kind !== "downloading") return succeeded(null);
  return stage(context, update.candidate, draft);
}

function withStick(context: Context, { files }: Stick): Context {
  return { ...context, ports: { ...context.ports, server: stickServer(files) } };
}

/** A client that asks for a role of its own accord, as no walk from the top would. */
async function askFor({ ports }: Context, delegation: Delegation): Promise<Result<null>> {
  const { files, server, clock } = ports;
  const update = { fetch: server.fetch, store: metadataStore(files), now: clock.now() };
  const trusted = await refresh(update);
  if (!trusted.ok) return trusted;
  const targets = await updateTargets(trusted.value, update, delegation);
  return targets.ok ? succeeded(null) : targets;
}

async function stage(
  context: Context,
  candidate: Candidate,
  { spoilsDownload = false }: DeviceDraft,
): Promise<Result<string>> {
  const { files, soc } = context.ports;
  const { sha256 } = candidate.driver;
  const done = await obtainBundle(context, candidate);
  if (!done.ok) return done;
  const bytes = present(await files.read(downloadPath(sha256)), "what was downloaded");
  const archive = spoilsDownload ? bytes.map((byte) => byte ^ 1) : bytes;
  const staged = await stageBundle(files, archive, sha256);
  if (!staged.ok) return staged;
  const fit = checkFit(staged.value, interfacesOf(soc));
  return fit.ok ? succeeded(sha256) : fit;
}

async function contextFor(
  world: World,
  draft: DeviceDraft,
  log: AgentPorts["log"],
): Promise<Context> {
  const files = fileSystemOver(pageCacheDisk(draft.diskBytes));
  await files.makeDirectory("metadata");
  for (const [role, bytes] of world.kept) {
    await files.placeFile(`metadata/${encodeURIComponent(role)}.json`, bytes);
  }
  const { sha256 } = DRIVERS.current;
  if (draft.base) unwrap(await stageBundle(files, CURRENT, sha256));
  if (draft.base === "damaged") {
    await files.placeFile(`${driverFilesPath(sha256)}/driver.js`, new Uint8Array(1));
  }
  const blobs = blobStore(files);
  const journal = new Journal(files, {
    ...{ format: 1, tenant: TENANT, device: DEVICE, outbox: EMPTY_OUTBOX },
    ...{ pollIntervalSeconds: 60, lastUpdate: null, refusedOrder: null },
    slots: {
      ...factoryState(DRIVERS.recovery),
      ...{ current: DRIVERS.current, accepted: draft.accepted },
      ...draft.slots,
    },
  });
  const workshop = { blobs, programs: programCache(files, blobs), soc: SOC, cpu: workerEngine() };
  return { ports: { ...portsFor(world, draft, files), log }, workshop, journal };
}

const mayInstall = (): Promise<boolean> => Promise.resolve(true);

function portsFor(world: World, draft: DeviceDraft, files: FileSystem): AgentPorts {
  const now = (): ReturnType<typeof instant> => draft.now;
  const ports: Partial<AgentPorts> = {
    ...{ directory: "/", soc: SOC, files, server: serverOf(world, draft) },
    clock: { now, after: () => () => undefined },
    tools: {
      ...{ node: "node", permissionFlag: "--permission", childScript: "child.mjs" },
      ...{ withoutNetwork: undefined, prlimit: false, setpriv: false },
    },
    consent: { ...{ pace: UNLIMITED, window: null, sandboxMin: "degraded" }, mayInstall },
    isBusy: () => false,
    onProgress: () => undefined,
  };
  // What a device does with a driver that has passed every check is other tests' matter.
  return ports as AgentPorts;
}

function serverOf({ files, order }: World, draft: DeviceDraft): ServerClient {
  const down = () => Promise.resolve(failed("SERVER_DOWN", "no connection"));
  return {
    enrol: down,
    sendReports: down,
    checkIn: () =>
      Promise.resolve(
        succeeded({
          decision: { kind: "assignment", envelope: order },
          ...{ pollIntervalSeconds: 60, directorEpoch: 3, explanation: "", serverTime: draft.now },
        }),
      ),
    fetch: (path, bytesMax) => {
      const bytes = files.get(path);
      if (!bytes) return Promise.resolve(failed("NOT_FOUND", path));
      if (bytes === NO_ANSWER) return Promise.resolve(failed("FETCH_FAILED", path));
      const isTooLong = draft.keepsLimits && bytes.length > bytesMax;
      return Promise.resolve(isTooLong ? failed("FETCH_TOO_LARGE", path) : succeeded(bytes));
    },
    readTarget: (path) => async (offset, onPiece) => {
      const bytes = files.get(path);
      if (!bytes) return failed("SERVER_REFUSED", path);
      await onPiece(bytes.subarray(offset));
      return succeeded(undefined);
    },
  };
}

/** Served in the place of a file: the connection breaks. */
export const NO_ANSWER = new Uint8Array(1);

/** A full disk is a failure with a code; everything else that is thrown is a crash. */
async function guarded<T>(act: () => Promise<Result<T>>): Promise<Result<T>> {
  try {
    return await act();
  } catch (error) {
    if (error instanceof CodedError) return failed(error.code, error.message);
    throw error;
  }
}
