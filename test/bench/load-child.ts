/** Reads and imports the file that it is given, twice, and prints what that took as one JSON object. */
import { readFileSync } from "node:fs";
import { importModel } from "../../compiler/frontend/import.ts";
import { buildModel } from "../../compiler/models/index.ts";
import { unwrap } from "../../protocol/base/result.ts";
import { residentBytesPeak } from "../support/peak-memory.ts";
import { timed } from "./stopwatch.ts";

export interface Loading {
  /** Processor time, in the first load of this file and in the next one. */
  readonly firstMs: number;
  readonly warmMs: number;
  readonly residentBytesAdded: number;
}

const path = process.argv[2] ?? "";
// Compiles the front end's own code, which a driver that has loaded anything before has too.
unwrap(importModel(buildModel("squeezenet1_1", 1)));
const before = process.memoryUsage.rss();
const load = (): number => timed(() => void unwrap(importModel(readFileSync(path)))).processorMs;
const firstMs = load();
const residentBytesAdded = residentBytesPeak() - before;
const loading: Loading = { firstMs, warmMs: load(), residentBytesAdded };
process.stdout.write(JSON.stringify(loading));
