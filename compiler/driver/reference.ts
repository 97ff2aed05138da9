/**
 * The goldens of a model and, on request, its encodings: float32 inference on the CPU path, or the evaluator
 * where the model's numbers are stored already.
 */
import type { DriverHost, PortType, ReferenceRequest } from "../../protocol/abi/index.ts";
import { present } from "../../protocol/base/assert.ts";
import { product } from "../../protocol/base/integers.ts";
import { utf8 } from "../../protocol/base/bytes.ts";
import { failed, succeeded } from "../../protocol/base/result.ts";
import type { Result } from "../../protocol/base/result.ts";
import { compileCpu, cpuRunner } from "../codegen/cpu/index.ts";
import type { CpuPort, CpuValue } from "../codegen/cpu/index.ts";
import { evaluate, fromReal, toReal } from "../ir/index.ts";
import type { Graph } from "../ir/index.ts";
import { adoptMixed, isStored } from "../passes/index.ts";
import { exportEncodings, observe, rangesOf } from "../quant/index.ts";
import type { Observations } from "../quant/index.ts";
import type { Answer } from "./answer.ts";
import { loadModel } from "./model.ts";

/** See compiler/quant/ranges.ts. */
const RANGE_RULE = { kind: "mse" } as const;

export function answerReference(
  request: ReferenceRequest,
  host: DriverHost,
  answer: Answer,
): Result<void> {
  const loaded = loadModel(request.model, { host, dumpAfter: undefined });
  if (!loaded.ok) return loaded;
  const adopted = isStored(loaded.value.graph) ? adoptMixed(loaded.value.graph) : undefined;
  if (adopted?.ok === false) return adopted;
  const graph = adopted?.value ?? loaded.value.graph;
  const ports = {
    inputPorts: graph.inputs.map((name) => portType(graph, name)),
    outputPorts: graph.outputs.map((name) => portType(graph, name)),
  };
  if (request.inputs.length === 0) {
    answer.referenced({ outputs: [], encodings: undefined, ...ports });
    return succeeded(undefined);
  }
  const call = { request, host, answer };
  const ran = adopted === undefined ? runFloats(graph, call) : runStored(graph, call);
  if (!ran.ok) return ran;
  const { outputs, observations } = ran.value;
  answer.referenced({
    outputs: outputs.map((bytes) => answer.blob(bytes)),
    encodings: request.calibrate ? answer.blob(encodingsOf(observations)) : undefined,
    ...ports,
  });
  return succeeded(undefined);
}

interface Call {
  readonly request: ReferenceRequest;
  readonly host: DriverHost;
  readonly answer: Answer;
}

interface Ran {
  readonly outputs: readonly Uint8Array[];
  /** Empty unless calibrating. */
  readonly observations: Observations;
}

/** A model that was quantised elsewhere has its encodings in it: there is nothing to observe. */
function runStored(graph: Graph, { request, host, answer }: Call): Result<Ran> {
  const ports = graph.inputs.map((name) => portType(graph, name));
  const outputs: Uint8Array[] = [];
  for (const [index, name] of request.inputs.entries()) {
    const inputs = splitInputs(host.readBlob(name), ports);
    if (!inputs.ok) return inputs;
    const stored = graph.inputs.map((input) => {
      const type = present(graph.types.get(input), input);
      return [input, fromReal(type, present(inputs.value.get(input), input))] as const;
    });
    const results = evaluate(graph, new Map(stored));
    outputs.push(
      joined(graph.outputs.map((output) => toReal(present(results.get(output), output)))),
    );
    answer.progress("reference", (index + 1) / request.inputs.length);
  }
  return succeeded({ outputs, observations: new Map() });
}

function runFloats(graph: Graph, { request, host, answer }: Call): Result<Ran> {
  const compiled = compileCpu(graph);
  if (!compiled.ok) return compiled;
  const program = compiled.value;
  const runner = cpuRunner(program);
  const observations: Observations = new Map();
  const watch = request.calibrate
    ? (value: CpuValue, elements: Float32Array) => observe(observations, value, elements)
    : undefined;
  const outputs: Uint8Array[] = [];
  for (const [index, name] of request.inputs.entries()) {
    const inputs = splitInputs(host.readBlob(name), program.inputs);
    if (!inputs.ok) return inputs;
    if (request.calibrate) {
      for (const port of program.inputs) {
        observe(observations, port, present(inputs.value.get(port.name), port.name));
      }
    }
    const results = runner.run(inputs.value, watch);
    outputs.push(joined(program.outputs.map((port) => present(results.get(port.name), port.name))));
    answer.progress("reference", (index + 1) / request.inputs.length);
  }
  return succeeded({ outputs, observations });
}

function encodingsOf(observations: Observations): Uint8Array {
  return utf8(exportEncodings(rangesOf(observations, RANGE_RULE)));
}

/** The float32 values of all inputs, one after another, as a map of views. */
function splitInputs(
  bytes: Uint8Array,
  ports: readonly Pick<CpuPort, "name" | "shape">[],
): Result<Map<string, Float32Array>> {
  const expected = ports.reduce((total, port) => total + product(port.shape), 0);
  if (bytes.length !== expected * 4) {
    const message = `the inputs need ${expected * 4} bytes, ${bytes.length} were given`;
    return failed("BAD_REQUEST", message);
  }
  const values = new Float32Array(bytes.slice().buffer);
  const inputs = new Map<string, Float32Array>();
  let offset = 0;
  for (const port of ports) {
    inputs.set(port.name, values.subarray(offset, offset + product(port.shape)));
    offset += product(port.shape);
  }
  return succeeded(inputs);
}

function joined(parts: readonly Float32Array[]): Uint8Array {
  const whole = new Float32Array(parts.reduce((total, part) => total + part.length, 0));
  let offset = 0;
  for (const part of parts) {
    whole.set(part, offset);
    offset += part.length;
  }
  return new Uint8Array(whole.buffer);
}

/** Ports take and give real numbers, whatever they store. */
function portType(graph: Graph, name: string): PortType {
  const { dtype, shape, quantization } = present(graph.types.get(name), `type of ${name}`);
  return { name, dtype: quantization === undefined ? dtype : "f32", shape };
}
