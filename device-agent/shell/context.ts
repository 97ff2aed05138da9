/** What every part of the agent works with: the ports, the state as it is on disk, the stored drivers. */
import { join } from "node:path";
import { ABI_VERSION } from "../../protocol/abi/index.ts";
import type { RolloutId } from "../../protocol/base/brand.ts";
import { ISA_VERSION, type SocDescription } from "../../protocol/isa/index.ts";
import type { DriverRef, Report, ReportBody, SandboxLevel } from "../../protocol/wire/index.ts";
import type { BenchmarkPolicy, Thermometer } from "../benchmark/index.ts";
import {
  hostDriver,
  type Clock,
  type DriverBudgets,
  type Processes,
  type SandboxTools,
} from "../host/index.ts";
import { enqueue } from "../report/index.ts";
import {
  BLOBS_DIRECTORY,
  driverFilesPath,
  type DeviceInterfaces,
  type FileSystem,
  type MaintenanceWindow,
  type PaceLimits,
  type SlotsState,
} from "../slots/index.ts";
import type { StoredDriver, Workshop } from "../workload/index.ts";
import { writeState, type AgentState } from "./agent-state.ts";
import type { ServerClient } from "./server-client.ts";

export interface AgentPorts {
  /** Absolute: what `files` is below of. */
  readonly directory: string;
  readonly soc: SocDescription;
  readonly files: FileSystem;
  readonly clock: Clock;
  readonly processes: Processes;
  readonly tools: SandboxTools;
  readonly thermometer: Thermometer;
  readonly server: ServerClient;
  /** Whether an application wants the chip now. */
  readonly isBusy: () => boolean;
  readonly policy: BenchmarkPolicy;
  readonly budgets: DriverBudgets;
  readonly consent: OwnerConsent;
  readonly onProgress: (progress: AgentProgress) => void;
  readonly log: (entry: LogEntry) => void;
}

/** What the device's owner has to say; the server has no part in it. */
export interface OwnerConsent {
  /** Of every download. */
  readonly pace: PaceLimits;
  /** Outside of it drivers are downloaded, and neither compiled with nor switched to. Null: always. */
  readonly window: MaintenanceWindow | null;
  /** Asked before a downloaded driver is unpacked, at every poll until it says yes. */
  readonly mayInstall: (driver: DriverRef) => Promise<boolean>;
  /** With "strong" no driver is tried in a sandbox that is only degraded. */
  readonly sandboxMin: SandboxLevel;
}

export interface AgentProgress {
  readonly stage: "download" | "compile" | "measure" | "register";
  /** A driver's version or a model. */
  readonly subject: string;
  /** In [0, 1]. */
  readonly fraction: number;
}

export interface LogEntry {
  readonly event: string;
  readonly details: Readonly<Record<string, string | number | boolean>>;
}

export interface Context {
  readonly ports: AgentPorts;
  readonly workshop: Workshop;
  readonly journal: Journal;
}

/** Guards one invariant: nobody sees a state that is not on disk. */
export class Journal {
  private readonly files: FileSystem;
  private written: AgentState;

  constructor(files: FileSystem, state: AgentState) {
    this.files = files;
    this.written = state;
  }

  get state(): AgentState {
    return this.written;
  }

  async write(next: AgentState): Promise<void> {
    await writeState(this.files, next);
    this.written = next;
  }
}

export interface Transition {
  readonly slots: SlotsState;
  readonly bodies: readonly ReportBody[];
  /** What the reports speak of. */
  readonly from: DriverRef;
  readonly to: DriverRef;
  readonly rollout: RolloutId | null;
  readonly lastUpdate?: AgentState["lastUpdate"];
}

/** One step of the machine and the reports of it, in one write. */
export async function persist(context: Context, transition: Transition): Promise<void> {
  const { ports, journal } = context;
  const { slots, bodies, from, to, rollout, lastUpdate } = transition;
  const { state } = journal;
  const deviceTime = ports.clock.now();
  const reports = bodies.map((body): Report => {
    return { deviceTime, rollout, soc: ports.soc.name, from, to, body };
  });
  await journal.write({
    ...state,
    slots,
    outbox: enqueue(state.outbox, reports, state),
    lastUpdate: lastUpdate === undefined ? state.lastUpdate : lastUpdate,
  });
  for (const body of bodies) logBody(context, body, to);
}

function logBody({ ports }: Context, body: ReportBody, to: DriverRef): void {
  if (body.kind === "lifecycle") {
    const { kind, ...why } = body.stage;
    ports.log({ event: kind, details: { driver: to.version, ...why } });
  } else {
    const details = { driver: to.version, model: body.model, verdict: body.verdict.kind };
    ports.log({ event: "model_outcome", details });
  }
}

export function storedDriver({ ports }: Pick<Context, "ports">, ref: DriverRef): StoredDriver {
  const folders = {
    files: join(ports.directory, driverFilesPath(ref.sha256)),
    blobs: join(ports.directory, BLOBS_DIRECTORY),
  };
  return { sha256: ref.sha256, hosted: hostDriver(ports, folders, ports.budgets) };
}

export function interfacesOf(soc: SocDescription): DeviceInterfaces {
  return { soc: soc.name, abi: ABI_VERSION, isa: ISA_VERSION };
}
