/** A driver as three functions: describe, compile, reference. What it sends is checked for completeness. */
import type {
  CompileRequest,
  CompileSummary,
  DriverIdentity,
  ReferenceRequest,
  ReferenceSummary,
} from "../../protocol/abi/index.ts";
import type { Sha256 } from "../../protocol/base/brand.ts";
import { failed, succeeded, type Result } from "../../protocol/base/result.ts";
import {
  callDriver,
  type DriverAnswer,
  type DriverBudgets,
  type DriverCall,
  type DriverCode,
  type HostPorts,
} from "./call.ts";
import type { SandboxFolders } from "./sandbox.ts";

export interface HostedDriver {
  describe(watch?: Watch): Promise<DriverOutcome<DriverIdentity>>;
  compile(request: CompileRequest, watch?: Watch): Promise<DriverOutcome<CompileSummary>>;
  reference(request: ReferenceRequest, watch?: Watch): Promise<DriverOutcome<ReferenceSummary>>;
}

export type Watch = Pick<DriverCall, "onProgress" | "signal">;
export type DriverOutcome<T> = Result<Answered<T>, DriverCode>;

export interface Answered<T> extends Omit<DriverAnswer, "reply"> {
  readonly summary: T;
}

/** For a driver on a machine that has other things to do. */
export const DEFAULT_BUDGETS: DriverBudgets = {
  timeMsMax: 180_000,
  residentBytesMax: 1 << 30,
  outputBytesMax: 1 << 29,
};

const REQUEST_ID = 1;

export function hostDriver(
  ports: HostPorts,
  folders: SandboxFolders,
  budgets: DriverBudgets = DEFAULT_BUDGETS,
): HostedDriver {
  const call = (request: DriverCall["request"], watch: Watch = {}) =>
    callDriver(ports, { request, folders, budgets, ...watch });
  return {
    describe: async (watch) => {
      const answer = await call({ id: REQUEST_ID, call: "describe" }, watch);
      if (!answer.ok) return answer;
      const { reply, ...rest } = answer.value;
      if (reply.outcome !== "described") return otherReply(reply.outcome);
      return succeeded({ ...rest, summary: reply.driver });
    },
    compile: async (compile, watch) => {
      const answer = await call({ id: REQUEST_ID, call: "compile", compile }, watch);
      if (!answer.ok) return answer;
      const { reply, ...rest } = answer.value;
      if (reply.outcome !== "compiled") return otherReply(reply.outcome);
      const { summary } = reply;
      return withBlobs({ ...rest, summary }, [summary.program, summary.dump]);
    },
    reference: async (reference, watch) => {
      const answer = await call({ id: REQUEST_ID, call: "reference", reference }, watch);
      if (!answer.ok) return answer;
      const { reply, ...rest } = answer.value;
      if (reply.outcome !== "referenced") return otherReply(reply.outcome);
      const { reference: summary } = reply;
      if (summary.outputs.length !== reference.inputs.length) {
        return failed("DRIVER_BAD_REPLY", "The driver answered another number of runs.");
      }
      if (reference.calibrate && summary.encodings === undefined) {
        return failed("DRIVER_BAD_REPLY", "The driver left out the encodings.");
      }
      return withBlobs({ ...rest, summary }, [...summary.outputs, summary.encodings]);
    },
  };
}

function withBlobs<T>(
  answered: Answered<T>,
  named: readonly (Sha256 | undefined)[],
): DriverOutcome<T> {
  const missing = named.find((sha256) => sha256 !== undefined && !answered.blobs.has(sha256));
  if (missing === undefined) return succeeded(answered);
  return failed("DRIVER_BAD_REPLY", `The driver names blob ${missing} and did not send it.`);
}

function otherReply(outcome: string): Result<never, "DRIVER_BAD_REPLY"> {
  return failed("DRIVER_BAD_REPLY", `The driver answered with "${outcome}", which nobody asked.`);
}
