/** `retile model compare`: every tensor that a backend computes against the naive float reference, layer by layer. */
import { compileCpu, cpuRunner } from "../../compiler/codegen/cpu/index.ts";
import { evaluate, numeric } from "../../compiler/ir/index.ts";
import type { Graph, Tensor } from "../../compiler/ir/index.ts";
import { optimize } from "../../compiler/passes/index.ts";
import { signalToNoiseDb } from "../../compiler/quant/index.ts";
import { present } from "../../protocol/base/assert.ts";
import { failed, succeeded, unwrap } from "../../protocol/base/result.ts";
import type { Result } from "../../protocol/base/result.ts";
import { loadModelFile } from "../models/model-file.ts";
import type { Column, Output, Row } from "../output.ts";
import { chooseInputs, importBound } from "../run/inputs.ts";
import { readTensors } from "../tensor-files.ts";
import { htpValues } from "./htp-values.ts";
import type { Probe, Values } from "./probe.ts";

export interface CompareOptions {
  readonly model: string;
  readonly backend: string;
  readonly soc: string;
  readonly inputs?: string;
  readonly shape?: string;
}

const COLUMNS: readonly Column[] = [
  { key: "node", title: "node" },
  { key: "operator", title: "operator" },
  { key: "shape", title: "shape" },
  { key: "snrDb", title: "SNR dB", digits: 1 },
  { key: "maxError", title: "largest error", digits: 6 },
  { key: "range", title: "range", digits: 4 },
];

export async function compareModel(options: CompareOptions, output: Output): Promise<void> {
  const model = unwrap(await loadModelFile(options.model, options.shape));
  const given =
    options.inputs === undefined ? undefined : unwrap(await readTensors(options.inputs));
  const imported = unwrap(importBound(model));
  const chosen = unwrap(chooseInputs(imported, given));
  const inputs = new Map([...chosen].map(([name, { values }]) => [name, values]));
  const graph = optimize(imported);
  const progress = output.progress(`compare ${model.name}`, graph.nodes.length);
  const computed = unwrap(backendValues(options.backend, { graph, inputs, soc: options.soc }));
  const rows = compareValues(graph, { inputs, computed, advance: () => progress.advance(1) });
  progress.finish();
  const [worst] = [...rows].sort((a, b) => Number(a["snrDb"]) - Number(b["snrDb"]));
  const summary = {
    model: model.name,
    backend: options.backend,
    compared: rows.length,
    worst: worst?.["value"] ?? null,
    worstSnrDb: worst?.["snrDb"] ?? null,
  };
  output.report({ name: "model compare", rows, summary }, COLUMNS);
}

function backendValues(backend: string, probe: Probe): Result<Values> {
  switch (backend) {
    case "cpu":
      return cpuValues(probe);
    case "htp":
      return htpValues(probe);
    default:
      return failed("USAGE", `there is no backend "${backend}" to compare; htp and cpu`);
  }
}

function cpuValues({ graph, inputs }: Probe): Result<Values> {
  const program = compileCpu(graph);
  if (!program.ok) return program;
  const values = new Map<string, Float32Array>();
  cpuRunner(program.value).run(inputs, ({ name }, elements) => values.set(name, elements));
  return succeeded(values);
}

interface Comparison {
  readonly inputs: Values;
  readonly computed: Values;
  advance(): void;
}

/** In the order of the graph. The reference's values are judged as they come up, so that none is kept. */
function compareValues(graph: Graph, { inputs, computed, advance }: Comparison): Row[] {
  const feeds = new Map(
    [...inputs].map(([name, data]): [string, Tensor] => [
      name,
      { type: present(graph.types.get(name), name), data },
    ]),
  );
  const writers = new Map(
    graph.nodes.flatMap((node) => node.outputs.map((name) => [name, node] as const)),
  );
  const rows: Row[] = [];
  evaluate(graph, feeds, {
    observe: (value, reference) => {
      const node = writers.get(value);
      const candidate = computed.get(value);
      if (node !== undefined) advance();
      if (node === undefined || candidate === undefined) return;
      const shape = reference.type.shape.join("x");
      const figures = errorsOf(numeric(reference), candidate);
      rows.push({ value, node: node.name, operator: node.op, shape, ...figures });
    },
  });
  return rows;
}

/** Equal tensors have no noise: their ratio is written as `Infinity`, in JSON as null. */
function errorsOf(reference: ArrayLike<number>, candidate: Float32Array) {
  let [low, high, maxError] = [Infinity, -Infinity, 0];
  for (let index = 0; index < reference.length; index++) {
    const value = reference[index] ?? 0;
    low = Math.min(low, value);
    high = Math.max(high, value);
    maxError = Math.max(maxError, Math.abs(value - (candidate[index] ?? 0)));
  }
  const snrDb = signalToNoiseDb(reference, candidate);
  return { snrDb, maxError, range: high - low };
}
