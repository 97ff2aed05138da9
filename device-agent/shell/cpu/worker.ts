/**
 * The thread that runs one CPU job. Bundled to one file, since a worker loads no TypeScript. The agent ends the
 * thread when a run takes too long; by itself it ends when nothing is asked of it.
 */
import { workerData } from "node:worker_threads";
import type { CpuJob, MemoryWindow } from "../../runtime/index.ts";
import { elementCount, readPort, writePort } from "../../runtime/port.ts";
import { openMailbox, TURN, type Mailbox } from "./mailbox.ts";

export interface WorkerTask {
  readonly job: CpuJob;
  readonly shared: SharedArrayBuffer;
  readonly idleMsMax: number;
}

function main({ job, shared, idleMsMax }: WorkerTask): void {
  const mailbox = openMailbox(shared);
  const memory = prepare(job, mailbox);
  if (memory === undefined) return void mailbox.give(TURN.starting, TURN.noRoom);
  mailbox.give(TURN.starting, TURN.ready);
  for (;;) {
    const turn = mailbox.turn();
    if (turn === TURN.run) mailbox.give(TURN.run, runOnce(job, memory, mailbox));
    else if (!mailbox.waitWhile(turn, idleMsMax) && mailbox.give(turn, TURN.gone)) return;
  }
}

interface Placed {
  readonly bytes: Uint8Array;
  readonly run: (stage: number) => number;
}

function prepare({ module, memoryPages, image }: CpuJob, mailbox: Mailbox): Placed | undefined {
  try {
    const memory = new WebAssembly.Memory({ initial: memoryPages, maximum: memoryPages });
    const bytes = new Uint8Array(memory.buffer);
    for (const { memoryOffset, content } of image) bytes.set(content, memoryOffset);
    const { exports } = new WebAssembly.Instance(new WebAssembly.Module(module), {
      env: { memory },
    });
    const { run } = exports;
    return run && { bytes, run };
  } catch (error) {
    mailbox.writeResult({ microseconds: 0, stage: 0, text: String(error) });
    return undefined;
  }
}

function runOnce(job: CpuJob, { bytes, run }: Placed, mailbox: Mailbox) {
  const given = windows(job.inputs, 0).map((part) => mailbox.ports.slice(part.begin, part.end));
  const startedAt = performance.now();
  job.inputs.forEach((window, index) =>
    bytes.set(real(window, given[index]!), window.memoryOffset),
  );
  for (let stage = 0; stage < job.stages; stage++) {
    try {
      run(stage);
    } catch (error) {
      mailbox.writeResult({ microseconds: 0, stage, text: String(error) });
      return TURN.trapped;
    }
  }
  const results = job.outputs.map((window) => stored(window, bytes));
  const microseconds = (performance.now() - startedAt) * 1000;
  const sent = given.reduce((total, { length }) => total + length, 0);
  windows(job.outputs, sent).forEach(({ begin }, index) =>
    mailbox.ports.set(results[index]!, begin),
  );
  mailbox.writeResult({ microseconds, stage: job.stages, text: "" });
  return TURN.done;
}

function windows(of: readonly MemoryWindow[], start: number) {
  let end = start;
  return of.map(({ bytes }) => {
    end += bytes;
    return { begin: end - bytes, end };
  });
}

/** float32 in row-major order, from bytes as the port stores them. */
function real({ port }: MemoryWindow, from: Uint8Array): Uint8Array {
  if (port.storage.kind === "float32") return from;
  return new Uint8Array(readPort(port, from).buffer);
}

/** The other way, from where it lies in the module's memory. */
function stored({ port, memoryOffset, bytes: size }: MemoryWindow, memory: Uint8Array): Uint8Array {
  const to = new Uint8Array(size);
  const floats = memory.slice(memoryOffset, memoryOffset + elementCount(port) * 4);
  writePort(port, new Float32Array(floats.buffer), to);
  return to;
}

main(workerData as WorkerTask);
