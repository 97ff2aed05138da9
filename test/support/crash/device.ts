/** A device whose disk lies in memory and whose drivers run in this process: opened on any disk image. */
import { present } from "../../../protocol/base/assert.ts";
import { brand, type ModelId } from "../../../protocol/base/brand.ts";
import { utf8 } from "../../../protocol/base/bytes.ts";
import { succeeded, unwrap } from "../../../protocol/base/result.ts";
import { sha256 } from "../../../protocol/crypto/index.ts";
import { createAgent, type Agent, type AgentOptions } from "../../../device-agent/index.ts";
import { socNamed } from "../../../device-agent/soc/index.ts";
import { DEVICE, SERVER_URL, TENANT, type DeviceServer } from "../device-server.ts";
import { NOW } from "../signed-metadata.ts";
import { fingerprint } from "./fingerprint.ts";
import { inProcessDrivers } from "./in-process-driver.ts";
import { observedDisk, type DiskStep, type Ruling } from "./observed-disk.ts";
import { pageCacheDisk, type DirectoryNode, type PageCacheDisk } from "./page-cache.ts";

export const MODEL = brand<ModelId>("identity");
export const SECOND_MODEL = brand<ModelId>("second");

export const SOC = present(socNamed("sm8650"), "sm8650");

export interface CrashDevice {
  readonly agent: Agent;
  readonly disk: PageCacheDisk;
}

const HOME = "/device";
/** Never started: the drivers run in this process. */
const TOOLS = {
  node: "node",
  permissionFlag: "--permission",
  childScript: "child.mjs",
  withoutNetwork: ["unshare", "--net", "--"],
  prlimit: true,
  setpriv: true,
};

export interface DeviceOptions extends Pick<
  Partial<AgentOptions>,
  "policy" | "clock" | "http" | "onProgress"
> {
  readonly rule?: (step: DiskStep) => Ruling;
}

/** `root` is taken over: the device changes it. */
export function openDevice(
  root: DirectoryNode,
  server: DeviceServer,
  { rule, ...options }: DeviceOptions = {},
): CrashDevice {
  const disk = pageCacheDisk(Infinity, root);
  let ticks = 0;
  // Dice that fall alike only for a device that nobody could tell from this one.
  const seed = `${fingerprint(root)} ${server.fingerprint()}`;
  const agent = createAgent({
    directory: HOME,
    tenant: brand(TENANT),
    device: brand(DEVICE),
    soc: SOC,
    serverUrl: SERVER_URL,
    http: server.http,
    // No case waits: what never answers is for other tests.
    clock: { now: () => (NOW + 1000 * ++ticks) as typeof NOW, after: () => () => undefined },
    disk: rule ? observedDisk(disk, rule) : disk,
    processes: inProcessDrivers((path) => disk.read(path.slice(HOME.length + 1))),
    tools: TOOLS,
    lock: () => Promise.resolve(succeeded(undefined)),
    randomBytes: (count) => sha256(utf8(seed)).subarray(0, count),
    ...options,
  });
  return { agent, disk };
}

export function modelOf(id: ModelId) {
  const bytes = new TextEncoder().encode(`model ${id} `.repeat(60));
  const inputs = { inputShapes: [], calibration: [], goldenInputs: [] };
  return { id, format: "onnx" as const, bytes, ...inputs };
}

/** Whether the model gives its right answer. */
export async function runsRight({ agent }: CrashDevice, id: ModelId): Promise<boolean> {
  const run = await agent.run(id, new Map([["x", new Float32Array(128).fill(1)]]));
  return run.ok && (run.value.outputs.get("y")?.every((value) => value === 1) ?? false);
}

export async function registerModels({ agent }: CrashDevice): Promise<void> {
  for (const id of [MODEL, SECOND_MODEL]) unwrap(await agent.registerModel(modelOf(id)));
}
