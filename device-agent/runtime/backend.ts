/**
 * What an application enumerates: backends, their devices, and on a device contexts. A context holds one compiled
 * program in the device's memory; its graphs are the program's entry points, of which there is one today.
 */
import { succeeded } from "../../protocol/base/result.ts";
import type { Result } from "../../protocol/base/result.ts";
import type { SocDescription } from "../../protocol/isa/index.ts";
import { SOCS } from "../soc/index.ts";
import type { CpuEngine } from "./cpu-engine.ts";
import { openSession } from "./session.ts";
import type { OpenCode, Session } from "./session.ts";

export interface Backend {
  readonly name: "htp";
  readonly devices: readonly Device[];
}

export interface Device {
  readonly soc: SocDescription;
  /** Decodes, verifies and places a compiled program. */
  createContext(programBytes: Uint8Array): Result<Context, OpenCode>;
}

export interface Context {
  readonly device: Device;
  readonly graphs: readonly Graph[];
}

export interface Graph {
  readonly name: string;
  readonly session: Session;
}

export interface BackendOptions {
  readonly socs?: readonly SocDescription[];
  /** For programs with CPU segments. */
  readonly cpu?: CpuEngine;
}

export function htpBackend({ socs = SOCS, cpu }: BackendOptions = {}): Backend {
  return { name: "htp", devices: socs.map((soc) => createDevice(soc, cpu)) };
}

function createDevice(soc: SocDescription, cpu: CpuEngine | undefined): Device {
  const device: Device = {
    soc,
    createContext: (programBytes) => {
      const session = openSession(programBytes, soc, cpu);
      if (!session.ok) return session;
      const graph: Graph = { name: session.value.program.modelName, session: session.value };
      return succeeded({ device, graphs: [graph] });
    },
  };
  return device;
}
