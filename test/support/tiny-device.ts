/** A device in memory whose drivers run in this process: for tests of order and time that need no sandbox. */
import type { Agent } from "../../device-agent/index.ts";
import { machineClock } from "../../device-agent/shell/clock.ts";
import { unwrap } from "../../protocol/base/result.ts";
import { MODEL, openDevice, registerModels, type DeviceOptions } from "./crash/device.ts";
import { tinyDriverBundle } from "./crash/in-process-driver.ts";
import { emptyDirectory } from "./crash/page-cache.ts";
import { deviceServer, testNow, type DeviceServer } from "./device-server.ts";

export const TINY_OLD = tinyDriverBundle({ version: "1.0.0", copies: 60 });
export const TINY_FASTER = tinyDriverBundle({ version: "1.1.0", copies: 20 });
export const TINY_NEWER = tinyDriverBundle({ version: "1.2.0", copies: 10 });

export interface TinyDevice {
  readonly agent: Agent;
  readonly server: DeviceServer;
  /** A new process on the same disk. */
  restart(options?: DeviceOptions): Agent;
}

/** Factory driver 1.0.0, two models, enrolled with a server that assigns 1.1.0. */
export async function tinyDevice(options: DeviceOptions = {}): Promise<TinyDevice> {
  const server = await deviceServer();
  const clock = { ...machineClock, now: testNow };
  const { agent, disk } = openDevice(emptyDirectory(), server, { clock, ...options });
  unwrap(await agent.init(TINY_OLD, server.root));
  unwrap(await agent.enrol("token"));
  await registerModels({ agent, disk });
  await server.publish([TINY_OLD, TINY_FASTER], TINY_FASTER);
  const restart = (more: DeviceOptions = {}): Agent =>
    openDevice(disk.root, server, { clock, ...options, ...more }).agent;
  return { agent, server, restart };
}

/** Whether the model still answers with the old driver, and nothing is under way. */
export async function isAsBefore(agent: Agent): Promise<boolean> {
  const { current, update } = unwrap(await agent.status());
  const run = await agent.run(MODEL, new Map([["x", new Float32Array(128).fill(1)]]));
  return current.version === "1.0.0" && update === "idle" && run.ok;
}
