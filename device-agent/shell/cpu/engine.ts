/**
 * Runs CPU jobs in worker threads. The agent waits, as it does for its simulated chip, and kills the thread when
 * its time is up. A thread that nobody uses ends by itself, so a job needs no end of its own.
 */
import { fileURLToPath } from "node:url";
import { Worker } from "node:worker_threads";
import { concatBytes } from "../../../protocol/base/bytes.ts";
import { failed, succeeded, type Result } from "../../../protocol/base/result.ts";
import type { CpuCode, CpuEngine, CpuJob, CpuRan, MemoryWindow } from "../../runtime/index.ts";
import { createMailbox, TURN, type Mailbox } from "./mailbox.ts";
import type { WorkerTask } from "./worker.ts";

export interface CpuEngineLimits {
  /** Of one run, and of a start. */
  readonly timeMsMax: number;
  /** A thread that was asked nothing for so long ends; the next run starts another. */
  readonly idleMsMax: number;
}

/** The largest networks take about two seconds on one core; a machine may have much else to do. */
const DEFAULT_CPU_LIMITS: CpuEngineLimits = { timeMsMax: 30_000, idleMsMax: 10_000 };

/** Made by the set-up. */
const WORKER_SCRIPT = fileURLToPath(new URL("../../../dist/host/cpu-worker.mjs", import.meta.url));
/** For what surrounds the module; its own memory is not counted here, the verifier has bounded that. */
const HEAP_MEBIBYTES_MAX = 64;

export function workerEngine(limits: CpuEngineLimits = DEFAULT_CPU_LIMITS): CpuEngine {
  return {
    place: (job) => {
      const running = new RunningJob(job, limits);
      return { run: (inputs) => running.run(inputs) };
    },
  };
}

/** Guards one invariant: a thread that was not done in time is never asked again. */
class RunningJob {
  private readonly job: CpuJob;
  private readonly limits: CpuEngineLimits;
  private thread: { readonly worker: Worker; readonly mailbox: Mailbox } | undefined;

  constructor(job: CpuJob, limits: CpuEngineLimits) {
    this.job = job;
    this.limits = limits;
  }

  run(inputs: readonly Uint8Array[]): Result<CpuRan, CpuCode> {
    const started = this.askFor(concatBytes(inputs));
    if (!started.ok) return started;
    const mailbox = started.value;
    if (!mailbox.waitWhile(TURN.run, this.limits.timeMsMax)) return this.kill();
    const { microseconds, stage, text } = mailbox.readResult();
    // The turn does not tell: the thread may have gone since.
    if (stage < this.job.stages) {
      return failed("CPU_TRAP", `stage ${stage} of a CPU segment stopped: ${text}`, { stage });
    }
    const { inputs: into, outputs: from } = this.job;
    return succeeded({ outputs: windows(mailbox.ports, sizeOf(into), from), microseconds });
  }

  /** The mailbox of a thread that has begun to run on these inputs. */
  private askFor(inputs: Uint8Array): Result<Mailbox, CpuCode> {
    for (;;) {
      const { mailbox } = (this.thread ??= this.start());
      if (mailbox.turn() === TURN.starting && !this.hasStarted(mailbox)) return this.kill();
      const turn = mailbox.turn();
      if (turn === TURN.noRoom) {
        this.thread = undefined;
        const { text } = mailbox.readResult();
        return failed("DOES_NOT_FIT", `this host cannot hold a CPU segment: ${text}`);
      }
      if (turn !== TURN.gone) {
        mailbox.ports.set(inputs);
        if (mailbox.give(turn, TURN.run)) return succeeded(mailbox);
      }
      // It went while it was asked: another one is started.
      this.thread = undefined;
    }
  }

  private hasStarted(mailbox: Mailbox): boolean {
    return mailbox.waitWhile(TURN.starting, this.limits.timeMsMax);
  }

  private start() {
    const mailbox = createMailbox(this.job);
    // Only these parts of the program's file are copied, not the file that they are views of.
    const image = this.job.image.map((part) => ({ ...part, content: part.content.slice() }));
    const job = { ...this.job, module: this.job.module.slice(), image };
    const { idleMsMax } = this.limits;
    const workerData: WorkerTask = { job, shared: mailbox.shared, idleMsMax };
    const worker = new Worker(WORKER_SCRIPT, {
      workerData,
      transferList: image.map(({ content }) => content.buffer),
      env: {},
      execArgv: [],
      resourceLimits: { maxOldGenerationSizeMb: HEAP_MEBIBYTES_MAX },
    });
    // A thread that dies is found out by its silence.
    worker.on("error", () => undefined);
    worker.unref();
    return { worker, mailbox };
  }

  private kill(): Result<never, "CPU_TIMEOUT"> {
    void this.thread?.worker.terminate();
    this.thread = undefined;
    const { timeMsMax } = this.limits;
    const message = `a CPU segment was not done within ${timeMsMax} ms and was killed`;
    return failed("CPU_TIMEOUT", message, { timeMsMax });
  }
}

function sizeOf(ports: readonly MemoryWindow[]): number {
  return ports.reduce((total, { bytes }) => total + bytes, 0);
}

function windows(ports: Uint8Array, begin: number, of: readonly MemoryWindow[]): Uint8Array[] {
  let at = begin;
  return of.map(({ bytes }) => {
    at += bytes;
    return ports.slice(at - bytes, at);
  });
}
