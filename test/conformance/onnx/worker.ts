/** Runs tests as they are asked for in a process of its own, so that one that never ends can be stopped. */
import { runTest } from "./evaluate.ts";

process.on("message", (folder: string) => process.send?.(runTest(folder)));
