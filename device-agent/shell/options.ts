/** How an agent is made: what must be said, and this machine for everything else. */
import { randomBytes } from "node:crypto";
import { resolve } from "node:path";
import { fileURLToPath } from "node:url";
import type { DeviceId, TenantId } from "../../protocol/base/brand.ts";
import type { Result } from "../../protocol/base/result.ts";
import type { SocDescription } from "../../protocol/isa/index.ts";
import {
  DEFAULT_POLICY,
  simulatedThermometer,
  type BenchmarkPolicy,
  type Thermometer,
} from "../benchmark/index.ts";
import {
  DEFAULT_BUDGETS,
  type Clock,
  type DriverBudgets,
  type Processes,
  type SandboxTools,
} from "../host/index.ts";
import type { CpuEngine } from "../runtime/index.ts";
import { fileSystemOver, type Disk } from "../slots/index.ts";
import { machineClock } from "./clock.ts";
import type { AgentPorts, AgentProgress, LogEntry, OwnerConsent } from "./context.ts";
import { workerEngine } from "./cpu/engine.ts";
import { machineDisk } from "./disk.ts";
import { lockDirectory } from "./lock.ts";
import { machineHttp, type Http } from "./http.ts";
import { consentOf, OWNER_DEFAULTS } from "./owner-settings.ts";
import { machineProcesses, machineSandboxTools } from "./processes.ts";
import { serverClient } from "./server-client.ts";

export interface AgentOptions {
  /** Everything that the agent keeps is below it. */
  readonly directory: string;
  readonly tenant: TenantId;
  readonly device: DeviceId;
  readonly soc: SocDescription;
  readonly serverUrl: string;
  /** What differs between models that may and may not follow a driver. */
  readonly policy?: BenchmarkPolicy;
  readonly budgets?: DriverBudgets;
  readonly disk?: Disk;
  readonly http?: Http;
  readonly clock?: Clock;
  readonly processes?: Processes;
  readonly tools?: SandboxTools;
  readonly thermometer?: Thermometer;
  readonly cpu?: CpuEngine;
  /** In the place of what the owner has set on the device. */
  readonly consent?: Partial<OwnerConsent>;
  readonly randomBytes?: (count: number) => Uint8Array;
  /** Keeps other processes away from the directory. */
  readonly lock?: () => Promise<Result<void>>;
  readonly onProgress?: (progress: AgentProgress) => void;
  readonly log?: (entry: LogEntry) => void;
}

/** Made by the set-up: the sandbox may not load a TypeScript compiler. */
const CHILD_SCRIPT = fileURLToPath(new URL("../../dist/host/child.mjs", import.meta.url));

export interface Machine extends AgentPorts {
  /** Where generated WebAssembly runs. */
  readonly cpu: CpuEngine;
  readonly randomBytes: (count: number) => Uint8Array;
  readonly lock: () => Promise<Result<void>>;
}

export function machineFor(options: AgentOptions): Machine {
  const directory = resolve(options.directory);
  const { soc, serverUrl, http = machineHttp, clock = machineClock } = options;
  return {
    directory,
    soc,
    clock,
    files: fileSystemOver(options.disk ?? machineDisk(directory)),
    processes: options.processes ?? machineProcesses,
    tools: options.tools ?? machineSandboxTools(CHILD_SCRIPT),
    thermometer: options.thermometer ?? simulatedThermometer(),
    cpu: options.cpu ?? workerEngine(),
    server: serverClient({ serverUrl, http, clock }),
    policy: options.policy ?? DEFAULT_POLICY,
    budgets: options.budgets ?? DEFAULT_BUDGETS,
    consent: { ...consentOf(OWNER_DEFAULTS), ...options.consent },
    isBusy: () => false,
    onProgress: options.onProgress ?? (() => undefined),
    log: options.log ?? (() => undefined),
    lock: options.lock ?? (() => lockDirectory(directory)),
    randomBytes: options.randomBytes ?? ((count) => new Uint8Array(randomBytes(count))),
  };
}
