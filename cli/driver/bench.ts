/** `retile driver bench`: every release against every other, on the chip's clock, over the model zoo. */
import { RELEASES } from "../../compiler/releases/index.ts";
import type { Recipe } from "../../compiler/releases/index.ts";
import { signalToNoiseDb } from "../../compiler/quant/index.ts";
import { openSession } from "../../device-agent/runtime/index.ts";
import type { Session } from "../../device-agent/runtime/index.ts";
import { SOCS } from "../../device-agent/soc/index.ts";
import { failed, succeeded, unwrap } from "../../protocol/base/result.ts";
import type { Result } from "../../protocol/base/result.ts";
import type { SocDescription } from "../../protocol/isa/index.ts";
import type { ExitName } from "../exit-codes.ts";
import { ZOO, zooInputs } from "../models/zoo.ts";
import type { ZooModel } from "../models/zoo.ts";
import type { Output, Row } from "../output.ts";
import { ModelSession } from "./session.ts";

export interface BenchOptions {
  readonly only?: string;
  readonly releases?: string;
  readonly soc?: string;
  readonly profile?: boolean;
}

/** What the newest release must gain over the oldest, as a geometric mean. */
const GAIN_MIN = 1.5;
const CALIBRATION_RUNS = 4;

interface Measurement {
  readonly model: string;
  readonly soc: string;
  readonly release: string;
  readonly microseconds: number;
  readonly dmaBusy: number;
  readonly hmxBusy: number;
  readonly hvxBusy: number;
  readonly compileMs: number;
  readonly outputSnrDb: number;
}

export async function runBench(options: BenchOptions, output: Output): Promise<ExitName> {
  const models = ZOO.filter(({ name }) => new RegExp(options.only ?? "").test(name));
  const recipes = unwrap(chosen(RELEASES, options.releases));
  const socs = unwrap(chosen(new Map(SOCS.map((soc) => [soc.name, soc])), options.soc));
  const progress = output.progress("bench", models.length * recipes.length);
  const measured: Measurement[] = [];
  for (const model of models) {
    for (const recipe of recipes) {
      measured.push(...unwrap(await measureModel(model, recipe, socs)));
      progress.advance(1, `${model.name} ${recipe.version}`);
    }
  }
  progress.finish();
  const gains = gainsOf(measured, recipes);
  report({ measured, gains, profile: options.profile === true }, output);
  if (recipes.length < 2) return "ok";
  const held = geometricMean(gains.map(({ gain }) => gain)) >= GAIN_MIN;
  return held && gains.every(({ gain }) => gain >= 1) ? "ok" : "failed";
}

function chosen<T>(all: ReadonlyMap<string, T>, names: string | undefined): Result<T[]> {
  if (names === undefined) return succeeded([...all.values()]);
  const found: T[] = [];
  for (const name of names.split(",")) {
    const one = all.get(name);
    if (one === undefined) {
      const message = `there is no "${name}"; there are ${[...all.keys()].join(", ")}`;
      return failed("BENCH_UNKNOWN_NAME", message);
    }
    found.push(one);
  }
  return succeeded(found);
}

async function measureModel(
  model: ZooModel,
  recipe: Recipe,
  socs: readonly SocDescription[],
): Promise<Result<Measurement[]>> {
  const bytes = await model.load();
  if (!bytes.ok) return bytes;
  const runs = zooInputs(model, CALIBRATION_RUNS);
  const inputShapes = [{ input: model.input, shape: model.shape }];
  const session = new ModelSession(recipe, {
    name: model.name,
    bytes: bytes.value,
    inputShapes,
    runs,
  });
  const reference = session.reference();
  if (!reference.ok) return reference;
  const goldens = reference.value.outputs.map(
    (name) => new Float32Array(session.driver.get(name).slice().buffer),
  );
  const measurements: Measurement[] = [];
  for (const soc of socs) {
    const compiled = session.compile(soc, "htp");
    if (!compiled.ok) return compiled;
    const opened = openSession(compiled.value.program, soc);
    if (!opened.ok) return opened;
    const { timing } = opened.value;
    const busy = timing.segments[0]?.busyCycles ?? { dma: 0, hmx: 0, hvx: 0 };
    measurements.push({
      model: model.name,
      soc: soc.name,
      release: recipe.version,
      microseconds: timing.microseconds,
      dmaBusy: busy.dma / (timing.cycles * soc.dma.queues),
      hmxBusy: busy.hmx / timing.cycles,
      hvxBusy: busy.hvx / (timing.cycles * soc.hvx.queues),
      compileMs: compiled.value.compileMs,
      outputSnrDb: outputSnr(opened.value, model, { runs, goldens }),
    });
  }
  return succeeded(measurements);
}

/** Over all calibration runs together: int8 outputs against the float32 goldens. */
function outputSnr(
  session: Session,
  model: ZooModel,
  data: { readonly runs: readonly Float32Array[]; readonly goldens: readonly Float32Array[] },
): number {
  const produced = data.runs.flatMap((run) => {
    const { outputs } = unwrap(session.run(new Map([[model.input, run]])));
    return [...outputs.values()].flatMap((values) => [...values]);
  });
  return signalToNoiseDb(
    data.goldens.flatMap((golden) => [...golden]),
    produced,
  );
}

interface Gain {
  readonly model: string;
  readonly soc: string;
  readonly gain: number;
}

/** Oldest against newest release. */
function gainsOf(measured: readonly Measurement[], recipes: readonly Recipe[]): Gain[] {
  const oldest = recipes[0]?.version;
  const newest = recipes.at(-1)?.version;
  if (recipes.length < 2) return [];
  return measured
    .filter(({ release }) => release === oldest)
    .map(({ model, soc, microseconds }) => {
      const after = measured.find(
        (other) => other.model === model && other.soc === soc && other.release === newest,
      );
      return { model, soc, gain: microseconds / (after?.microseconds ?? Number.NaN) };
    });
}

function geometricMean(values: readonly number[]): number {
  return Math.exp(values.reduce((sum, value) => sum + Math.log(value), 0) / values.length);
}

function report(
  bench: {
    readonly measured: readonly Measurement[];
    readonly gains: readonly Gain[];
    readonly profile: boolean;
  },
  output: Output,
): void {
  const { measured, gains, profile } = bench;
  if (gains.length > 0) {
    output.table(
      [
        { key: "model", title: "model" },
        { key: "soc", title: "chip" },
        { key: "gain", title: "gain", digits: 2 },
      ],
      gains.map((gain): Row => ({ ...gain })),
    );
  }
  const percent = (key: string, title: string) => ({ key, title, digits: 2 });
  const columns = [
    { key: "model", title: "model" },
    { key: "soc", title: "chip" },
    { key: "release", title: "release" },
    { key: "microseconds", title: "µs", digits: 1 },
    { key: "outputSnrDb", title: "SNR dB", digits: 1 },
    { key: "compileMs", title: "compile ms" },
    ...(profile
      ? [
          percent("dmaBusy", "DMA busy"),
          percent("hmxBusy", "HMX busy"),
          percent("hvxBusy", "HVX busy"),
        ]
      : []),
  ];
  const rows = measured.map((one): Row => ({ ...one }));
  const summary = {
    geometricMeanGain: gains.length > 0 ? geometricMean(gains.map(({ gain }) => gain)) : null,
    worstGain: gains.length > 0 ? Math.min(...gains.map(({ gain }) => gain)) : null,
  };
  output.report({ name: "driver bench", rows, summary }, columns);
}
