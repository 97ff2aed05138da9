/** Float32 inference on the CPU path: the goldens of a model and, on request, its encodings. */
import type { DriverHost, PortType, ReferenceRequest } from "../../protocol/abi/index.ts";
import { product } from "../../protocol/base/integers.ts";
import { utf8 } from "../../protocol/base/bytes.ts";
import { failed, succeeded } from "../../protocol/base/result.ts";
import type { Result } from "../../protocol/base/result.ts";
import { compileCpu, cpuRunner } from "../codegen/cpu/index.ts";
import type { CpuPort, CpuProgram, CpuRunner } from "../codegen/cpu/index.ts";
import type { Graph } from "../ir/index.ts";
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
  const { graph } = loaded.value;
  const program = compileCpu(graph);
  if (!program.ok) return program;
  const run: Run = {
    graph,
    program: program.value,
    runner: cpuRunner(program.value),
    host,
    answer,
  };
  const outputs = runAll(run, request);
  if (!outputs.ok) return outputs;
  answer.referenced({
    outputs: outputs.value.map((bytes) => answer.blob(bytes)),
    encodings: request.calibrate ? answer.blob(calibrate(run, request)) : undefined,
    inputPorts: program.value.inputs.map(portType),
    outputPorts: program.value.outputs.map(portType),
  });
  return succeeded(undefined);
}

interface Run {
  readonly graph: Graph;
  readonly program: CpuProgram;
  readonly runner: CpuRunner;
  readonly host: DriverHost;
  readonly answer: Answer;
}

function runAll(run: Run, request: ReferenceRequest): Result<Uint8Array[]> {
  const results: Uint8Array[] = [];
  for (const [index, name] of request.inputs.entries()) {
    const inputs = splitInputs(run.host.readBlob(name), run.program.inputs);
    if (!inputs.ok) return inputs;
    const outputs = run.runner.run(inputs.value);
    const values = run.program.outputs.map((port) => outputs.get(port.name) ?? new Float32Array());
    results.push(joined(values));
    run.answer.progress("reference", (index + 1) / request.inputs.length);
  }
  return succeeded(results);
}

/** Runs once more with every intermediate value observed. */
function calibrate(run: Run, request: ReferenceRequest): Uint8Array {
  const observations: Observations = new Map();
  for (const [index, name] of request.inputs.entries()) {
    const inputs = splitInputs(run.host.readBlob(name), run.program.inputs);
    if (!inputs.ok) continue;
    for (const [input, values] of inputs.value) observe(observations, input, values);
    run.runner.run(inputs.value, (value, elements) => observe(observations, value.name, elements));
    run.answer.progress("calibrate", (index + 1) / request.inputs.length);
  }
  return utf8(exportEncodings(rangesOf(observations, RANGE_RULE)));
}

/** The float32 values of all inputs, one after another, as a map of views. */
function splitInputs(
  bytes: Uint8Array,
  ports: readonly CpuPort[],
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

function portType({ name, shape }: CpuPort): PortType {
  return { name, dtype: "f32", shape };
}
