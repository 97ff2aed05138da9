/** The sandbox without the realm: a program that is already outside of the driver's realm finds walls. */
import { spawnSync } from "node:child_process";
import { once } from "node:events";
import { mkdir, mkdtemp, rm, writeFile } from "node:fs/promises";
import { createServer, type AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, expect, test } from "@jest/globals";
import { sandboxCommand, sandboxLevel } from "../../../../device-agent/host/index.ts";
import { machineSandboxTools } from "../../../../device-agent/shell/processes.ts";

const directory = await mkdtemp(join(tmpdir(), "retile-walls-"));
afterAll(() => rm(directory, { recursive: true }));
const script = join(directory, "intruder.mjs");
const folders = { files: join(directory, "files"), blobs: join(directory, "blobs") };
await Promise.all([mkdir(folders.files), mkdir(folders.blobs)]);
await writeFile(join(folders.files, "own"), "own");
await writeFile(join(directory, "secret"), "secret");

const INTRUDER = `
  import { execSync } from "node:child_process";
  import { readFileSync, symlinkSync, writeFileSync } from "node:fs";
  import inspector from "node:inspector";
  import { networkInterfaces } from "node:os";
  import { Worker } from "node:worker_threads";
  import { createConnection } from "node:net";
  const attempt = (act) => { try { return String(act()); } catch (error) { return error.code ?? error.name; } };
  const loopback = await new Promise((resolve) => {
    const socket = createConnection(Number(process.argv.at(-1)), "127.0.0.1");
    const end = (how) => { socket.destroy(); resolve(how); };
    socket.on("connect", () => end("connected")).on("error", (error) => end(error.code));
  });
  console.log(JSON.stringify({
    loopback,
    own: attempt(() => readFileSync(${JSON.stringify(join(folders.files, "own"))})),
    secret: attempt(() => readFileSync(${JSON.stringify(join(directory, "secret"))})),
    system: attempt(() => readFileSync("/etc/passwd")),
    write: attempt(() => writeFileSync(${JSON.stringify(join(folders.files, "new"))}, "x")),
    link: attempt(() => symlinkSync("/etc/passwd", ${JSON.stringify(join(folders.files, "link"))})),
    around: attempt(() => readFileSync(${JSON.stringify(`${folders.files}/../secret`)})),
    memory: attempt(() => readFileSync("/proc/self/mem")),
    spawn: attempt(() => execSync("true")),
    addon: attempt(() => process.dlopen({ exports: {} }, "/addon.node")),
    inspect: attempt(() => inspector.open(0)),
    signal: attempt(() => process.kill(process.ppid, 0)),
    worker: attempt(() => new Worker("1", { eval: true })),
    evaluate: attempt(() => eval("1")),
    environment: Object.keys(process.env).length,
    network: Object.keys(networkInterfaces()).length,
  }));`;

test("an intruder reads its own files and nothing else, and neither writes, starts nor evaluates", async () => {
  await writeFile(script, INTRUDER);
  const tools = machineSandboxTools(script);
  const limits = { residentBytesMax: 256 << 20, cpuSecondsMax: 20 };
  const command = sandboxCommand(tools, folders, limits);
  // A connection that nobody reads would keep the listener.
  const listener = createServer((socket) => socket.destroy()).listen(0, "127.0.0.1");
  await once(listener, "listening");
  const { port } = listener.address() as AddressInfo;
  const child = spawnSync(command.program, [...command.arguments, String(port)], {
    env: {},
    encoding: "utf8",
    timeout: 20_000,
  });
  listener.close();
  await once(listener, "close");
  const { network, loopback, ...found } = JSON.parse(child.stdout) as Record<string, unknown>;
  expect(found).toEqual({
    own: "own",
    secret: "ERR_ACCESS_DENIED",
    system: "ERR_ACCESS_DENIED",
    write: "ERR_ACCESS_DENIED",
    link: "ERR_ACCESS_DENIED",
    around: "ERR_ACCESS_DENIED",
    memory: "ERR_ACCESS_DENIED",
    spawn: "ERR_ACCESS_DENIED",
    addon: "ERR_DLOPEN_DISABLED",
    inspect: "ERR_ACCESS_DENIED",
    // It can end the agent; a driver that does so three times in a row is left for the one before.
    signal: "true",
    worker: "ERR_ACCESS_DENIED",
    evaluate: "EvalError",
    environment: 0,
  });
  // A degraded sandbox is one whose network stays open, and says so.
  const isStrong = sandboxLevel(tools) === "strong";
  expect(loopback === "connected").toBe(!isStrong);
  if (isStrong) expect(network).toBe(0);
});
