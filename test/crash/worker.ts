/** A process of the crash matrix: takes one task at a time from its parent. */
import { runTask, type Task, type TaskResult } from "../support/crash/tasks.ts";

export type WorkerMessage =
  | { readonly kind: "fraction"; readonly fraction: number }
  | { readonly kind: "result"; readonly result: TaskResult };

const send = (message: WorkerMessage): void => void process.send?.(message);

process.on("message", (task: Task) => {
  const onFraction = (fraction: number): void => send({ kind: "fraction", fraction });
  void runTask(task, onFraction).then((result) => send({ kind: "result", result }));
});
