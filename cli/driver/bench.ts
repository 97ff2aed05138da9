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
import type { Bar } from "../bars.ts";
import { judge, narrowed } from "../bars.ts";
import type { ExitName } from "../exit-codes.ts";
import { ZOO, zooInputs } from "../models/zoo.ts";
import type { ZooModel } from "../models/zoo.ts";
import type { Column, Output, Row } from "../output.ts";
import { layerByLayerRoofline } from "./roofline.ts";
import { ModelSession } from "./session.ts";

export interface BenchOptions {
  readonly only?: string;
  readonly seed?: number;
  readonly releases?: string;
  readonly soc?: string;
  readonly profile?: boolean;
}

/** What the newest release must gain over the oldest on each chip, as a geometric mean over the models. */
const GAIN_MIN = 1.5;
/** How far above its roofline a layer-by-layer release may stay: a base that wastes time makes no fair gain. */
const ROOFLINE_RATIO_MAX = 1.3;
const SNR_DB_MIN = { model: "ocr-classifier", limit: 20 } as const;
const CALIBRATION_RUNS = 16;
/** The smallest memory of a phone and the largest. */
const DEFAULT_SOCS = "sm8350,sm8650";

interface Measurement {
  readonly model: string;
  readonly soc: string;
  readonly release: string;
  readonly microseconds: number;
  /** Of a release that works layer by layer; null for others. */
  readonly rooflineUs: number | null;
  readonly rooflineRatio: number | null;
  readonly dmaBusy: number;
  readonly hmxBusy: number;
  readonly hvxBusy: number;
  readonly compileMs: number;
  readonly outputSnrDb: number;
}

export async function runBench(options: BenchOptions, output: Output): Promise<ExitName> {
  const models = unwrap(narrowed(ZOO, options.only, ({ name }) => name));
  const recipes = unwrap(chosen(RELEASES, options.releases));
  const socs = unwrap(
    chosen(new Map(SOCS.map((soc) => [soc.name, soc])), options.soc ?? DEFAULT_SOCS),
  );
  const progress = output.progress("bench", models.length * recipes.length);
  const measured: Measurement[] = [];
  for (const model of models) {
    const runs = zooInputs(model, CALIBRATION_RUNS, options.seed);
    for (const recipe of recipes) {
      measured.push(...unwrap(await measureModel({ model, runs, recipe, socs })));
      progress.advance(1, `${model.name} ${recipe.version}`);
    }
  }
  progress.finish();
  const gains = gainsOf(measured, recipes);
  return report({ measured, gains, profile: options.profile === true }, output);
}

function chosen<T>(all: ReadonlyMap<string, T>, names: string | undefined): Result<T[]> {
  if (names === undefined) return succeeded([...all.values()]);
  const found: T[] = [];
  for (const name of names.split(",")) {
    const one = all.get(name);
    if (one === undefined) {
      const message = `there is no "${name}"; there are ${[...all.keys()].join(", ")}`;
      return failed("USAGE", message);
    }
    found.push(one);
  }
  return succeeded(found);
}

async function measureModel(of: {
  readonly model: ZooModel;
  readonly runs: readonly Float32Array[];
  readonly recipe: Recipe;
  readonly socs: readonly SocDescription[];
}): Promise<Result<Measurement[]>> {
  const { model, runs, recipe, socs } = of;
  const bytes = await model.load();
  if (!bytes.ok) return bytes;
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
    const roofline = layerByLayerRoofline({ session, reference: reference.value, recipe, soc });
    if (!roofline.ok) return roofline;
    const { timing } = opened.value;
    const busy = timing.segments[0]?.busyCycles ?? { dma: 0, hmx: 0, hvx: 0 };
    measurements.push({
      model: model.name,
      soc: soc.name,
      release: recipe.version,
      microseconds: timing.microseconds,
      rooflineUs: roofline.value,
      rooflineRatio: roofline.value === null ? null : timing.microseconds / roofline.value,
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

function barsOf(measured: readonly Measurement[], gains: readonly Gain[]): Bar[] {
  const bars: Bar[] = [];
  for (const soc of new Set(gains.map((one) => one.soc))) {
    const value = geometricMean(gains.filter((one) => one.soc === soc).map(({ gain }) => gain));
    bars.push({ name: `gain on ${soc}`, value, demand: "at_least", limit: GAIN_MIN });
  }
  if (gains.length > 0) {
    const value = Math.min(...gains.map(({ gain }) => gain));
    bars.push({ name: "smallest gain of a model", value, demand: "at_least", limit: 1 });
  }
  const ratios = measured.flatMap(({ rooflineRatio }) => rooflineRatio ?? []);
  if (ratios.length > 0) {
    const name = "layer by layer, slowest against its roofline";
    bars.push({ name, value: Math.max(...ratios), demand: "below", limit: ROOFLINE_RATIO_MAX });
  }
  const { model, limit } = SNR_DB_MIN;
  const judged = measured.filter((one) => one.model === model);
  if (judged.length > 0) {
    const value = Math.min(...judged.map(({ outputSnrDb }) => outputSnrDb));
    bars.push({ name: `${model}, worst output SNR, dB`, value, demand: "at_least", limit });
  }
  return bars;
}

function report(
  bench: {
    readonly measured: readonly Measurement[];
    readonly gains: readonly Gain[];
    readonly profile: boolean;
  },
  output: Output,
): ExitName {
  const { measured, gains, profile } = bench;
  if (gains.length > 0)
    output.table(
      GAIN_COLUMNS,
      gains.map((gain): Row => ({ ...gain })),
    );
  const { exit, ...verdict } = judge(barsOf(measured, gains), output);
  const rows = measured.map((one): Row => ({ ...one }));
  const summary = {
    geometricMeanGain: gains.length > 0 ? geometricMean(gains.map(({ gain }) => gain)) : null,
    worstGain: gains.length > 0 ? Math.min(...gains.map(({ gain }) => gain)) : null,
    ...verdict,
  };
  const columns = profile ? [...COLUMNS, ...PROFILE_COLUMNS] : COLUMNS;
  output.report({ name: "driver bench", rows, summary }, columns);
  return exit;
}

const GAIN_COLUMNS: readonly Column[] = [
  { key: "model", title: "model" },
  { key: "soc", title: "chip" },
  { key: "gain", title: "gain", digits: 2 },
];

const COLUMNS: readonly Column[] = [
  { key: "model", title: "model" },
  { key: "soc", title: "chip" },
  { key: "release", title: "release" },
  { key: "microseconds", title: "µs", digits: 1 },
  { key: "rooflineRatio", title: "to roofline", digits: 2 },
  { key: "outputSnrDb", title: "SNR dB", digits: 1 },
  { key: "compileMs", title: "compile ms" },
];

const PROFILE_COLUMNS: readonly Column[] = [
  { key: "dmaBusy", title: "DMA busy", digits: 2 },
  { key: "hmxBusy", title: "HMX busy", digits: 2 },
  { key: "hvxBusy", title: "HVX busy", digits: 2 },
];
