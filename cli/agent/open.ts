/** The device agent of the data folder, with its progress on the terminal. */
import { mkdir } from "node:fs/promises";
import { hostname } from "node:os";
import { createAgent } from "../../device-agent/index.ts";
import type { Agent, LogEntry } from "../../device-agent/index.ts";
import { brand } from "../../protocol/base/brand.ts";
import type { DeviceId, TenantId } from "../../protocol/base/brand.ts";
import { succeeded } from "../../protocol/base/result.ts";
import type { Result } from "../../protocol/base/result.ts";
import type { Config } from "../config.ts";
import type { Output } from "../output.ts";
import { agentFolder } from "../places.ts";
import { findSoc } from "../soc.ts";
import { agentProgress } from "./progress.ts";

/** `device` names it when it is initialised; later the agent's own state does. */
export async function openAgent(
  config: Config,
  output: Output,
  device = thisMachine(),
): Promise<Result<Agent>> {
  const soc = findSoc(config.soc.value);
  if (!soc.ok) return soc;
  const directory = agentFolder(config);
  await mkdir(directory, { recursive: true });
  const agent = createAgent({
    directory,
    tenant: brand<TenantId>(config.tenant.value),
    device: brand<DeviceId>(device),
    soc: soc.value,
    serverUrl: config["server.url"].value,
    onProgress: agentProgress(output),
    log: (entry) => output.say(describeEntry(entry)),
  });
  return succeeded(agent);
}

/** The machine's name as an identifier. */
export function thisMachine(name = hostname()): string {
  const cleaned = name.replace(/[^A-Za-z0-9._-]+/g, "-").replace(/^[^A-Za-z0-9]+/, "");
  return cleaned.slice(0, 64) || "device";
}

function describeEntry({ event, details }: LogEntry): string {
  const facts = Object.entries(details).map(([name, value]) => `${name} ${value}`);
  return [event, facts.join(", ")].join(": ");
}
