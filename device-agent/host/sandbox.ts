/**
 * The walls around a driver, as one command line. Each is there for what the others leave open: Node's
 * permission flag keeps the child from files, processes and workers but not from the network; a network
 * namespace does; the heap limit does not count ArrayBuffers and WebAssembly memory, the data limit does.
 */
import type { SandboxLevel } from "../../protocol/wire/index.ts";
import type { Command } from "./ports.ts";

/** What this machine offers. */
export interface SandboxTools {
  /** The program `node`. */
  readonly node: string;
  /** `--permission`, or what older versions call it. */
  readonly permissionFlag: string;
  /** The bundled host/child.ts. */
  readonly childScript: string;
  /** A command prefix that gives the program behind it an empty network namespace. */
  readonly withoutNetwork: readonly string[] | undefined;
  /** Whether `prlimit` is there. */
  readonly prlimit: boolean;
  /** Whether `setpriv` can tie the child's life to the agent's. */
  readonly setpriv: boolean;
}

export interface SandboxLimits {
  readonly residentBytesMax: number;
  readonly cpuSecondsMax: number;
}

export interface SandboxFolders {
  /** Absolute: the driver bundle's files. */
  readonly files: string;
  /** Absolute: the blobs that requests name. */
  readonly blobs: string;
}

/** Node's own mappings: thread stacks, code space, the young heap. */
const NODE_DATA_BYTES = 384 << 20;
const MEBIBYTE = 1 << 20;

export function sandboxLevel(tools: SandboxTools): SandboxLevel {
  return tools.withoutNetwork && tools.prlimit ? "strong" : "degraded";
}

export function sandboxCommand(
  tools: SandboxTools,
  folders: SandboxFolders,
  limits: SandboxLimits,
): Command {
  const words = [
    ...(tools.setpriv ? ["setpriv", "--pdeathsig", "KILL", "--"] : []),
    ...(tools.withoutNetwork ?? []),
    ...(tools.prlimit ? resourceLimits(limits) : []),
    tools.node,
    tools.permissionFlag,
    ...[tools.childScript, folders.files, folders.blobs].map((path) => `--allow-fs-read=${path}`),
    "--disallow-code-generation-from-strings",
    "--no-warnings",
    `--max-old-space-size=${Math.ceil(limits.residentBytesMax / MEBIBYTE)}`,
    tools.childScript,
    folders.files,
    folders.blobs,
  ];
  const [program = tools.node, ...rest] = words;
  return { program, arguments: rest };
}

/** The processor limit ends a driver that never returns even when the agent itself is gone. */
function resourceLimits(limits: SandboxLimits): string[] {
  const dataBytes = limits.residentBytesMax + NODE_DATA_BYTES;
  return [
    "prlimit",
    `--data=${dataBytes}`,
    `--cpu=${Math.ceil(limits.cpuSecondsMax)}`,
    "--core=0",
    "--fsize=0",
    "--",
  ];
}
