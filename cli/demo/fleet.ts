/** The demo's fleet: one full agent and many light devices on two kinds of chip. */
import { randomBytes } from "node:crypto";
import { createAgent } from "../../device-agent/index.ts";
import type { Agent, AgentProgress, LogEntry } from "../../device-agent/index.ts";
import { present } from "../../protocol/base/assert.ts";
import { brand, instant } from "../../protocol/base/brand.ts";
import type { DeviceId, ModelId, TenantId } from "../../protocol/base/brand.ts";
import { seededRandom } from "../../protocol/base/random.ts";
import { succeeded } from "../../protocol/base/result.ts";
import type { Result } from "../../protocol/base/result.ts";
import { memorySigner, sha256Hex } from "../../protocol/crypto/index.ts";
import type { SocDescription } from "../../protocol/isa/index.ts";
import type { DirectorKeys } from "../../protocol/metadata/index.ts";
import type { DriverRef } from "../../protocol/wire/index.ts";
import { FLEET_SOCS } from "../fleet/lab.ts";
import type { Lab, LabModel } from "../fleet/lab.ts";
import { LightDevice } from "../fleet/light-device.ts";

export interface FleetOptions {
  readonly serverUrl: string;
  readonly tenant: TenantId;
  readonly count: number;
  readonly seed: number;
  readonly models: readonly LabModel[];
  readonly factory: DriverRef;
  readonly directorKeys: DirectorKeys;
  readonly lab: Lab;
}

/** Chips take turns; a third of the devices have only the first model. */
export function createLightDevices(options: FleetOptions): LightDevice[] {
  const { serverUrl, tenant, factory, directorKeys, lab } = options;
  const random = seededRandom(options.seed);
  return Array.from({ length: options.count }, (_, index) => {
    const soc = present(FLEET_SOCS[index % FLEET_SOCS.length], "a chip");
    const owned = index % 3 === 2 ? options.models.slice(0, 1) : options.models;
    return new LightDevice({
      serverUrl,
      tenant,
      device: brand<DeviceId>(`light-${String(index + 1).padStart(3, "0")}`),
      soc,
      signer: memorySigner(new Uint8Array(randomBytes(32))),
      factory,
      models: owned.map(({ name, bytes }) => ({
        model: brand<ModelId>(name),
        sha256: sha256Hex(bytes),
      })),
      directorKeys: () => directorKeys,
      judge: (model, from, to) => lab.judge({ model: model.model, soc, from, to }),
      temperatureCelsius: 28 + 12 * random.uniform(),
      now: () => instant(Date.now()),
    });
  });
}

export interface FullAgentOptions {
  readonly directory: string;
  readonly serverUrl: string;
  readonly tenant: TenantId;
  readonly soc: SocDescription;
  readonly onProgress: (progress: AgentProgress) => void;
  readonly log: (entry: LogEntry) => void;
}

export function createFullAgent(options: FullAgentOptions): Agent {
  return createAgent({ ...options, device: brand<DeviceId>("agent-001") });
}

/** The second half of the inputs is for the goldens alone: calibration never sees it. */
export async function registerModels(
  agent: Agent,
  models: readonly LabModel[],
  onRegistered: (name: string) => void,
): Promise<Result<void>> {
  for (const { name, bytes, input, shape, runs } of models) {
    const registered = await agent.registerModel({
      id: brand<ModelId>(name),
      format: "onnx",
      bytes,
      inputShapes: [{ input, shape }],
      calibration: runs.slice(0, runs.length / 2),
      goldenInputs: runs.slice(runs.length / 2),
    });
    if (!registered.ok) return registered;
    onRegistered(name);
  }
  return succeeded(undefined);
}
