/** The simulated chip on this machine: one int8 inference through the runtime, and timing without data. */
import type { Bar } from "../../cli/bars.ts";
import { judge, narrowed } from "../../cli/bars.ts";
import type { ExitName } from "../../cli/exit-codes.ts";
import { ZOO } from "../../cli/models/zoo.ts";
import type { Output } from "../../cli/output.ts";
import { timeProgram } from "../../device-agent/runtime/index.ts";
import { unwrap } from "../../protocol/base/result.ts";
import type { Target, ZooNetwork } from "../support/zoo-networks.ts";
import { runStored, TARGETS, targetName, zooNetwork } from "../support/zoo-networks.ts";
import type { BenchOptions } from "./options.ts";
import { fastest, timed } from "./stopwatch.ts";

const RUNS = 5;
const INFERENCE_MS_MAX = { model: "resnet-50", limit: 1000 } as const;

interface Measurement {
  readonly model: string;
  readonly release: string;
  readonly soc: string;
  readonly inferenceMs: number;
  readonly inferenceWallMs: number;
  readonly gigamacsPerSecond: number;
  readonly timingMs: number;
  readonly chipMicroseconds: number;
}

export async function benchChip(options: BenchOptions, output: Output): Promise<ExitName> {
  const all = ZOO.flatMap(({ name }) => TARGETS.map((target) => ({ name, target })));
  const label = ({ name, target }: (typeof all)[number]) => `${name} ${targetName(target)}`;
  const chosen = unwrap(narrowed(all, options.only, label));
  const progress = output.progress("bench:chip", chosen.length);
  const rows: Measurement[] = [];
  let network: { readonly name: string; readonly value: ZooNetwork } | undefined;
  for (const { name, target } of chosen) {
    if (network?.name !== name) {
      network = { name, value: await zooNetwork(name, { seed: options.seed }) };
    }
    rows.push(measure(name, network.value, target));
    progress.advance(1, label({ name, target }));
  }
  progress.finish();
  const verdict = judge(barsOf(rows), output);
  const { exit, ...summary } = verdict;
  output.report({ name: "bench:chip", rows: rows.map((row) => ({ ...row })), summary }, COLUMNS);
  return exit;
}

function measure(model: string, network: ZooNetwork, target: Target): Measurement {
  const session = network.open(target);
  // The first inference also compiles the machine's WebAssembly.
  runStored(session, network.inputs);
  const inference = fastest(RUNS, () => void runStored(session, network.inputs));
  const timing = timed(() => void unwrap(timeProgram(session.program, target.soc)));
  return {
    model,
    release: target.recipe.version,
    soc: target.soc.name,
    inferenceMs: inference.processorMs,
    inferenceWallMs: inference.wallMs,
    gigamacsPerSecond: session.program.counters.macsInt8 / inference.processorMs / 1e6,
    timingMs: timing.processorMs,
    chipMicroseconds: session.timing.microseconds,
  };
}

function barsOf(rows: readonly Measurement[]): Bar[] {
  const { model, limit } = INFERENCE_MS_MAX;
  const times = rows.filter((row) => row.model === model).map(({ inferenceMs }) => inferenceMs);
  if (times.length === 0) return [];
  const name = `${model}, slowest inference, ms of one core`;
  return [{ name, value: Math.max(...times), demand: "below", limit }];
}

const COLUMNS = [
  { key: "model", title: "model" },
  { key: "release", title: "release" },
  { key: "soc", title: "chip" },
  { key: "inferenceMs", title: "ms", digits: 0 },
  { key: "inferenceWallMs", title: "wall ms", digits: 0 },
  { key: "gigamacsPerSecond", title: "GMAC/s", digits: 1 },
  { key: "timingMs", title: "timing alone ms", digits: 0 },
  { key: "chipMicroseconds", title: "chip's clock µs", digits: 1 },
];
