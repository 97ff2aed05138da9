/** Runs tests as they are asked for in a process of its own, so that one that never ends can be stopped. */
import { runTest } from "./evaluate.ts";
import type { Task } from "./evaluate.ts";

process.on("message", (task: Task) => process.send?.(runTest(task)));
