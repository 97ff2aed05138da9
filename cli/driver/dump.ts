/** `retile driver dump`: a model's graph after one pass, or which segment of its program computes what, as text. */
import { writeFile } from "node:fs/promises";
import { PLACEMENT } from "../../compiler/driver/placement.ts";
import { RELEASES } from "../../compiler/releases/index.ts";
import { PASSES } from "../../compiler/passes/index.ts";
import { assert, present } from "../../protocol/base/assert.ts";
import { fromUtf8 } from "../../protocol/base/bytes.ts";
import { failed, unwrap } from "../../protocol/base/result.ts";
import { loadModelFile } from "../models/model-file.ts";
import type { ModelFile } from "../models/model-file.ts";
import type { Output } from "../output.ts";
import { chooseInputs, importBound, joined } from "../run/inputs.ts";
import { findSoc } from "../soc.ts";
import { ModelSession } from "./session.ts";

export interface DumpRequest {
  readonly model: string;
  readonly after: string;
  readonly soc: string;
  readonly shape?: string;
  readonly out?: string;
}

export async function dumpAfter(request: DumpRequest, output: Output): Promise<void> {
  const names: string[] = [...PASSES.map((pass) => pass.name), PLACEMENT];
  if (!names.includes(request.after)) {
    const message = `there is no pass "${request.after}"; in order there are ${names.join(", ")}`;
    unwrap(failed("PASS_UNKNOWN", message));
  }
  const model = unwrap(await loadModelFile(request.model, request.shape));
  const newest = present([...RELEASES.values()].at(-1), "a release");
  // Where nodes run is asked of the HTP's backend, which needs a run to calibrate with.
  const isPlacement = request.after === PLACEMENT;
  const runs = isPlacement ? [seededRun(model)] : [];
  const session = new ModelSession(newest, { ...model, runs });
  const soc = unwrap(findSoc(request.soc));
  const compiled = session.compile(soc, isPlacement ? "htp" : "cpu", request.after);
  const { summary } = unwrap(compiled);
  assert(summary.dump !== undefined, "a dump was asked for");
  const text = fromUtf8(session.driver.get(summary.dump));
  if (request.out !== undefined) await writeFile(request.out, text);
  else if (!output.json) process.stdout.write(text);
  const rows = [{ model: model.name, after: request.after, characters: text.length }];
  if (output.json) output.report({ name: "driver dump", rows, summary: { text } });
}

function seededRun(model: ModelFile): Float32Array {
  const inputs = unwrap(chooseInputs(unwrap(importBound(model)), undefined));
  return joined([...inputs.values()]);
}
