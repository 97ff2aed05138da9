/** Loading a model file: bytes from the disk to a verified graph with all shapes known, in a process of its own. */
import { execFile } from "node:child_process";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import type { Bar } from "../../cli/bars.ts";
import { judge, narrowed } from "../../cli/bars.ts";
import type { ExitName } from "../../cli/exit-codes.ts";
import type { Output } from "../../cli/output.ts";
import { buildModel } from "../../compiler/models/index.ts";
import { unwrap } from "../../protocol/base/result.ts";
import type { Loading } from "./load-child.ts";
import type { BenchOptions } from "./options.ts";

const CHILD = fileURLToPath(new URL("load-child.ts", import.meta.url));
const MODELS = ["mobilenet_v2", "resnet50"] as const;
const LIMITS = { model: "resnet50", ms: 150, timesFile: 2 } as const;

interface Measurement extends Loading {
  readonly model: string;
  readonly fileBytes: number;
  /** Resident memory that loading added at its peak, the file's own bytes included. */
  readonly timesFile: number;
}

export async function benchLoad(options: BenchOptions, output: Output): Promise<ExitName> {
  const chosen = unwrap(narrowed(MODELS, options.only, (name) => name));
  const folder = await mkdtemp(join(tmpdir(), "retile-bench-load-"));
  const progress = output.progress("bench:load", chosen.length);
  const rows: Measurement[] = [];
  try {
    for (const model of chosen) {
      rows.push(await measure(join(folder, `${model}.onnx`), model, options.seed));
      progress.advance(1, model);
    }
  } finally {
    await rm(folder, { recursive: true });
  }
  progress.finish();
  const { exit, ...summary } = judge(rows.flatMap(barsOf), output);
  output.report({ name: "bench:load", rows: rows.map((row) => ({ ...row })), summary }, COLUMNS);
  return exit;
}

async function measure(
  path: string,
  model: (typeof MODELS)[number],
  seed: number,
): Promise<Measurement> {
  const bytes = buildModel(model, seed);
  await writeFile(path, bytes);
  const run = await promisify(execFile)(process.execPath, ["--import", "tsx", CHILD, path]);
  const loading = JSON.parse(run.stdout) as Loading;
  const fileBytes = bytes.length;
  return { model, fileBytes, ...loading, timesFile: loading.residentBytesAdded / fileBytes };
}

function barsOf({ model, firstMs, timesFile }: Measurement): Bar[] {
  if (model !== LIMITS.model) return [];
  return [
    {
      name: `${model}, first load, ms of one core`,
      value: firstMs,
      demand: "below",
      limit: LIMITS.ms,
    },
    {
      name: `${model}, memory in file sizes`,
      value: timesFile,
      demand: "below",
      limit: LIMITS.timesFile,
    },
  ];
}

const COLUMNS = [
  { key: "model", title: "model" },
  { key: "fileBytes", title: "file bytes" },
  { key: "firstMs", title: "first load ms", digits: 1 },
  { key: "warmMs", title: "warm ms", digits: 1 },
  { key: "timesFile", title: "memory / file", digits: 2 },
];
