/** The server that a command talks to, and the token that it shows there. */
import { readFileSync } from "node:fs";
import { failed, succeeded } from "../../protocol/base/result.ts";
import type { Result } from "../../protocol/base/result.ts";
import type { Config } from "../config.ts";
import { adminTokenFile } from "../places.ts";
import type { SettingKey } from "../settings.ts";
import type { OperatorClient } from "./client.ts";

/** What every command that talks to the operator API offers as flags. */
export const OPERATOR_SETTINGS = [
  "server.url",
  "server.token",
  "dataDir",
] as const satisfies readonly SettingKey[];

export async function connect(config: Config): Promise<Result<OperatorClient, "TOKEN_MISSING">> {
  const url = config["server.url"].value;
  const token = config["server.token"].value || localToken(config);
  if (!token) return failed("TOKEN_MISSING", `there is no operator token for ${url}`, { url });
  const { OperatorClient } = await import("./client.ts");
  return succeeded(new OperatorClient(url, token));
}

/** A server on this machine leaves one; it is shown to this machine alone. */
function localToken(config: Config): string | undefined {
  if (!isThisMachine(config["server.url"].value)) return undefined;
  try {
    return readFileSync(adminTokenFile(config), "utf8").trim();
  } catch {
    // Not there, or not ours to read: the same to us.
    return undefined;
  }
}

export function isThisMachine(url: string): boolean {
  const { hostname } = new URL(url);
  return hostname === "localhost" || hostname === "[::1]" || /^127(\.\d{1,3}){3}$/.test(hostname);
}
