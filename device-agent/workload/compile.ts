/**
 * Programs of registered models: from the cache, or from a driver and then checked before anything runs. A model
 * that a driver cannot lower to the HTP runs on the CPU, as WebAssembly that the driver generates.
 */
import { fromUtf8 } from "../../protocol/base/bytes.ts";
import { canonicalJson } from "../../protocol/base/canonical-json.ts";
import { present, unreachable } from "../../protocol/base/assert.ts";
import type { Sha256 } from "../../protocol/base/brand.ts";
import { failed, succeeded, type Failure, type Result } from "../../protocol/base/result.ts";
import type { SocDescription } from "../../protocol/isa/index.ts";
import type { DriverCode, HostedDriver, Watch } from "../host/index.ts";
import {
  hasCpuSegments,
  openSession,
  type CpuEngine,
  type OpenCode,
  type RunCode,
  type Session,
} from "../runtime/index.ts";
import type { BlobStore } from "../slots/index.ts";
import { sourceOf, type RegisteredModel } from "./model.ts";
import { BACKENDS, programFacts, type Backend, type ProgramCache } from "./programs.ts";
import { runOfBytes, splitRun } from "./runs.ts";

export interface Workshop {
  readonly blobs: BlobStore;
  readonly programs: ProgramCache;
  readonly soc: SocDescription;
  readonly cpu: CpuEngine;
}

/** A driver in the store, ready to be called. */
export interface StoredDriver {
  readonly sha256: Sha256;
  readonly hosted: HostedDriver;
}

type WatchedDriver = StoredDriver & { readonly watch?: Watch | undefined };

export interface Compiled {
  readonly session: Session;
  /** Of one inference: the chip's clock, and the host's where the CPU computes. */
  readonly microseconds: number;
  readonly fromCache: boolean;
  /** Zero when it came from the cache. */
  readonly compileMs: number;
  readonly residentBytesPeak: number;
}

export type CompileCode =
  | DriverCode
  | OpenCode
  | RunCode
  | "PROGRAM_OF_ANOTHER_MODEL"
  | "PROGRAM_NOT_TIMED"
  | "PROGRAM_OFF_THE_CPU"
  | "GOLDENS_MISSING";

export async function programFor(
  workshop: Workshop,
  model: RegisteredModel,
  driver: WatchedDriver,
): Promise<Result<Compiled, CompileCode>> {
  for (const backend of BACKENDS) {
    const cached = await cachedProgram(workshop, model, { driver, backend });
    if (cached) return cached;
  }
  const onHtp = await compileProgram(workshop, model, { driver, backend: "htp" });
  if (onHtp.ok || !hasNoLowering(onHtp)) return onHtp;
  const onCpu = await compileProgram(workshop, model, { driver, backend: "cpu" });
  // Where the CPU path refuses it too, the HTP's reason is the one to hear.
  return !onCpu.ok && onCpu.code === "DRIVER_REFUSED" ? onHtp : onCpu;
}

interface Way {
  readonly driver: WatchedDriver;
  readonly backend: Backend;
}

async function cachedProgram(
  { programs, soc, cpu }: Workshop,
  model: RegisteredModel,
  { driver, backend }: Way,
): Promise<Result<Compiled, CompileCode> | undefined> {
  const facts = programFacts(model, driver.sha256, { soc, backend });
  const cached = await programs.get(facts);
  if (!cached) return undefined;
  const { program, microseconds } = cached;
  const session = openFor(model, { program, backend }, { soc, cpu });
  if (!session.ok) return session;
  const cost = { fromCache: true, compileMs: 0, residentBytesPeak: 0 };
  return succeeded({ session: session.value, microseconds, ...cost });
}

async function compileProgram(
  workshop: Workshop,
  model: RegisteredModel,
  { driver, backend }: Way,
): Promise<Result<Compiled, CompileCode>> {
  const { programs, soc } = workshop;
  const request = {
    model: sourceOf(model),
    soc: fromUtf8(canonicalJson(soc)),
    backend,
    encodings: model.encodings,
    dumpAfter: undefined,
  };
  const answer = await driver.hosted.compile(request, driver.watch);
  if (!answer.ok) return answer;
  const { summary, elapsedMs, residentBytesPeak } = answer.value;
  const program = present(answer.value.blobs.get(summary.program), "the program");
  const session = openFor(model, { program, backend }, workshop);
  if (!session.ok) return session;
  const timed = await timeOf(workshop, model, session.value);
  if (!timed.ok) return timed;
  const microseconds = timed.value;
  const facts = programFacts(model, driver.sha256, { soc, backend });
  await programs.put(facts, program, microseconds);
  const cost = { fromCache: false, compileMs: elapsedMs, residentBytesPeak };
  return succeeded({ session: session.value, microseconds, ...cost });
}

/** What a driver says of a model that it has no HTP program for. */
const NO_LOWERING: ReadonlySet<unknown> = new Set([
  "UNSUPPORTED_OP",
  "NOT_QUANTIZABLE",
  "DOES_NOT_FIT",
]);

function hasNoLowering({ code, details }: Failure<CompileCode>): boolean {
  return code === "DRIVER_REFUSED" && NO_LOWERING.has(details?.["code"]);
}

const TIMED_RUNS = 3;

/** The chip's clock needs no run; the host's does, and the quickest of a few says most. */
async function timeOf(
  { blobs }: Pick<Workshop, "blobs">,
  model: RegisteredModel,
  session: Session,
): Promise<Result<number, RunCode | "GOLDENS_MISSING">> {
  if (!hasCpuSegments(session.program)) return succeeded(session.timing.microseconds);
  const [golden] = model.goldens;
  const bytes = golden && (await blobs.get(golden.inputs));
  if (!bytes) return failed("GOLDENS_MISSING", `The goldens of ${model.id} are damaged.`);
  const inputs = splitRun(runOfBytes(bytes), model.inputs);
  let quickest = Infinity;
  for (let runs = 0; runs < TIMED_RUNS; runs++) {
    const ran = session.run(inputs);
    if (!ran.ok) return ran;
    quickest = Math.min(quickest, ran.value.timing.microseconds);
  }
  return succeeded(quickest);
}

/** Verified: bounds, hazards, deadlock, cycles; and made for this very model with these very ports. */
function openFor(
  model: RegisteredModel,
  { program: bytes, backend }: { readonly program: Uint8Array; readonly backend: Backend },
  { soc, cpu }: Pick<Workshop, "soc" | "cpu">,
): Result<Session, CompileCode> {
  const session = openSession(bytes, soc, cpu);
  if (!session.ok) return session;
  const misplaced = checkPlace(model, backend, session.value);
  if (misplaced) return misplaced;
  const { program } = session.value;
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

/** A driver may not hide work where the clock that it is judged by does not look. */
function checkPlace(
  { id }: RegisteredModel,
  backend: Backend,
  { program, timing }: Session,
): Failure<CompileCode> | undefined {
  switch (backend) {
    case "htp":
      if (timing.cycles >= 1) return undefined;
      return failed("PROGRAM_NOT_TIMED", `The program of ${id} does no work on the HTP.`);
    case "cpu":
      if (program.segments.every(({ kind }) => kind === "cpu")) return undefined;
      return failed("PROGRAM_OFF_THE_CPU", `The CPU program of ${id} uses another engine.`);
    default:
      return unreachable(backend);
  }
}
