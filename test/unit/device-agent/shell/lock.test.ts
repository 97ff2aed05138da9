import { spawnSync } from "node:child_process";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { afterAll, expect, test } from "@jest/globals";
import { lockDirectory } from "../../../../device-agent/shell/lock.ts";

const directory = await mkdtemp(join(tmpdir(), "retile-lock-"));
const other = await mkdtemp(join(tmpdir(), "retile-lock-"));
afterAll(() => Promise.all([directory, other].map((path) => rm(path, { recursive: true }))));
const module = fileURLToPath(new URL("../../../../device-agent/shell/lock.ts", import.meta.url));

/** What a process of its own is told; it then ends, and its lock with it. */
function lockElsewhere(path: string): string {
  const script = `
    import { lockDirectory } from ${JSON.stringify(module)};
    const locked = await lockDirectory(${JSON.stringify(path)});
    console.log(locked.ok ? "held" : locked.code);`;
  const words = ["--import", "tsx", "--input-type=module", "--eval", script];
  return spawnSync(process.execPath, words, { encoding: "utf8" }).stdout.trim();
}

test("a directory has one process at a time; a dead one leaves it free", async () => {
  expect(lockElsewhere(directory)).toBe("held");
  expect((await lockDirectory(directory)).ok).toBe(true);
  expect((await lockDirectory(directory)).ok).toBe(true);
  expect(lockElsewhere(directory)).toBe(process.platform === "linux" ? "AGENT_RUNNING" : "held");
  expect(lockElsewhere(other)).toBe("held");
});
