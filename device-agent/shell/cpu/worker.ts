/**
 * The thread that runs one CPU job. Bundled to one file, since a worker loads no TypeScript. The agent ends the
 * thread when a run takes too long; by itself it ends when nothing is asked of it.
 */
import { workerData } from "node:worker_threads";
import type { CpuJob } from "../../runtime/index.ts";
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
  let at = 0;
  for (const { memoryOffset, bytes: length } of job.inputs) {
    bytes.set(mailbox.ports.subarray(at, at + length), memoryOffset);
    at += length;
  }
  const startedAt = performance.now();
  for (let stage = 0; stage < job.stages; stage++) {
    try {
      run(stage);
    } catch (error) {
      mailbox.writeResult({ microseconds: 0, stage, text: String(error) });
      return TURN.trapped;
    }
  }
  const microseconds = (performance.now() - startedAt) * 1000;
  for (const { memoryOffset, bytes: length } of job.outputs) {
    mailbox.ports.set(bytes.subarray(memoryOffset, memoryOffset + length), at);
    at += length;
  }
  mailbox.writeResult({ microseconds, stage: job.stages, text: "" });
  return TURN.done;
}

main(workerData as WorkerTask);
