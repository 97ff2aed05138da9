/** One call of a driver: a fresh sandboxed child, one request, its replies, and an end in any case. */
import {
  decodeReply,
  encodeRequest,
  FRAME_BYTES_MAX,
  type Reply,
  type Request,
} from "../../protocol/abi/index.ts";
import type { Sha256 } from "../../protocol/base/brand.ts";
import { failed, succeeded, type Details, type Result } from "../../protocol/base/result.ts";
import { blobCollector } from "./blobs.ts";
import { EXIT_CODES } from "./exit-codes.ts";
import { frameHeader, frameReader } from "./frames.ts";
import type { Child, ChildExit, Clock, Processes } from "./ports.ts";
import { sandboxCommand, type SandboxFolders, type SandboxTools } from "./sandbox.ts";

/** `DRIVER_REFUSED`: the driver answered with a failure, whose own code is in `details.code`. */
export type DriverCode =
  | "DRIVER_TIMEOUT"
  | "DRIVER_MEMORY"
  | "DRIVER_CRASHED"
  | "DRIVER_OUTPUT_LIMIT"
  | "DRIVER_BAD_REPLY"
  | "DRIVER_REFUSED"
  | "DRIVER_CANCELLED"
  | "SANDBOX_NOT_STARTED";

export interface DriverBudgets {
  readonly timeMsMax: number;
  readonly residentBytesMax: number;
  /** All replies of one call together. */
  readonly outputBytesMax: number;
}

export interface HostPorts {
  readonly processes: Processes;
  readonly clock: Clock;
  readonly tools: SandboxTools;
}

export interface DriverCall {
  readonly request: Request;
  readonly folders: SandboxFolders;
  readonly budgets: DriverBudgets;
  readonly onProgress?: ((stage: string, fraction: number) => void) | undefined;
  readonly signal?: AbortSignal | undefined;
}

type FinalReply = Exclude<Reply, { outcome: "progress" | "blob" | "failed" }>;

export interface DriverAnswer {
  readonly reply: FinalReply;
  /** Complete, each with the hash that it is named by. */
  readonly blobs: ReadonlyMap<Sha256, Uint8Array>;
  readonly elapsedMs: number;
  /** Zero where the machine does not say. */
  readonly residentBytesPeak: number;
}

type Outcome = Result<DriverAnswer, DriverCode>;

const WATCH_INTERVAL_MS = 20;
const ERROR_TEXT_LENGTH_MAX = 2000;

export function callDriver(ports: HostPorts, call: DriverCall): Promise<Outcome> {
  return new Promise((resolve) => new RunningCall(ports, call, resolve).start());
}

/** Guards one invariant: whatever happens, the child is dead and the outcome is told exactly once. */
class RunningCall {
  private readonly ports: HostPorts;
  private readonly call: DriverCall;
  private readonly tell: (outcome: Outcome) => void;
  private readonly frames = frameReader(FRAME_BYTES_MAX);
  private readonly blobs = blobCollector();
  private readonly startedAt: number;
  private child: Child | undefined;
  private outcome: Outcome | undefined;
  private reply: FinalReply | undefined;
  private refusal: Extract<Reply, { outcome: "failed" }> | undefined;
  private outputBytes = 0;
  private residentBytesPeak = 0;
  private errorText = "";
  private stopTimers: (() => void)[] = [];

  constructor(ports: HostPorts, call: DriverCall, tell: (outcome: Outcome) => void) {
    this.ports = ports;
    this.call = call;
    this.tell = tell;
    this.startedAt = ports.clock.now();
  }

  start(): void {
    const { processes, clock, tools } = this.ports;
    const { budgets, folders, request, signal } = this.call;
    if (signal?.aborted) return this.tell(this.cancelled());
    const { residentBytesMax, timeMsMax } = budgets;
    // Several threads work for one driver; the limit is for a child whose agent is gone.
    const cpuSecondsMax = (2 * timeMsMax) / 1000 + 1;
    const command = sandboxCommand(tools, folders, { residentBytesMax, cpuSecondsMax });
    this.child = processes.spawn(command, {
      onOutput: (bytes) => this.read(bytes),
      onErrorOutput: (bytes) => {
        const text = new TextDecoder().decode(bytes);
        this.errorText = (this.errorText + text).slice(0, ERROR_TEXT_LENGTH_MAX);
      },
      onExit: (exit) => this.exited(exit),
    });
    this.stopTimers.push(clock.after(timeMsMax, () => this.stop(this.timeout())));
    const cancel = (): void => this.stop(this.cancelled());
    signal?.addEventListener("abort", cancel);
    this.stopTimers.push(() => signal?.removeEventListener("abort", cancel));
    this.watch();
    const frame = encodeRequest(request);
    this.child.write(frameHeader(frame.length));
    this.child.write(frame);
  }

  /** Fixes the outcome and kills the child; the outcome is told when it is gone. */
  private stop(outcome: Outcome): void {
    if (this.outcome) return;
    this.outcome = outcome;
    this.child?.kill();
  }

  private exited(exit: ChildExit): void {
    for (const stopTimer of this.stopTimers) stopTimer();
    // A look at its memory may be under way: with an outcome it is the last one.
    this.outcome ??= this.unexpectedExit(exit);
    this.tell(this.outcome);
  }

  private watch(): void {
    let stopTimer = (): void => undefined;
    this.stopTimers.push(() => stopTimer());
    const look = async (): Promise<void> => {
      await this.measureMemory();
      const { residentBytesMax } = this.call.budgets;
      if (this.residentBytesPeak > residentBytesMax) {
        const details = { residentBytesMax, residentBytes: this.residentBytesPeak };
        this.stop(failed("DRIVER_MEMORY", "The driver used more memory than it may.", details));
      }
      if (!this.outcome) stopTimer = this.ports.clock.after(WATCH_INTERVAL_MS, () => void look());
    };
    stopTimer = this.ports.clock.after(WATCH_INTERVAL_MS, () => void look());
  }

  private async measureMemory(): Promise<void> {
    const memory = await this.child?.memory();
    this.residentBytesPeak = Math.max(this.residentBytesPeak, memory?.bytesPeak ?? 0);
  }

  private read(bytes: Uint8Array): void {
    if (this.outcome) return;
    this.outputBytes += bytes.length;
    const { outputBytesMax } = this.call.budgets;
    if (this.outputBytes > outputBytesMax) {
      const message = `The driver answered with more than ${outputBytesMax} bytes.`;
      return this.stop(failed("DRIVER_OUTPUT_LIMIT", message, { outputBytesMax }));
    }
    const frames = this.frames.push(bytes);
    if (frames === "too_long") return this.stop(badReply("a frame is larger than 1 MiB"));
    for (const frame of frames) this.readFrame(frame);
  }

  private readFrame(frame: Uint8Array): void {
    if (this.outcome) return;
    if (frame.length === 0) return void this.finish();
    const decoded = decodeReply(frame);
    if (!decoded.ok) return this.stop(badReply(decoded.message));
    const reply = decoded.value;
    if (reply.id !== this.call.request.id) return this.stop(badReply("it answers another request"));
    if (this.reply || this.refusal) return this.stop(badReply("it goes on after its final reply"));
    switch (reply.outcome) {
      case "progress":
        return this.call.onProgress?.(reply.stage.slice(0, 100), clampFraction(reply.fraction));
      case "blob": {
        const why = this.blobs.add(reply);
        return why === undefined ? undefined : this.stop(badReply(why));
      }
      case "failed":
        this.refusal = reply;
        return undefined;
      default:
        this.reply = reply;
        return undefined;
    }
  }

  /** The driver has returned; its process still waits, so that its peak memory can be read. */
  private async finish(): Promise<void> {
    await this.measureMemory();
    if (this.outcome) return;
    this.outcome = this.conclusion();
    this.child?.endInput();
  }

  private conclusion(): Outcome {
    if (this.refusal) {
      const { code, message, where } = this.refusal;
      const at = where === "" ? "" : ` (${where})`;
      return failed("DRIVER_REFUSED", `${code}: ${message}${at}`, { code, where });
    }
    if (!this.reply) return badReply("it returned without a final reply");
    const unfinished = this.blobs.unfinished();
    if (unfinished !== undefined) return badReply(`it left blob ${unfinished} unfinished`);
    const elapsedMs = this.ports.clock.now() - this.startedAt;
    const { reply, residentBytesPeak } = this;
    return succeeded({ reply, blobs: this.blobs.complete(), elapsedMs, residentBytesPeak });
  }

  private unexpectedExit(exit: ChildExit): Outcome {
    const said = this.errorText.trim();
    const details: Details = { residentBytesPeak: this.residentBytesPeak };
    if (exit.kind === "not_started") {
      return failed("SANDBOX_NOT_STARTED", `The sandbox could not be started: ${exit.because}`);
    }
    if (exit.kind === "killed" && CPU_SIGNALS.has(exit.signal)) return this.timeout();
    const isMemory = exit.kind === "exited" && exit.code === EXIT_CODES.memory;
    if (isMemory || OUT_OF_MEMORY.test(said)) {
      return failed("DRIVER_MEMORY", `The driver ran out of memory: ${firstLine(said)}`, details);
    }
    const how = exit.kind === "killed" ? `by ${exit.signal}` : `with code ${exit.code}`;
    return failed("DRIVER_CRASHED", `The driver ended ${how}: ${firstLine(said)}`, details);
  }

  private timeout(): Outcome {
    const { timeMsMax } = this.call.budgets;
    const message = `The driver did not answer within ${timeMsMax} ms.`;
    return failed("DRIVER_TIMEOUT", message, { timeMsMax });
  }

  private cancelled(): Outcome {
    return failed("DRIVER_CANCELLED", "The call was cancelled.");
  }
}

/** What the processor limit of `prlimit` ends a process with. */
const CPU_SIGNALS: ReadonlySet<string> = new Set(["SIGXCPU"]);
/** V8's and Node's last words when memory is refused. */
const OUT_OF_MEMORY = /out of memory|allocation failed|OOM error|std::bad_alloc/i;

function badReply(why: string): Result<never, "DRIVER_BAD_REPLY"> {
  return failed("DRIVER_BAD_REPLY", `The driver's answer is not acceptable: ${why}.`);
}

function firstLine(text: string): string {
  return text.split("\n").find((line) => line.trim() !== "") ?? "it said nothing";
}

function clampFraction(fraction: number): number {
  return fraction >= 0 && fraction <= 1 ? fraction : 0;
}
