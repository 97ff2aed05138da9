/**
 * Compiles the model file that it is given with a recipe, once, cold, and prints what that took as one JSON object:
 *
 *     node --import tsx compile-child.ts MODEL RECIPE PRECISION CHIP
 */
import { readFileSync } from "node:fs";
import { setFlagsFromString } from "node:v8";
import { Programs, typedGraph } from "../../cli/fidelity/parity.ts";
import type { Precision } from "../../cli/fidelity/parity.ts";
import { importModel } from "../../compiler/frontend/import.ts";
import { optimize } from "../../compiler/passes/index.ts";
import { PARITY, RELEASES } from "../../compiler/releases/index.ts";
import { ONE_CALL_FLAG } from "../../device-agent/host/one-call.ts";
import { socNamed } from "../../device-agent/soc/index.ts";
import { present } from "../../protocol/base/assert.ts";
import { unwrap } from "../../protocol/base/result.ts";
import { encodeProgram } from "../../protocol/program/index.ts";
import { residentBytesPeak } from "../support/peak-memory.ts";
import { timed } from "./stopwatch.ts";
import type { Spent } from "./stopwatch.ts";

export interface Compilation extends Spent {
  readonly programBytes: number;
  /** Of the whole process: Node, the compiler's own code and the model's file included. */
  readonly residentBytesPeak: number;
}

// As in the process that a driver runs in.
setFlagsFromString(ONE_CALL_FLAG);
const [path = "", recipeName = "", precision = "", socName = ""] = process.argv.slice(2);
const recipe = present(
  [PARITY, ...RELEASES.values()].find(({ version }) => version === recipeName),
  recipeName,
);
const soc = present(socNamed(socName), socName);
const bytes = readFileSync(path);
let programBytes = 0;
const spent = timed(() => {
  const graph = unwrap(typedGraph(optimize(unwrap(importModel(bytes))), precision as Precision));
  programBytes = encodeProgram(unwrap(new Programs(graph, recipe).for(soc))).length;
});
const compilation: Compilation = {
  ...spent,
  programBytes,
  residentBytesPeak: residentBytesPeak(),
};
process.stdout.write(JSON.stringify(compilation));
