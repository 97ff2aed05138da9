/** `retile driver bench`: every release against every other, on the chip's clock, over the model zoo. */
import { signalToNoiseDb } from "../../compiler/quant/index.ts";
import { RELEASES } from "../../compiler/releases/index.ts";
import type { Recipe } from "../../compiler/releases/index.ts";
import { openSession } from "../../device-agent/runtime/index.ts";
import type { Session } from "../../device-agent/runtime/index.ts";
import { SOCS } from "../../device-agent/soc/index.ts";
import { assert } from "../../protocol/base/assert.ts";
import { failed, succeeded, unwrap } from "../../protocol/base/result.ts";
import type { Result } from "../../protocol/base/result.ts";
import type { SocDescription } from "../../protocol/isa/index.ts";
import { narrowed } from "../bars.ts";
import type { ExitName } from "../exit-codes.ts";
import { lowerBoundUs, nodeBoundsUs } from "../fidelity/lower-bound.ts";
import { ZOO, zooInputs } from "../models/zoo.ts";
import type { ZooModel } from "../models/zoo.ts";
import type { Output } from "../output.ts";
import { reportBench } from "./bench-report.ts";
import type { Measured } from "./bench-report.ts";
import { floatGraphOf } from "./float-graph.ts";
import { operatorTimes, shareOfPeak, utilisation } from "./operators.ts";
import { layerByLayerRoofline } from "./roofline.ts";
import { ModelSession } from "./session.ts";

export interface BenchOptions {
  readonly only?: string;
  readonly seed?: number;
  readonly releases?: string;
  readonly soc?: string;
  readonly profile?: boolean;
  readonly top: number;
}

const CALIBRATION_RUNS = 16;
/** The smallest memory of a phone and the largest. */
const DEFAULT_SOCS = "sm8350,sm8650";

export async function runBench(options: BenchOptions, output: Output): Promise<ExitName> {
  const models = unwrap(narrowed(ZOO, options.only, ({ name }) => name));
  const recipes = unwrap(chosen(RELEASES, options.releases));
  const socs = unwrap(
    chosen(new Map(SOCS.map((soc) => [soc.name, soc])), options.soc ?? DEFAULT_SOCS),
  );
  const progress = output.progress("bench", models.length * recipes.length);
  const measured: Measured[] = [];
  for (const model of models) {
    const runs = zooInputs(model, CALIBRATION_RUNS, options.seed);
    for (const recipe of recipes) {
      measured.push(...unwrap(await measureModel({ model, runs, recipe, socs })));
      progress.advance(1, `${model.name} ${recipe.version}`);
    }
  }
  progress.finish();
  const releases = recipes.map(({ version }) => version);
  const { top, profile = false } = options;
  return reportBench({ measured, releases, top, profile }, output);
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
}): Promise<Result<Measured[]>> {
  const { model, runs, recipe, socs } = of;
  const bytes = await model.load();
  if (!bytes.ok) return bytes;
  const inputShapes = [{ input: model.input, shape: model.shape }];
  const file = { name: model.name, bytes: bytes.value, inputShapes };
  const graph = floatGraphOf(file);
  if (!graph.ok) return graph;
  const session = new ModelSession(recipe, { ...file, runs });
  const reference = session.reference();
  if (!reference.ok) return reference;
  const goldens = reference.value.outputs.map(
    (name) => new Float32Array(session.driver.get(name).slice().buffer),
  );
  const measured: Measured[] = [];
  for (const soc of socs) {
    const compiled = session.compile(soc, "htp");
    if (!compiled.ok) return compiled;
    const opened = openSession(compiled.value.program, soc);
    if (!opened.ok) return opened;
    const from = { graph: graph.value, session, reference: reference.value, recipe, soc };
    const roofline = layerByLayerRoofline(from);
    if (!roofline.ok) return roofline;
    const { program, timing } = opened.value;
    const [first] = timing.segments;
    assert(first?.kind === "htp" && timing.segments.length === 1, "a program on the HTP alone");
    const segment = first.timing;
    const { microseconds } = timing;
    const boundUs = lowerBoundUs(graph.value, "w8a8", soc);
    const boundsUs = nodeBoundsUs(graph.value, "w8a8", soc);
    measured.push({
      model: model.name,
      soc: soc.name,
      release: recipe.version,
      microseconds,
      lowerBoundUs: boundUs,
      ofPeak: shareOfPeak({ microseconds, lowerBoundUs: boundUs }, soc),
      ...utilisation(segment, soc),
      rooflineUs: roofline.value,
      rooflineRatio: roofline.value === null ? null : microseconds / roofline.value,
      compileMs: compiled.value.compileMs,
      outputSnrDb: outputSnr(opened.value, model, { runs, goldens }),
      operators: operatorTimes({ program, timing: segment, soc, boundsUs }),
    });
  }
  return succeeded(measured);
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
