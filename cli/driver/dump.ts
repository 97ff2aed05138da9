/** `retile driver dump`: a model's graph after one pass, as text. */
import { writeFile } from "node:fs/promises";
import { RELEASES } from "../../compiler/releases/index.ts";
import { PASSES } from "../../compiler/passes/index.ts";
import { SOCS } from "../../device-agent/soc/index.ts";
import { assert, present } from "../../protocol/base/assert.ts";
import { fromUtf8 } from "../../protocol/base/bytes.ts";
import { failed, unwrap } from "../../protocol/base/result.ts";
import { loadModelFile } from "../models/model-file.ts";
import type { Output } from "../output.ts";
import { ModelSession } from "./session.ts";

export interface DumpRequest {
  readonly model: string;
  readonly after: string;
  readonly shape?: string;
  readonly out?: string;
}

export async function dumpAfter(request: DumpRequest, output: Output): Promise<void> {
  const names = PASSES.map((pass) => pass.name);
  if (!names.some((name) => name === request.after)) {
    const message = `there is no pass "${request.after}"; in order there are ${names.join(", ")}`;
    unwrap(failed("PASS_UNKNOWN", message));
  }
  const model = unwrap(await loadModelFile(request.model, request.shape));
  const newest = present([...RELEASES.values()].at(-1), "a release");
  const session = new ModelSession(newest, { ...model, runs: [] });
  const soc = present(SOCS[0], "a chip");
  const { summary } = unwrap(session.compile(soc, "cpu", request.after));
  assert(summary.dump !== undefined, "a dump was asked for");
  const text = fromUtf8(session.driver.get(summary.dump));
  if (request.out !== undefined) await writeFile(request.out, text);
  else if (!output.json) process.stdout.write(text);
  const rows = [{ model: model.name, after: request.after, characters: text.length }];
  if (output.json) output.report({ name: "driver dump", rows, summary: { text } });
}
