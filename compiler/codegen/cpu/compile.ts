/** Float graph to CPU program: every node a stage of generated WebAssembly over one planned memory. */
import { present } from "../../../protocol/base/assert.ts";
import { alignUp, product } from "../../../protocol/base/integers.ts";
import type { Result } from "../../../protocol/base/result.ts";
import { CodedError, failed, succeeded, toFailure } from "../../../protocol/base/result.ts";
import type { FunctionBuilder } from "../../../protocol/wasm/function.ts";
import type { ModuleBuilder } from "../../../protocol/wasm/module.ts";
import { moduleBuilder, PAGE_BYTES } from "../../../protocol/wasm/module.ts";
import type { Graph, Node } from "../../ir/graph.ts";
import { attributesOf, formulaOf } from "../../ir/ops.ts";
import type { Buffer, Lowering, NodeCall } from "./lowering.ts";
import { imageBytes, startLowering, unsupported } from "./lowering.ts";
import { arrangeBuffers } from "./memory.ts";
import { lowerConv, lowerConvTranspose } from "./ops/convolution.ts";
import { lowerDetection } from "./ops/detection.ts";
import { lowerPair, lowerUnary } from "./ops/elementwise.ts";
import { lowerMatmul } from "./ops/matmul.ts";
import {
  lowerConcat,
  lowerExpand,
  lowerPad,
  lowerRename,
  lowerSlice,
  lowerSplit,
  lowerTranspose,
} from "./ops/movement.ts";
import { lowerPool } from "./ops/pooling.ts";
import { lowerGlobalPool, lowerReduce, lowerSoftmax } from "./ops/reduction.ts";
import { lowerResize } from "./ops/resize.ts";
import type { CpuProgram } from "./program.ts";

export type CompileCpuCode = "UNSUPPORTED_OP" | "DOES_NOT_FIT";

type LowerNode = (lowering: Lowering, call: NodeCall) => void;

/** Operators beyond those that compute a function of one element (see formulaOf). */
const LOWERINGS: ReadonlyMap<string, LowerNode> = new Map<string, LowerNode>([
  ["conv", lowerConv],
  ["conv_transpose", lowerConvTranspose],
  ["matmul", lowerMatmul],
  ...["add", "sub", "mul", "div", "min", "max", "pow", "prelu"].map(
    (name) => [name, lowerPair] as const,
  ),
  ["max_pool", lowerPool],
  ["average_pool", lowerPool],
  ["global_average_pool", lowerGlobalPool],
  ["global_max_pool", lowerGlobalPool],
  ...["reduce_mean", "reduce_sum", "reduce_prod", "reduce_max", "reduce_min"].map(
    (name) => [name, lowerReduce] as const,
  ),
  ["softmax", lowerSoftmax],
  ["identity", lowerRename],
  ["reshape", lowerRename],
  ["cast", lowerRename],
  ["transpose", lowerTranspose],
  ["concat", lowerConcat],
  ["split", lowerSplit],
  ["slice", lowerSlice],
  ["pad", lowerPad],
  ["expand", lowerExpand],
  ["resize", lowerResize],
  ["anchored_detection", lowerDetection],
]);

/** Stage of a program that arranges the outputs; no node has this name. */
const OUTPUT_STAGE = "(outputs)";
/** Addresses are compared as signed numbers. */
const MEMORY_BYTES_MAX = 2 ** 31 - PAGE_BYTES;

/**
 * Compiles a verified graph whose computed values are all float32. Weights are packed into the
 * image; constants of the graph are read, never changed.
 * Fails with UNSUPPORTED_OP (details: node, op) or DOES_NOT_FIT (details: memoryBytes).
 */
export function compileCpu(graph: Graph): Result<CpuProgram, CompileCpuCode> {
  try {
    return lowerGraph(graph);
  } catch (error) {
    if (error instanceof CodedError) return toFailure(error as CodedError<CompileCpuCode>);
    throw error;
  }
}

function lowerGraph(graph: Graph): Result<CpuProgram, CompileCpuCode> {
  const memory = { pagesMin: 0, pagesMax: 0 };
  const module = moduleBuilder(memory);
  const lowering = startLowering(graph, module);
  const inputs = graph.inputs.map((name) => lowering.port(name));
  for (const node of graph.nodes) {
    lowering.beginStage(node.name);
    lowerNode(lowering, graph, node);
  }
  lowering.beginStage(OUTPUT_STAGE);
  const outputs = graph.outputs.map((name) => lowering.port(name));
  const memoryBytes = placeBuffers(lowering);
  if (memoryBytes > MEMORY_BYTES_MAX) {
    return failed("DOES_NOT_FIT", `the CPU program needs ${memoryBytes} bytes of memory`, {
      memoryBytes,
    });
  }
  memory.pagesMin = memory.pagesMax = memoryBytes / PAGE_BYTES;
  writeStages(module, lowering);
  return succeeded({
    name: graph.name,
    module: module.encode(),
    memoryBytes,
    stages: lowering.stages.map((stage) => stage.name),
    image: lowering.imageParts(),
    inputs: inputs.map((port) => port()),
    outputs: outputs.map((port) => port()),
    values: lowering.values(),
  });
}

function lowerNode(lowering: Lowering, graph: Graph, node: Node): void {
  const lower = formulaOf(node) === undefined ? LOWERINGS.get(node.op) : lowerUnary;
  if (lower === undefined) unsupported(node, "the CPU has no code for it");
  for (const name of [...node.inputs.filter((input) => input !== ""), ...node.outputs]) {
    const type = present(graph.types.get(name), `type of ${name}`);
    if (type.dtype !== "f32") unsupported(node, `${name} is ${type.dtype}, not float32`);
    if (product(type.shape) === 0) unsupported(node, `${name} has no elements`);
  }
  lower(lowering, {
    node,
    shapes: node.inputs.map((name) => graph.types.get(name)?.shape),
    outputShape: present(graph.types.get(node.outputs[0] ?? ""), "output type").shape,
    attributes: attributesOf(node),
  });
}

/** Image first, then everything computed; the whole in bytes, a multiple of the page. */
function placeBuffers(lowering: Lowering): number {
  const start = imageBytes(lowering.imageParts());
  const { offsets, totalBytes } = arrangeBuffers(lowering.buffers);
  lowering.buffers.forEach((buffer: Buffer, index) => {
    buffer.address = start + offsets[index]!;
  });
  return alignUp(start + totalBytes + 1, PAGE_BYTES);
}

/** One function a stage, and run(stage) that calls it. */
function writeStages(module: ModuleBuilder, lowering: Lowering): void {
  const functions = lowering.stages.map(({ name, steps }) =>
    module.function({ name, parameters: [] }, (f: FunctionBuilder) => {
      for (const step of steps) step(f);
    }),
  );
  module.function({ name: "run", parameters: ["i32"], exported: true }, (f, [stage]) => {
    f.switch(
      stage,
      functions.map((callee) => () => f.call(callee)),
    );
  });
}
