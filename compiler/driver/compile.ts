/** Model to program: import and optimise, quantise with the model's encodings, lower, encode. */
import { canonicalJson } from "../../protocol/base/canonical-json.ts";
import { brand } from "../../protocol/base/brand.ts";
import type { Sha256 } from "../../protocol/base/brand.ts";
import { fromUtf8, utf8 } from "../../protocol/base/bytes.ts";
import { failed, succeeded } from "../../protocol/base/result.ts";
import type { Result } from "../../protocol/base/result.ts";
import type { CompileRequest, DriverHost } from "../../protocol/abi/index.ts";
import type { SocDescription } from "../../protocol/isa/index.ts";
import { encodeProgram } from "../../protocol/program/index.ts";
import type { Program } from "../../protocol/program/index.ts";
import { compileCpu, cpuProgramFile } from "../codegen/cpu/index.ts";
import type { ProgramIdentity } from "../codegen/cpu/index.ts";
import { lowerHtp } from "../codegen/htp/index.ts";
import type { Graph } from "../ir/index.ts";
import { loadKernels } from "../kernels/index.ts";
import type { Place } from "../lower/index.ts";
import { adoptMixed, isStored, movedAsReals, realNode, tablesFirst } from "../passes/index.ts";
import { importEncodings, quantizeMixed } from "../quant/index.ts";
import type { Recipe } from "../releases/index.ts";
import type { Answer } from "./answer.ts";
import { FAMILIES } from "./families.ts";
import { hybridProgram } from "./hybrid.ts";
import type { HybridModel, PlacedProgram } from "./hybrid.ts";
import { loadModel } from "./model.ts";
import { PLACEMENT, placementText } from "./placement.ts";

export interface CompileContext {
  readonly recipe: Recipe;
  readonly host: DriverHost;
  readonly answer: Answer;
}

export function answerCompile(request: CompileRequest, context: CompileContext): Result<void> {
  const { host, answer } = context;
  const soc = readSoc(request.soc);
  if (!soc.ok) return soc;
  answer.progress("import", 0);
  const loaded = loadModel(request.model, { host, dumpAfter: request.dumpAfter });
  if (!loaded.ok) return loaded;
  answer.progress("compile", 0.3);
  const work: Work = { request, context, soc: soc.value, graph: loaded.value.graph };
  const compiled = request.backend === "cpu" ? cpuProgram(work) : htpProgram(work);
  if (!compiled.ok) return compiled;
  answer.progress("encode", 0.9);
  const { program, segments, reasons } = compiled.value;
  const { counters, blobs } = program;
  const isPlacement = request.dumpAfter === PLACEMENT;
  const dump = isPlacement ? placementText(segments, reasons) : loaded.value.dump;
  answer.compiled({
    program: answer.blob(encodeProgram(program)),
    macs: counters.macsInt8 + counters.macsFp16 + counters.macsInt16,
    vtcmPeakBytes: counters.vtcmPeakBytes,
    weightBytes: [...blobs.values()].reduce((total, blob) => total + blob.length, 0),
    warnings: [],
    dump: dump === undefined ? undefined : answer.blob(utf8(dump)),
  });
  return succeeded(undefined);
}

interface Work {
  readonly request: CompileRequest;
  readonly context: CompileContext;
  readonly soc: SocDescription;
  readonly graph: Graph;
}

function cpuProgram(work: Work): Result<PlacedProgram> {
  const cpu = compileCpu(work.graph);
  if (!cpu.ok) return cpu;
  return succeeded(inOne("cpu", cpuProgramFile(cpu.value, identityOf(work)), work.graph));
}

function inOne(place: Place, program: Program, { nodes }: Graph): PlacedProgram {
  return { program, segments: [{ place, nodes }], reasons: new Map() };
}

/** On the HTP as a whole where that can be, else in segments. */
function htpProgram(work: Work): Result<PlacedProgram> {
  const { context, request, soc, graph } = work;
  const form = isStored(graph) ? storedForm(graph) : floatForm(request, work);
  if (!form.ok) return form;
  const kernels = loadKernels((name) => fromUtf8(context.host.readFile(`kernels/${name}`)));
  const { options, ...identity } = identityOf(work);
  const target = {
    ...identity,
    optionsText: options,
    soc,
    options: context.recipe.lowering,
    kernels,
  };
  const { whole, split } = form.value;
  const alone = whole.ok ? lowerHtp({ ...target, graph: whole.value }) : whole;
  if (alone.ok) return succeeded(inOne("htp", alone.value, whole.ok ? whole.value : graph));
  if (!SPLITTABLE.has(alone.code)) return alone;
  const placed = hybridProgram(split(), target);
  // Where splitting helps no more, the whole's reason is the one to hear.
  return placed.ok ? placed : alone;
}

/** What another place for some nodes may cure. */
const SPLITTABLE: ReadonlySet<string> = new Set([
  "UNSUPPORTED_OP",
  "NOT_QUANTIZABLE",
  "DOES_NOT_FIT",
]);

interface HtpForm {
  readonly whole: Result<Graph>;
  readonly split: () => HybridModel;
}

function storedForm(graph: Graph): Result<HtpForm> {
  const adopted = adoptMixed(graph);
  if (!adopted.ok) return adopted;
  const split = (): HybridModel => {
    const placed = tablesFirst.run(adopted.value);
    const mixed = (onCpu: ReadonlySet<string>): Result<Graph> =>
      succeeded(movedAsReals(placed, onCpu));
    return { graph: placed, mixed, fitsCpu: false };
  };
  return succeeded({ whole: realNode(adopted.value) ?? adopted, split });
}

/** A model of floats in int8, by the encodings of the request. */
function floatForm(
  { encodings }: CompileRequest,
  { graph, context }: Pick<Work, "graph" | "context">,
): Result<HtpForm> {
  if (encodings === undefined) {
    return failed("BAD_REQUEST", "the htp backend needs the model's encodings; calibrate it first");
  }
  const imported = importEncodings(fromUtf8(context.host.readBlob(encodings)));
  if (!imported.ok) return imported;
  const mixed = (floats: ReadonlySet<string>): Result<Graph> =>
    quantizeMixed(graph, imported.value, { dtype: "i8", floats });
  return succeeded({ whole: mixed(new Set()), split: () => ({ graph, mixed, fitsCpu: true }) });
}

function identityOf({ request, context, soc }: Work): ProgramIdentity {
  const { backend, encodings = "", model } = request;
  const options = canonicalJson({ backend, encodings, inputShapes: model.inputShapes });
  return {
    soc: soc.name,
    modelName: model.name,
    modelSha256: brand<Sha256>(model.sha256),
    driverVersion: context.recipe.version,
    options: fromUtf8(options),
  };
}

function readSoc(text: string): Result<SocDescription> {
  let soc: Partial<SocDescription>;
  try {
    soc = JSON.parse(text) as Partial<SocDescription>;
  } catch (error) {
    return failed("BAD_REQUEST", `the chip's description is no JSON: ${String(error)}`);
  }
  const family = FAMILIES.find((known) => known === soc.family);
  if (family !== undefined) return succeeded(soc as SocDescription);
  const message = `this driver compiles for ${FAMILIES.join(", ")}, not for ${String(soc.family)}`;
  return failed("UNSUPPORTED_SOC", message);
}
