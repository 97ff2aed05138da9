/** Child processes of this machine, and what it offers to sandbox them with. */
import { spawn, spawnSync, type ChildProcessWithoutNullStreams } from "node:child_process";
import { readFile } from "node:fs/promises";
import type { Child, Processes, ResidentMemory, SandboxTools } from "../host/index.ts";

export const machineProcesses: Processes = {
  spawn: (command, events) => {
    const child = spawn(command.program, command.arguments, { env: {} });
    let isOver = false;
    const exit = (how: Parameters<typeof events.onExit>[0]): void => {
      if (isOver) return;
      isOver = true;
      events.onExit(how);
    };
    child.stdout.on("data", (bytes: Uint8Array) => events.onOutput(bytes));
    child.stderr.on("data", (bytes: Uint8Array) => events.onErrorOutput(bytes));
    // A child that dies early breaks its input pipe: its exit says why.
    child.stdin.on("error", () => undefined);
    child.on("error", (error) => exit({ kind: "not_started", because: error.message }));
    child.on("close", (code, signal) => {
      if (signal === null) exit({ kind: "exited", code: code ?? 0 });
      else exit({ kind: "killed", signal });
    });
    return childOf(child);
  },
};

function childOf(child: ChildProcessWithoutNullStreams): Child {
  return {
    write: (bytes) => void child.stdin.write(bytes),
    endInput: () => void child.stdin.end(),
    kill: () => void child.kill("SIGKILL"),
    memory: () => residentMemory(child.pid),
  };
}

/** From /proc, which counts what heap limits do not: ArrayBuffers and WebAssembly memory. */
async function residentMemory(pid: number | undefined): Promise<ResidentMemory | undefined> {
  if (pid === undefined) return undefined;
  let status: string;
  try {
    status = await readFile(`/proc/${pid}/status`, "utf8");
  } catch {
    // It has exited, or this machine has no /proc.
    return undefined;
  }
  const bytes = (field: string): number =>
    Number(new RegExp(`^${field}:\\s+(\\d+) kB$`, "m").exec(status)?.[1] ?? 0) * 1024;
  return { bytes: bytes("VmRSS"), bytesPeak: bytes("VmHWM") };
}

/** Looks once what this machine has. `childScript` is the bundled host/child.ts. */
export function machineSandboxTools(childScript: string): SandboxTools {
  const flags = process.allowedNodeEnvironmentFlags;
  const works = (...words: readonly string[]): boolean => {
    const [program = "", ...rest] = words;
    return spawnSync(program, rest, { stdio: "ignore" }).status === 0;
  };
  const namespaces = [
    ["unshare", "--net", "--"],
    ["unshare", "--map-root-user", "--net", "--"],
  ];
  return {
    node: process.execPath,
    permissionFlag: flags.has("--permission") ? "--permission" : "--experimental-permission",
    childScript,
    withoutNetwork: namespaces.find((prefix) => works(...prefix, "true")),
    prlimit: works("prlimit", "--core=0", "--", "true"),
    setpriv: works("setpriv", "--pdeathsig", "KILL", "--", "true"),
  };
}
