/** A device in a temporary folder, prepared once a test file and copied for every test. */
import { cp, mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createAgent, type Agent, type AgentOptions } from "../../device-agent/index.ts";
import { machineClock } from "../../device-agent/shell/clock.ts";
import { machineDisk } from "../../device-agent/shell/disk.ts";
import { socNamed } from "../../device-agent/soc/index.ts";
import type { Disk } from "../../device-agent/slots/index.ts";
import { present } from "../../protocol/base/assert.ts";
import { brand, type ModelId } from "../../protocol/base/brand.ts";
import { utf8 } from "../../protocol/base/bytes.ts";
import { unwrap } from "../../protocol/base/result.ts";
import { copyDriverBundle } from "./copy-driver.ts";
import { DEVICE, deviceServer, SERVER_URL, TENANT, testNow } from "./device-server.ts";
import type { DeviceServer } from "./device-server.ts";

export const OLD = copyDriverBundle({ version: "1.0.0", copies: 100 });
export const MODEL = brand<ModelId>("identity");
export const SECOND_MODEL = brand<ModelId>("second");

export interface TestDevice {
  readonly agent: Agent;
  readonly server: DeviceServer;
  readonly directory: string;
  /** A new process on the same disk. */
  restart(options?: DeviceOptions): Agent;
}

export type DeviceOptions = Partial<AgentOptions> & { readonly changeDisk?: (disk: Disk) => Disk };

export interface TestDevices {
  /** Factory driver 1.0.0, enrolled, two models; the server assigns `bundle`. */
  open(bundle: Uint8Array | undefined, options?: DeviceOptions): Promise<TestDevice>;
  close(): Promise<void>;
}

export async function testDevices(): Promise<TestDevices> {
  const home = await mkdtemp(join(tmpdir(), "retile-agent-"));
  const server = await deviceServer();
  const template = join(home, "template");
  const prepared = createAgent(optionsFor(template, server, {}));
  unwrap(await prepared.init(OLD, server.root));
  unwrap(await prepared.enrol("token"));
  for (const id of [MODEL, SECOND_MODEL]) unwrap(await prepared.registerModel(modelOf(id)));
  let created = 0;
  return {
    open: async (bundle, options = {}) => {
      const directory = join(home, String(created++));
      await cp(template, directory, { recursive: true });
      server.forget();
      server.down = false;
      server.corrupted.clear();
      await server.publish(bundle ? [OLD, bundle] : [OLD], bundle);
      const restart = (more: DeviceOptions = {}): Agent =>
        createAgent(optionsFor(directory, server, more));
      return { agent: restart(options), server, directory, restart };
    },
    close: () => rm(home, { recursive: true }),
  };
}

export function modelOf(id: ModelId, bytes: Uint8Array = utf8(`model ${id}`)) {
  const inputs = { inputShapes: [], calibration: [], goldenInputs: [] };
  return { id, format: "onnx" as const, bytes, ...inputs };
}

export function optionsFor(
  directory: string,
  server: DeviceServer,
  { changeDisk, ...options }: DeviceOptions,
): AgentOptions {
  const disk = machineDisk(directory);
  return {
    directory,
    tenant: brand(TENANT),
    device: brand(DEVICE),
    soc: present(socNamed("sm8650"), "sm8650"),
    serverUrl: SERVER_URL,
    http: server.http,
    clock: { ...machineClock, now: testNow },
    disk: changeDisk ? changeDisk(disk) : disk,
    ...options,
  };
}

/** Whether the model still gives its right answer. */
export async function runsRight(agent: Agent, id = MODEL): Promise<boolean> {
  const run = await agent.run(id, new Map([["x", new Float32Array(128).fill(1)]]));
  return run.ok && (run.value.outputs.get("y")?.every((value) => value === 1) ?? false);
}

/** Kinds of the reports that the server has, in order. */
export function told(server: DeviceServer): string {
  const kinds = server.reports.map(({ body }) =>
    body.kind === "lifecycle" ? body.stage.kind : body.verdict.kind,
  );
  return kinds.join(" ");
}
