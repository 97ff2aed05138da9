/** Programs of registered models: from the cache, or from a driver and then checked before anything runs. */
import { fromUtf8 } from "../../protocol/base/bytes.ts";
import { canonicalJson } from "../../protocol/base/canonical-json.ts";
import { present } from "../../protocol/base/assert.ts";
import type { Sha256 } from "../../protocol/base/brand.ts";
import { failed, succeeded, type Result } from "../../protocol/base/result.ts";
import type { SocDescription } from "../../protocol/isa/index.ts";
import type { DriverCode, HostedDriver, Watch } from "../host/index.ts";
import { openSession, type OpenCode, type Session } from "../runtime/index.ts";
import type { BlobStore } from "../slots/index.ts";
import { sourceOf, type RegisteredModel } from "./model.ts";
import { programFacts, type ProgramCache } from "./programs.ts";

export interface Workshop {
  readonly blobs: BlobStore;
  readonly programs: ProgramCache;
  readonly soc: SocDescription;
}

/** A driver in the store, ready to be called. */
export interface StoredDriver {
  readonly sha256: Sha256;
  readonly hosted: HostedDriver;
}

export interface Compiled {
  readonly session: Session;
  readonly fromCache: boolean;
  /** Zero when it came from the cache. */
  readonly compileMs: number;
  readonly residentBytesPeak: number;
}

export type CompileCode = DriverCode | OpenCode | "PROGRAM_OF_ANOTHER_MODEL" | "PROGRAM_NOT_TIMED";

export async function programFor(
  workshop: Workshop,
  model: RegisteredModel,
  driver: StoredDriver & { readonly watch?: Watch | undefined },
): Promise<Result<Compiled, CompileCode>> {
  const { programs, soc } = workshop;
  const facts = programFacts(model, driver.sha256, soc);
  const cached = await programs.get(facts);
  if (cached) {
    const session = openFor(model, cached, soc);
    if (!session.ok) return session;
    return succeeded({
      session: session.value,
      fromCache: true,
      compileMs: 0,
      residentBytesPeak: 0,
    });
  }
  const request = {
    model: sourceOf(model),
    soc: fromUtf8(canonicalJson(soc)),
    backend: "htp" as const,
    encodings: model.encodings,
    dumpAfter: undefined,
  };
  const answer = await driver.hosted.compile(request, driver.watch);
  if (!answer.ok) return answer;
  const { summary, elapsedMs, residentBytesPeak } = answer.value;
  const program = present(answer.value.blobs.get(summary.program), "the program");
  const session = openFor(model, program, soc);
  if (!session.ok) return session;
  await programs.put(facts, program, session.value.timing.microseconds);
  return succeeded({
    session: session.value,
    fromCache: false,
    compileMs: elapsedMs,
    residentBytesPeak,
  });
}

/** Verified: bounds, hazards, deadlock, cycles; and made for this very model with these very ports. */
function openFor(
  model: RegisteredModel,
  programBytes: Uint8Array,
  soc: SocDescription,
): Result<Session, CompileCode> {
  const session = openSession(programBytes, soc);
  if (!session.ok) return session;
  const { program, timing } = session.value;
  if (timing.cycles < 1) {
    // CPU segments alone, or nothing at all: the chip's clock has nothing to say of it.
    return failed("PROGRAM_NOT_TIMED", `The program of ${model.id} does no work on the HTP.`);
  }
  const samePorts = (which: "inputs" | "outputs"): boolean =>
    program[which].length === model[which].length &&
    model[which].every(({ name, shape }) => {
      const port = program[which].find((candidate) => candidate.name === name);
      return port !== undefined && port.shape.join() === shape.join();
    });
  const isFor = program.modelSha256 === model.sha256 && samePorts("inputs") && samePorts("outputs");
  if (isFor) return session;
  return failed("PROGRAM_OF_ANOTHER_MODEL", `The program is not one of the model ${model.id}.`);
}
