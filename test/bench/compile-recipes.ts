/** Every recipe in every precision on one chip, parity too, which no bundle holds: a compilation a process. */
import { execFile } from "node:child_process";
import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { PRECISIONS } from "../../cli/fidelity/parity.ts";
import type { ZooModel } from "../../cli/models/zoo.ts";
import { unwrap } from "../../protocol/base/result.ts";
import type { Compilation } from "./compile-child.ts";
import type { CompileRow } from "./compile-row.ts";

const CHILD = fileURLToPath(new URL("compile-child.ts", import.meta.url));
const SOC = "sm8650";

export interface RecipeSubject {
  readonly recipe: string;
  readonly model: ZooModel;
  readonly runs: number;
}

/** Processor time from the model in memory to the program's bytes; memory is that of the whole process. */
export async function compileByRecipe(
  folder: string,
  { recipe, model, runs }: RecipeSubject,
): Promise<CompileRow[]> {
  const path = join(folder, `${model.name}.onnx`);
  await writeFile(path, unwrap(await model.load()));
  const rows: CompileRow[] = [];
  for (const precision of PRECISIONS) {
    const words = ["--import", "tsx", CHILD, path, recipe, precision, SOC];
    for (let run = 0; run < runs; run++) {
      const { stdout } = await promisify(execFile)(process.execPath, words);
      const { residentBytesPeak, processorMs, wallMs } = JSON.parse(stdout) as Compilation;
      rows.push({
        ...{ model: model.name, driver: recipe, call: "in a process", what: `${precision} ${SOC}` },
        ...{ processorMs, wallMs, residentMebibytesPeak: residentBytesPeak / (1 << 20) },
      });
    }
  }
  return rows;
}
