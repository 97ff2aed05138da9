/** The simulated chip on this machine: one inference through the runtime, and timing without data. */
import type { Bar } from "../../cli/bars.ts";
import { judge, narrowed } from "../../cli/bars.ts";
import type { ExitName } from "../../cli/exit-codes.ts";
import { PRECISIONS, Programs, typedGraph } from "../../cli/fidelity/parity.ts";
import type { Precision } from "../../cli/fidelity/parity.ts";
import type { Output } from "../../cli/output.ts";
import { importModel } from "../../compiler/frontend/import.ts";
import { multiplyAccumulates } from "../../compiler/ir/index.ts";
import { buildModel } from "../../compiler/models/index.ts";
import type { ModelName } from "../../compiler/models/index.ts";
import { optimize } from "../../compiler/passes/index.ts";
import { PARITY, RELEASES } from "../../compiler/releases/index.ts";
import type { Recipe } from "../../compiler/releases/index.ts";
import { elementCount, openProgram, timeProgram } from "../../device-agent/runtime/index.ts";
import { socNamed } from "../../device-agent/soc/index.ts";
import { present } from "../../protocol/base/assert.ts";
import { seededRandom } from "../../protocol/base/random.ts";
import { unwrap } from "../../protocol/base/result.ts";
import type { Program } from "../../protocol/program/index.ts";
import type { BenchOptions } from "./options.ts";
import { fastest } from "./stopwatch.ts";

const RUNS = 5;
const SOC = present(socNamed("sm8650"), "sm8650");
const NEWEST = present([...RELEASES.values()].at(-1), "a release");

interface Case {
  readonly model: ModelName;
  readonly precision: Precision;
  readonly recipe: Recipe;
  /** Bars, in milliseconds of one core. */
  readonly inferenceMsMax?: number;
  readonly timingMsMax?: number;
}

const CASES: readonly Case[] = [
  { model: "resnet50", precision: "w8a8", recipe: NEWEST, inferenceMsMax: 400 },
  { model: "resnet50", precision: "float", recipe: NEWEST, inferenceMsMax: 1000 },
  ...[NEWEST, PARITY].flatMap((recipe) =>
    PRECISIONS.map((precision): Case => ({
      ...{ model: "mobilenet_v2", precision, recipe, timingMsMax: 20 },
    })),
  ),
  { model: "squeezenet1_1", precision: "w8a8", recipe: NEWEST },
];

const label = ({ model, precision, recipe }: Case): string =>
  `${model} ${precision} by ${recipe.version}`;

interface Measurement {
  readonly name: string;
  readonly inferenceMs: number;
  readonly inferenceWallMs: number;
  readonly gigamacsPerSecond: number;
  readonly timingMs: number;
  readonly chipMicroseconds: number;
}

export async function benchChip(options: BenchOptions, output: Output): Promise<ExitName> {
  const chosen = unwrap(narrowed(CASES, options.only, label));
  const progress = output.progress("bench:chip", chosen.length);
  const rows: Measurement[] = [];
  const bars: Bar[] = [];
  for (const each of chosen) {
    const row = measure(each, options.seed);
    rows.push(row);
    bars.push(...barsOf(each, row));
    progress.advance(1, label(each));
  }
  progress.finish();
  const { exit, ...summary } = judge(bars, output);
  output.report({ name: "bench:chip", rows: rows.map((row) => ({ ...row })), summary }, COLUMNS);
  return Promise.resolve(exit);
}

function measure(from: Case, seed: number): Measurement {
  const graph = optimize(unwrap(importModel(buildModel(from.model, seed))));
  const program = unwrap(
    new Programs(unwrap(typedGraph(graph, from.precision)), from.recipe).for(SOC),
  );
  const session = unwrap(openProgram(program, SOC));
  const inputs = inputsOf(program, seed);
  // The first inference also compiles the machine's WebAssembly.
  unwrap(session.run(inputs));
  const inference = fastest(RUNS, () => void unwrap(session.run(inputs)));
  const timing = fastest(RUNS, () => void unwrap(timeProgram(program, SOC)));
  return {
    name: label(from),
    inferenceMs: inference.processorMs,
    inferenceWallMs: inference.wallMs,
    gigamacsPerSecond: multiplyAccumulates(graph) / inference.processorMs / 1e6,
    timingMs: timing.processorMs,
    chipMicroseconds: session.timing.microseconds,
  };
}

function inputsOf(program: Program, seed: number): ReadonlyMap<string, Float32Array> {
  const random = seededRandom(seed);
  return new Map(
    program.inputs.map((port) => [
      port.name,
      Float32Array.from({ length: elementCount(port) }, () => random.normal()),
    ]),
  );
}

function barsOf({ inferenceMsMax, timingMsMax }: Case, row: Measurement): Bar[] {
  const bar = (what: string, value: number, limit: number): Bar => ({
    ...{ name: `${row.name}, ${what}, ms of one core`, value, limit },
    demand: "below",
  });
  return [
    ...(inferenceMsMax === undefined ? [] : [bar("inference", row.inferenceMs, inferenceMsMax)]),
    ...(timingMsMax === undefined ? [] : [bar("timing alone", row.timingMs, timingMsMax)]),
  ];
}

const COLUMNS = [
  { key: "name", title: "network" },
  { key: "inferenceMs", title: "ms", digits: 0 },
  { key: "inferenceWallMs", title: "wall ms", digits: 0 },
  { key: "gigamacsPerSecond", title: "GMAC/s", digits: 1 },
  { key: "timingMs", title: "timing alone ms", digits: 1 },
  { key: "chipMicroseconds", title: "chip's clock µs", digits: 1 },
];
