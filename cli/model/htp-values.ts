/**
 * What the simulated HTP computes inside a network: the quantised graph is compiled with every value as an output.
 * Results do not depend on placement or tiling, so these are the values of the ordinary program too.
 */
import { compileCpu, cpuRunner } from "../../compiler/codegen/cpu/index.ts";
import { lowerHtp } from "../../compiler/codegen/htp/index.ts";
import type { Graph } from "../../compiler/ir/index.ts";
import { loadKernels } from "../../compiler/kernels/index.ts";
import { observe, quantize, rangesOf } from "../../compiler/quant/index.ts";
import type { Encodings, Observations } from "../../compiler/quant/index.ts";
import { RELEASES } from "../../compiler/releases/index.ts";
import { openProgram } from "../../device-agent/runtime/index.ts";
import { present } from "../../protocol/base/assert.ts";
import { brand } from "../../protocol/base/brand.ts";
import type { Sha256 } from "../../protocol/base/brand.ts";
import { fromUtf8 } from "../../protocol/base/bytes.ts";
import { succeeded } from "../../protocol/base/result.ts";
import type { Result } from "../../protocol/base/result.ts";
import { sourceFile } from "../driver/in-process.ts";
import { findSoc } from "../soc.ts";
import type { Probe, Values } from "./probe.ts";

/** Encodings are calibrated on the inputs of the comparison themselves. */
export function htpValues({ graph, inputs, soc: socName }: Probe): Result<Values> {
  const soc = findSoc(socName);
  if (!soc.ok) return soc;
  const encodings = calibratedRanges(graph, inputs);
  if (!encodings.ok) return encodings;
  const quantized = quantize(graph, encodings.value);
  if (!quantized.ok) return quantized;
  const recipe = present([...RELEASES.values()].at(-1), "a release");
  const program = lowerHtp({
    graph: withAllOutputs(quantized.value),
    soc: soc.value,
    options: recipe.lowering,
    kernels: loadKernels((name) => fromUtf8(sourceFile(`kernels/${name}`))),
    modelName: graph.name,
    modelSha256: brand<Sha256>("0".repeat(64)),
    driverVersion: recipe.version,
    optionsText: "{}",
  });
  if (!program.ok) return program;
  const session = openProgram(program.value, soc.value);
  if (!session.ok) return session;
  const ran = session.value.run(inputs);
  return ran.ok ? succeeded(ran.value.outputs) : ran;
}

/** Ranges of every value of a float graph, observed on one set of inputs. */
export function calibratedRanges(graph: Graph, inputs: Values): Result<Encodings> {
  const program = compileCpu(graph);
  if (!program.ok) return program;
  const observations: Observations = new Map();
  for (const port of program.value.inputs) {
    observe(observations, port, present(inputs.get(port.name), port.name));
  }
  cpuRunner(program.value).run(inputs, (value, elements) => observe(observations, value, elements));
  return succeeded(rangesOf(observations, { kind: "mse" }));
}

function withAllOutputs(graph: Graph): Graph {
  return { ...graph, outputs: graph.nodes.flatMap((node) => node.outputs) };
}
