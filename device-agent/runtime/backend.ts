/**
 * What an application enumerates: backends, their devices, and on a device contexts. A context holds one compiled
 * program in the device's memory; its graphs are the program's entry points, of which there is one today.
 */
import { succeeded } from "../../protocol/base/result.ts";
import type { Result } from "../../protocol/base/result.ts";
import type { SocDescription } from "../../protocol/isa/index.ts";
import { SOCS } from "../soc/index.ts";
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

export function htpBackend(socs: readonly SocDescription[] = SOCS): Backend {
  return { name: "htp", devices: socs.map(createDevice) };
}

function createDevice(soc: SocDescription): Device {
  const device: Device = {
    soc,
    createContext: (programBytes) => {
      const session = openSession(programBytes, soc);
      if (!session.ok) return session;
      const graph: Graph = { name: session.value.program.modelName, session: session.value };
      return succeeded({ device, graphs: [graph] });
    },
  };
  return device;
}
