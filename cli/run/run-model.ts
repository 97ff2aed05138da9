/** Compiles a model file through the driver's ABI and runs it on the backend that was asked for. */
import { writeFile } from "node:fs/promises";
import { RELEASES } from "../../compiler/releases/index.ts";
import type { Recipe } from "../../compiler/releases/index.ts";
import { workerEngine } from "../../device-agent/index.ts";
import { openSession, runTrace } from "../../device-agent/runtime/index.ts";
import type { Trace } from "../../device-agent/soc/index.ts";
import { failed, succeeded, unwrap } from "../../protocol/base/result.ts";
import type { Result } from "../../protocol/base/result.ts";
import { ModelSession } from "../driver/session.ts";
import { loadModelFile } from "../models/model-file.ts";
import type { ModelFile } from "../models/model-file.ts";
import type { Column, Output } from "../output.ts";
import { findSoc } from "../soc.ts";
import { readTensors, writeTensors } from "../tensor-files.ts";
import type { FloatTensor } from "../tensor-files.ts";
import { chooseInputs, importBound, joined } from "./inputs.ts";
import { runReference } from "./reference.ts";

export interface RunOptions {
  readonly model: string;
  readonly backend: string;
  readonly soc: string;
  readonly release?: string;
  readonly inputs?: string;
  readonly outputs?: string;
  readonly shape?: string;
  /** Where to write when each segment ran. */
  readonly trace?: string;
}

const COLUMNS: readonly Column[] = [
  { key: "output", title: "output" },
  { key: "shape", title: "shape" },
  { key: "minimum", title: "minimum", digits: 5 },
  { key: "maximum", title: "maximum", digits: 5 },
  { key: "mean", title: "mean", digits: 5 },
];

type Tensors = ReadonlyMap<string, FloatTensor>;

interface Ran {
  readonly outputs: Tensors;
  /** Simulated time on the chip; undefined where the host itself computed. */
  readonly chipMicroseconds: number | undefined;
  /** Of this run's CPU segments, by the host's clock. */
  readonly cpuMicroseconds: number;
  readonly compileMs: number;
  readonly hostMs: number;
  /** Of what was compiled. */
  readonly trace?: Trace | undefined;
}

export async function runModel(options: RunOptions, output: Output): Promise<void> {
  const model = unwrap(await loadModelFile(options.model, options.shape));
  const given =
    options.inputs === undefined ? undefined : unwrap(await readTensors(options.inputs));
  const bound = bindShapes(model, given);
  const graph = unwrap(importBound(bound));
  const inputs = unwrap(chooseInputs(graph, given));
  const progress = output.progress(`run ${model.name}`, 1);
  const ran = unwrap(runOn(options, bound, inputs));
  progress.advance(1);
  progress.finish();
  if (options.outputs !== undefined) await writeTensors(options.outputs, ran.outputs);
  if (options.trace !== undefined && ran.trace !== undefined) {
    await writeFile(options.trace, JSON.stringify(ran.trace));
  }
  const { chipMicroseconds = null, cpuMicroseconds, compileMs, hostMs } = ran;
  const { backend } = options;
  const soc = backend === "htp" ? options.soc : null;
  const report = {
    name: "run",
    rows: [...ran.outputs].map(([name, tensor]) => outputRow(name, tensor)),
    summary: {
      model: model.name,
      backend,
      soc,
      chipMicroseconds,
      cpuMicroseconds,
      compileMs,
      hostMs,
    },
  };
  output.report(report, COLUMNS);
}

/** Inputs that come with a shape bind what the model leaves open. */
function bindShapes(model: ModelFile, given: Tensors | undefined): ModelFile {
  if (given === undefined || model.inputShapes.length > 0) return model;
  return { ...model, inputShapes: [...given].map(([input, { shape }]) => ({ input, shape })) };
}

function runOn(options: RunOptions, model: ModelFile, inputs: Tensors): Result<Ran> {
  switch (options.backend) {
    case "reference":
      return timed(() => runReference(model, inputs));
    case "cpu":
    case "htp":
      return runCompiled(options, model, inputs);
    default:
      return failed("USAGE", `there is no backend "${options.backend}"; htp, cpu and reference`);
  }
}

function timed(run: () => Result<Tensors>): Result<Ran> {
  const startedAt = performance.now();
  const outputs = run();
  if (!outputs.ok) return outputs;
  const hostMs = performance.now() - startedAt;
  const times = { chipMicroseconds: undefined, cpuMicroseconds: 0, compileMs: 0, hostMs };
  return succeeded({ outputs: outputs.value, ...times });
}

function runCompiled(options: RunOptions, model: ModelFile, inputs: Tensors): Result<Ran> {
  const backend = options.backend === "cpu" ? "cpu" : "htp";
  const soc = findSoc(options.soc);
  if (!soc.ok) return soc;
  const recipe = findRelease(options.release);
  if (!recipe.ok) return recipe;
  const runs = [joined([...inputs.values()])];
  const session = new ModelSession(recipe.value, { ...model, runs });
  const compiled = session.compile(soc.value, backend);
  if (!compiled.ok) return compiled;
  const opened = openSession(compiled.value.program, soc.value, workerEngine());
  if (!opened.ok) return opened;
  const startedAt = performance.now();
  const values = new Map([...inputs].map(([name, tensor]) => [name, tensor.values]));
  const result = opened.value.run(values);
  if (!result.ok) return result;
  const hostMs = performance.now() - startedAt;
  const { program, timing } = opened.value;
  const outputs = new Map(
    program.outputs.map(({ name, shape }) => {
      const output = result.value.outputs.get(name) ?? new Float32Array();
      return [name, { shape, values: output }];
    }),
  );
  const chipMicroseconds = backend === "htp" ? timing.microseconds : undefined;
  const { cpuMicroseconds } = result.value.timing;
  const { compileMs } = compiled.value;
  const isTraced = options.trace !== undefined;
  const trace = isTraced ? runTrace(opened.value, result.value.timing) : undefined;
  return succeeded({ outputs, chipMicroseconds, cpuMicroseconds, compileMs, hostMs, trace });
}

function findRelease(version: string | undefined): Result<Recipe> {
  const recipe = version === undefined ? [...RELEASES.values()].at(-1) : RELEASES.get(version);
  if (recipe !== undefined) return succeeded(recipe);
  const known = [...RELEASES.keys()].join(", ");
  return failed("RELEASE_UNKNOWN", `there is no release ${version}; there are ${known}`);
}

function outputRow(name: string, { shape, values }: FloatTensor) {
  let [minimum, maximum, sum] = [Infinity, -Infinity, 0];
  for (const value of values) {
    minimum = Math.min(minimum, value);
    maximum = Math.max(maximum, value);
    sum += value;
  }
  return { output: name, shape: shape.join("x"), minimum, maximum, mean: sum / values.length };
}
