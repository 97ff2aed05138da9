/**
 * One process a directory: two would overwrite each other's state. The lock is a Linux abstract socket, which
 * the kernel releases when its process dies, however it dies; a lock file would outlive a kill.
 */
import { realpathSync } from "node:fs";
import { createServer } from "node:net";
import { utf8 } from "../../protocol/base/bytes.ts";
import { failed, succeeded, type Result } from "../../protocol/base/result.ts";
import { sha256Hex } from "../../protocol/crypto/index.ts";

export type LockCode = "AGENT_RUNNING";

/** Agents of one process share its lock; they are the caller's to order. */
const heldHere = new Set<string>();

/** Held until this process ends. Elsewhere than on Linux there is no such socket, and nothing is locked. */
export async function lockDirectory(directory: string): Promise<Result<void, LockCode>> {
  const name = `\0retile-agent-${sha256Hex(utf8(realpathSync(directory)))}`;
  if (process.platform !== "linux" || heldHere.has(name)) return succeeded(undefined);
  const isFree = await new Promise<boolean>((resolve) => {
    const socket = createServer();
    socket.on("error", () => resolve(false));
    socket.listen({ path: name }, () => resolve(true));
    // The lock is no reason for the process to live on.
    socket.unref();
  });
  if (!isFree) {
    const message = `Another agent is at work on ${directory}: stop it, or ask it.`;
    return failed("AGENT_RUNNING", message, { directory });
  }
  heldHere.add(name);
  return succeeded(undefined);
}
