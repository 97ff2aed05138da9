/** The agent: what the command line, the demo and tests call. One operation at a time; inferences run beside. */
import type { ModelId } from "../../protocol/base/brand.ts";
import {
  CodedError,
  failed,
  succeeded,
  toFailure,
  type Result,
} from "../../protocol/base/result.ts";
import { readStick } from "../../protocol/bundle/index.ts";
import { sha256Hex, type Signer } from "../../protocol/crypto/index.ts";
import { AIR_GAPPED_MS_MAX } from "../../protocol/metadata/index.ts";
import type { Report } from "../../protocol/wire/index.ts";
import type { Watch } from "../host/index.ts";
import { acknowledge, nextBatch, pendingReports, startEpoch } from "../report/index.ts";
import type { RunResult, Session } from "../runtime/index.ts";
import { blobStore, driverFor } from "../slots/index.ts";
import {
  programCache,
  readModels,
  registerModel,
  removeModel,
  writeModel,
  type ModelToRegister,
  type RegisteredModel,
  type Workshop,
} from "../workload/index.ts";
import { readState } from "./agent-state.ts";
import { statusOf, type AgentStatus } from "./agent-status.ts";
import { abandon } from "./abandon.ts";
import { AGENT_VERSION } from "./check-in-request.ts";
import { checkIn, reconsider, takeAssignment } from "./check-in.ts";
import { Journal, storedDriver, type Context } from "./context.ts";
import { ensureDeviceKey, readDeviceKey } from "./device-key.ts";
import { collectGarbage } from "./garbage.ts";
import { installFactory } from "./install-factory.ts";
import { compileFor } from "./measure-update.ts";
import {
  consentOf,
  NOTHING_ALLOWED,
  readOwnerSettings,
  writeOwnerSettings,
  type OwnerSettings,
} from "./owner-settings.ts";
import { machineFor, type AgentOptions, type Machine } from "./options.ts";
import { settleHome } from "./settle.ts";
import { startDriver } from "./start.ts";
import { stickServer } from "./stick-server.ts";
import type { PollOutcome } from "./poll-outcome.ts";
import { carryOut } from "./update-cycle.ts";

export interface Agent {
  /** Installs the factory driver as recovery and current, and the root of trust. Repeating it is harmless. */
  init(factoryBundle: Uint8Array, trustedRoot: Uint8Array): Promise<Result<void>>;
  enrol(token: string): Promise<Result<void>>;
  /** Makes goldens and encodings once, compiles with the current driver. Registering the same again is harmless. */
  registerModel(model: ModelToRegister): Promise<Result<RegisteredModel>>;
  unregisterModel(id: ModelId): Promise<Result<void>>;
  /** One check-in, and the update that it brings or that was under way, as far as it comes. */
  poll(): Promise<Result<PollOutcome>>;
  /** A stick in the place of the server: what it orders is verified and carried out in the same way. */
  importStick(stick: Uint8Array): Promise<Result<PollOutcome>>;
  /** The oldest reports as one signed batch, for a stick; null when there are none. They stay in the outbox. */
  exportReports(): Promise<Result<Uint8Array | null>>;
  /** One inference on the chip: float32 values by input name. */
  run(id: ModelId, inputs: ReadonlyMap<string, Float32Array>): Promise<Result<RunResult>>;
  models(): Promise<Result<readonly RegisteredModel[]>>;
  /** As it is on disk: starts nothing, and may be asked while another process is at work. */
  status(): Promise<Result<AgentStatus>>;
  /** What the server has not acknowledged yet. */
  reports(): Promise<Result<readonly Report[]>>;
  /** What the owner has set; it holds from the next poll on, of this process and of others. */
  ownerSettings(): Promise<Result<OwnerSettings>>;
  setByOwner(settings: OwnerSettings): Promise<Result<OwnerSettings>>;
}

/** An application that ran a model within this long is likely to run the next one soon. */
const BUSY_MS = 200;

const NOT_ENROLLED = "The device is not enrolled with a server yet.";

/** Sessions hold a chip's memory: an application that alternates between a few models keeps them open. */
const OPEN_SESSIONS_MAX = 3;

export function createAgent(options: AgentOptions): Agent {
  return new DeviceAgent(options);
}

/** Guards two invariants: operations that change the device's state never overlap, and none comes before the start. */
class DeviceAgent implements Agent {
  private readonly options: AgentOptions;
  private readonly machine: Machine;
  private readonly workshop: Workshop;
  private readonly sessions = new Map<string, Session>();
  private started: Promise<Result<Context>> | undefined;
  private queue: Promise<unknown> = Promise.resolve();
  private lastRunAt = -Infinity;

  constructor(options: AgentOptions) {
    this.options = options;
    this.machine = { ...machineFor(options), isBusy: () => this.isBusy() };
    const { files, soc, cpu } = this.machine;
    const blobs = blobStore(files);
    this.workshop = { blobs, programs: programCache(files, blobs), soc, cpu };
  }

  init(bundle: Uint8Array, trustedRoot: Uint8Array): Promise<Result<void>> {
    const { tenant, device } = this.options;
    return this.exclusively(async () => {
      const factory = { tenant, device, bundle, trustedRoot };
      const installed = await installFactory(this.machine, factory);
      return installed.ok ? succeeded(undefined) : installed;
    });
  }

  enrol(token: string): Promise<Result<void>> {
    const { files, server, soc, randomBytes } = this.machine;
    return this.withContext(async ({ journal }) => {
      const { tenant, device } = journal.state;
      const signer = await ensureDeviceKey(files, randomBytes);
      const { publicKey } = signer;
      const identity = { tenant, device, publicKey, soc: soc.name, agentVersion: AGENT_VERSION };
      const reply = await server.enrol({ ...identity, token }, signer);
      if (!reply.ok) return reply;
      const { reportEpoch, pollIntervalSeconds } = reply.value;
      const outbox = startEpoch(journal.state.outbox, reportEpoch);
      await journal.write({ ...journal.state, outbox, pollIntervalSeconds });
      return succeeded(undefined);
    });
  }

  registerModel(model: ModelToRegister): Promise<Result<RegisteredModel>> {
    return this.withContext((context) => register(context, model));
  }

  unregisterModel(id: ModelId): Promise<Result<void>> {
    return this.withContext(async (context) => {
      await removeModel(this.machine.files, id);
      await collectGarbage(context);
      return succeeded(undefined);
    });
  }

  poll(): Promise<Result<PollOutcome>> {
    return this.withOwner(async (context) => {
      const signer = await readDeviceKey(this.machine.files);
      if (!signer || context.journal.state.outbox.epoch === 0) {
        return failed("NOT_ENROLLED", NOT_ENROLLED);
      }
      await sendReports(context, signer);
      const outcome = await pollOnce(context, signer);
      await sendReports(context, signer);
      return outcome;
    });
  }

  importStick(stick: Uint8Array): Promise<Result<PollOutcome>> {
    return this.withOwner(async (context) => {
      const read = readStick(stick);
      if (!read.ok) return read;
      const ports = { ...context.ports, server: stickServer(read.value.files) };
      const offline = { ...context, ports };
      const { order, recall } = read.value;
      const grace = { onlineGraceMs: AIR_GAPPED_MS_MAX };
      const recalled = recall && (await takeAssignment(offline, recall, grace));
      if (recalled && !recalled.ok && recalled.code !== "ASSIGNMENT_REPLAYED") return recalled;
      const wasIdle = context.journal.state.slots.update.kind === "idle";
      const taken = await takeAssignment(offline, order, grace);
      // What was under way goes on with the files that are here now, whatever the order is worth.
      if (!taken.ok && wasIdle) return taken;
      return taken.ok && taken.value ? succeeded(taken.value) : carryThrough(offline);
    });
  }

  exportReports(): Promise<Result<Uint8Array | null>> {
    return this.withContext(async ({ journal }) => {
      const signer = await readDeviceKey(this.machine.files);
      if (!signer || journal.state.outbox.epoch === 0) return failed("NOT_ENROLLED", NOT_ENROLLED);
      const batch = await nextBatch(journal.state.outbox, journal.state, signer);
      return batch.ok ? succeeded(batch.value ?? null) : batch;
    });
  }

  /** Beside whatever else goes on: the state only ever names programs that are complete. */
  async run(id: ModelId, inputs: ReadonlyMap<string, Float32Array>): Promise<Result<RunResult>> {
    return guarded(async () => {
      const context = await this.ready();
      if (!context.ok) return context;
      const session = await sessionFor(context.value, id, this.sessions);
      const result = session.ok ? session.value.run(inputs) : session;
      this.lastRunAt = this.machine.clock.now();
      return result;
    });
  }

  private isBusy(): boolean {
    return this.machine.clock.now() - this.lastRunAt < BUSY_MS;
  }

  models(): Promise<Result<readonly RegisteredModel[]>> {
    return guarded(async () => succeeded(await readModels(this.machine.files)));
  }

  status(): Promise<Result<AgentStatus>> {
    return guarded(async () => {
      const state = await readState(this.machine.files);
      if (!state.ok) return state;
      return succeeded(await statusOf(state.value, this.machine, this.workshop));
    });
  }

  reports(): Promise<Result<readonly Report[]>> {
    return guarded(async () => {
      const state = await readState(this.machine.files);
      return state.ok ? pendingReports(state.value.outbox) : state;
    });
  }

  ownerSettings(): Promise<Result<OwnerSettings>> {
    return guarded(() => readOwnerSettings(this.machine.files));
  }

  setByOwner(settings: OwnerSettings): Promise<Result<OwnerSettings>> {
    return guarded(() => writeOwnerSettings(this.machine.files, settings));
  }

  private exclusively<T>(act: () => Promise<Result<T>>): Promise<Result<T>> {
    const turn = this.queue.then(() => guarded(act));
    this.queue = turn.catch(() => undefined);
    return turn;
  }

  private withContext<T>(act: (context: Context) => Promise<Result<T>>): Promise<Result<T>> {
    return this.exclusively(async () => {
      const context = await this.ready();
      return context.ok ? act(context.value) : context;
    });
  }

  /** With what the owner has set by now. */
  private withOwner<T>(act: (context: Context) => Promise<Result<T>>): Promise<Result<T>> {
    return this.withContext(async (context) => {
      const read = await readOwnerSettings(this.machine.files);
      if (!read.ok) this.machine.log({ event: "owner_settings_damaged", details: read.details });
      const settings = read.ok ? read.value : NOTHING_ALLOWED;
      const consent = { ...consentOf(settings), ...this.options.consent };
      return act({ ...context, ports: { ...context.ports, consent } });
    });
  }

  /** Once a process; a start that failed, or that the disk broke off, is tried again. */
  private async ready(): Promise<Result<Context>> {
    const started = (this.started ??= this.start());
    const forget = (): void => {
      if (this.started === started) this.started = undefined;
    };
    try {
      const context = await started;
      if (!context.ok) forget();
      return context;
    } catch (error) {
      forget();
      throw error;
    }
  }

  private async start(): Promise<Result<Context>> {
    const { files } = this.machine;
    const state = await readState(files);
    if (!state.ok) return state;
    const locked = await this.machine.lock();
    if (!locked.ok) return locked;
    await settleHome(files);
    // Read again: whoever held the lock before may have written since.
    const current = await readState(files);
    if (!current.ok) return current;
    const journal = new Journal(files, current.value);
    const context = { ports: this.machine, workshop: this.workshop, journal };
    const driver = await startDriver(context);
    if (!driver.ok) return driver;
    await collectGarbage(context);
    return succeeded(context);
  }
}

async function register(
  context: Context,
  model: ModelToRegister,
): Promise<Result<RegisteredModel>> {
  const { ports, workshop, journal } = context;
  const { slots } = journal.state;
  const kept = (await readModels(ports.files)).find(({ id }) => id === model.id);
  if (kept) return sameModel(kept, sha256Hex(model.bytes));
  const watch: Watch = {
    onProgress: (_stage, fraction) =>
      ports.onProgress({ stage: "register", subject: model.id, fraction }),
  };
  const registered = await registerModel(workshop, model, {
    recovery: { ...storedDriver(context, slots.recovery), ref: slots.recovery },
    current: storedDriver(context, slots.current),
    watch,
  });
  if (registered.ok) await writeModel(ports.files, registered.value);
  // Calibration inputs, and what a registration that failed had made.
  await collectGarbage(context);
  return registered;
}

async function pollOnce(context: Context, signer: Signer): Promise<Result<PollOutcome>> {
  const wasIdle = context.journal.state.slots.update.kind === "idle";
  const asked = await checkIn(context, signer);
  if (!asked.ok && wasIdle) return asked;
  if (!asked.ok || !asked.value) return carryThrough(context);
  if (!wasIdle && asked.value.kind !== "waiting") await collectGarbage(context);
  return succeeded(asked.value);
}

/** As far as it comes; a disk that is full ends the update. */
async function carryThrough(context: Context): Promise<Result<PollOutcome>> {
  try {
    return succeeded(await carryOut(context, reconsider));
  } catch (error) {
    const { update } = context.journal.state.slots;
    if (!isFullDisk(error) || update.kind === "idle") throw error;
    // Nothing was switched: giving up and sweeping leaves the device as it was before the update.
    const outcome = await abandon(context, update.candidate, error);
    await collectGarbage(context);
    return succeeded(outcome);
  }
}

function isFullDisk(error: unknown): error is CodedError {
  return error instanceof CodedError && error.code === "NO_SPACE";
}

/** The server being down is no reason to stop: they wait in the outbox. */
async function sendReports({ ports, journal }: Context, signer: Signer): Promise<void> {
  for (;;) {
    const { state } = journal;
    const batch = await nextBatch(state.outbox, state, signer);
    if (!batch.ok) throw new CodedError(batch.code, batch.message);
    if (!batch.value) return;
    const ack = await ports.server.sendReports(batch.value, signer);
    const outbox = ack.ok ? acknowledge(state.outbox, ack.value) : ack;
    if (!outbox.ok) {
      const { code, message } = outbox;
      return ports.log({ event: "reports_waiting", details: { code, message } });
    }
    if (outbox.value.firstSequence === state.outbox.firstSequence) return;
    await journal.write({ ...state, outbox: outbox.value });
  }
}

/** The program of the driver that this model runs with: cached, or compiled now. */
async function sessionFor(
  context: Context,
  id: ModelId,
  sessions: Map<string, Session>,
): Promise<Result<Session>> {
  const driver = driverFor(context.journal.state.slots, id);
  const key = `${id}\n${driver.sha256}`;
  const open = sessions.get(key);
  if (open) return succeeded(open);
  const model = (await readModels(context.ports.files)).find((candidate) => candidate.id === id);
  if (!model) return failed("MODEL_UNKNOWN", `No model ${id} is registered.`, { model: id });
  const compiled = await compileFor(context, model, driver);
  if (!compiled.ok) return compiled;
  sessions.set(key, compiled.value.session);
  const [oldest] = sessions.keys();
  if (sessions.size > OPEN_SESSIONS_MAX && oldest !== undefined) sessions.delete(oldest);
  return succeeded(compiled.value.session);
}

function sameModel(kept: RegisteredModel, sha256: string): Result<RegisteredModel> {
  if (kept.sha256 === sha256) return succeeded(kept);
  const message = `Another model is registered as ${kept.id}: unregister it first.`;
  return failed("MODEL_NAME_TAKEN", message, { model: kept.id });
}

/** A disk that fails does so by throwing, from however deep; here it becomes a value. */
async function guarded<T>(act: () => Promise<Result<T>>): Promise<Result<T>> {
  try {
    return await act();
  } catch (error) {
    if (error instanceof CodedError) return toFailure(error);
    throw error;
  }
}
