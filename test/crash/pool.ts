/** Runs tasks on as many processes as there are processors. */
import { fork, type ChildProcess } from "node:child_process";
import { availableParallelism } from "node:os";
import { fileURLToPath } from "node:url";
import type { Task, TaskResult } from "../support/crash/tasks.ts";
import type { WorkerMessage } from "./worker.ts";

export interface Pool {
  /** `onDone` hears of tasks that are done, parts of them included. */
  run(tasks: readonly Task[], onDone: (tasks: number) => void): Promise<readonly TaskResult[]>;
  close(): void;
}

const WORKER = fileURLToPath(new URL("./worker.ts", import.meta.url));

export function openPool(count = availableParallelism()): Pool {
  const workers = Array.from({ length: count }, () => fork(WORKER));
  return {
    run: async (tasks, onDone) => {
      const results: TaskResult[] = [];
      const waiting = [...tasks];
      const work = async (worker: ChildProcess): Promise<void> => {
        for (let task = waiting.shift(); task; task = waiting.shift()) {
          results.push(await ask(worker, task, onDone));
        }
      };
      await Promise.all(workers.map(work));
      return results;
    },
    close: () => {
      for (const worker of workers) worker.kill();
    },
  };
}

function ask(
  worker: ChildProcess,
  task: Task,
  onDone: (tasks: number) => void,
): Promise<TaskResult> {
  return new Promise((resolve, reject) => {
    let done = 0;
    const finish = (act: () => void): void => {
      worker.off("message", onMessage).off("exit", onExit);
      act();
    };
    const onMessage = (message: WorkerMessage): void => {
      const fraction = message.kind === "result" ? 1 : message.fraction;
      onDone(fraction - done);
      done = fraction;
      if (message.kind === "result") finish(() => resolve(message.result));
    };
    const onExit = (code: number | null): void =>
      finish(() => reject(new Error(`a process ended with ${code} in ${JSON.stringify(task)}`)));
    worker.on("message", onMessage).on("exit", onExit);
    worker.send(task);
  });
}
