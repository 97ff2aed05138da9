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
import { adopt, adoptMixed, isStored, movedAsReals, tablesFirst } from "../passes/index.ts";
import { importEncodings, quantizeMixed } from "../quant/index.ts";
import type { Recipe } from "../releases/index.ts";
import type { Answer } from "./answer.ts";
import { FAMILIES } from "./families.ts";
import { hybridProgram } from "./hybrid.ts";
import type { HybridModel } from "./hybrid.ts";
import { loadModel } from "./model.ts";

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
  const program = request.backend === "cpu" ? cpuProgram(work) : htpProgram(work);
  if (!program.ok) return program;
  answer.progress("encode", 0.9);
  const { counters, blobs } = program.value;
  const { dump } = loaded.value;
  answer.compiled({
    program: answer.blob(encodeProgram(program.value)),
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

function cpuProgram(work: Work): Result<Program> {
  const cpu = compileCpu(work.graph);
  return cpu.ok ? succeeded(cpuProgramFile(cpu.value, identityOf(work))) : cpu;
}

/** On the HTP as a whole where that can be, else in segments. */
function htpProgram(work: Work): Result<Program> {
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
  const { whole, model } = form.value;
  const alone = whole.ok ? lowerHtp({ ...target, graph: whole.value }) : whole;
  if (alone.ok || !SPLITTABLE.has(alone.code)) return alone;
  const placed = hybridProgram(model, target);
  // Where splitting helps no more, the whole's reason is the one to hear.
  return placed.ok ? succeeded(placed.value.program) : alone;
}

/** What another place for some nodes may cure. */
const SPLITTABLE: ReadonlySet<string> = new Set([
  "UNSUPPORTED_OP",
  "NOT_QUANTIZABLE",
  "DOES_NOT_FIT",
]);

interface HtpForm {
  readonly whole: Result<Graph>;
  readonly model: HybridModel;
}

function storedForm(graph: Graph): Result<HtpForm> {
  const adopted = adoptMixed(graph);
  if (!adopted.ok) return adopted;
  const placed = tablesFirst.run(adopted.value);
  const mixed = (onCpu: ReadonlySet<string>): Result<Graph> =>
    succeeded(movedAsReals(placed, onCpu));
  return succeeded({ whole: adopt(graph), model: { graph: placed, mixed, fitsCpu: false } });
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
  return succeeded({ whole: mixed(new Set()), model: { graph, mixed, fitsCpu: true } });
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
