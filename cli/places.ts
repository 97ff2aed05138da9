/** Where the parts of retile keep what is theirs, below the data folder. */
import { join } from "node:path";
import type { Config } from "./config.ts";

export function serverFolder(config: Config): string {
  return join(config.dataDir.value, "server");
}

export function agentFolder(config: Config): string {
  return join(config.dataDir.value, "agent");
}

/** Where a server leaves its first administrator's token. */
export function adminTokenFile(config: Config): string {
  return join(serverFolder(config), "admin-token");
}
