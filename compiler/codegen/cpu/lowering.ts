/** The state of one compilation: where values live, what each stage does, which kernels exist. */
import { present } from "../../../protocol/base/assert.ts";
import { alignUp, product } from "../../../protocol/base/integers.ts";
import { CodedError } from "../../../protocol/base/result.ts";
import type { FunctionBuilder, FunctionHandle } from "../../../protocol/wasm/function.ts";
import type { ModuleBuilder } from "../../../protocol/wasm/module.ts";
import type { Graph, Node } from "../../ir/graph.ts";
import type { AttributeReader } from "../../ir/operator.ts";
import { numeric } from "../../ir/tensor.ts";
import type { KernelStore } from "./kernels/copy.ts";
import { copyElements } from "./kernels/copy.ts";
import type { CpuPort, CpuValue, ImagePart, Layout } from "./program.ts";
import { bytesIn, pitchOf, stridesIn, VECTOR_BYTES } from "./program.ts";

/** A piece of memory. Its address is known once all stages are lowered, that is, while code is written. */
export interface Buffer {
  readonly bytes: number;
  firstStage: number;
  lastStage: number;
  address: number | undefined;
}

/** Writes a piece of a stage's code. */
export type Emit = (f: FunctionBuilder) => void;

/** One node as its lowering sees it. */
export interface NodeCall {
  readonly node: Node;
  /** Shapes of the inputs; an absent optional input is undefined. */
  readonly shapes: readonly (readonly number[] | undefined)[];
  readonly outputShape: readonly number[];
  readonly attributes: AttributeReader;
}

interface Stored {
  readonly buffer: Buffer;
  readonly layout: Layout;
}

interface Stage {
  readonly name: string;
  readonly steps: Emit[];
}

export interface Lowering extends KernelStore {
  readonly stages: readonly Stage[];
  readonly buffers: readonly Buffer[];
  beginStage(name: string): void;
  /** Adds code to the current stage. */
  emit(step: Emit): void;
  /** The layout in which a value is at hand without a copy. */
  layoutOf(value: string): Layout;
  /** The value in the wanted layout; converts it in the current stage where need be. */
  read(value: string, layout: Layout): Buffer;
  /** Memory for a value that the current stage computes. */
  write(value: string, layout: Layout): Buffer;
  /** Lets `value` share the elements of `source`, both in rows. */
  alias(value: string, source: string): void;
  /** Memory for the current stage alone. */
  scratch(bytes: number): Buffer;
  /** Constant data; `bytes` is kept by reference. */
  image(bytes: Uint8Array): Buffer;
  /** The elements of a constant, undefined for computed values. */
  constant(value: string): Float32Array | undefined;
  /** Keeps a value until the end and says where it is. */
  port(value: string): () => CpuPort;
  values(): CpuValue[];
  imageParts(): ImagePart[];
}

export function addressOf(buffer: Buffer): number {
  return present(buffer.address, "address: code is written after the memory is planned");
}

export function unsupported(node: Node, reason: string): never {
  throw new CodedError("UNSUPPORTED_OP", `${node.op} "${node.name}": ${reason}`, {
    node: node.name,
    op: node.op,
  });
}

export const FOREVER = Number.MAX_SAFE_INTEGER;

interface ComputedValue {
  readonly name: string;
  readonly stage: number;
  readonly at: Stored;
}

interface State {
  readonly graph: Graph;
  readonly store: KernelStore;
  readonly stages: Stage[];
  readonly buffers: Buffer[];
  readonly parts: { readonly buffer: Buffer; readonly bytes: Uint8Array }[];
  /** Where each value lies as its stage wrote it, or as the caller places it. */
  readonly stored: Map<string, Stored>;
  /** Copies in the other layout, by layout and name. */
  readonly converted: Map<string, Buffer>;
  readonly computed: ComputedValue[];
}

export function startLowering(graph: Graph, module: ModuleBuilder): Lowering {
  const state: State = {
    graph,
    store: kernelStore(module),
    stages: [],
    buffers: [],
    parts: [],
    stored: new Map(),
    converted: new Map(),
    computed: [],
  };
  const record = (value: string, at: Stored): void => {
    state.stored.set(value, at);
    state.computed.push({ name: value, stage: currentStage(state), at });
  };
  return {
    ...state.store,
    stages: state.stages,
    buffers: state.buffers,
    beginStage: (name) => void state.stages.push({ name, steps: [] }),
    emit: (step) => emit(state, step),
    layoutOf: (value) => state.stored.get(value)?.layout ?? "rows",
    read: (value, layout) => read(state, value, layout),
    write: (value, layout) => {
      const buffer = allocate(state, bytesIn(shapeOf(graph, value), layout));
      record(value, { buffer, layout });
      return buffer;
    },
    alias: (value, source) =>
      record(value, { buffer: read(state, source, "rows"), layout: "rows" }),
    scratch: (bytes) => allocate(state, bytes + VECTOR_BYTES),
    image: (bytes) => placeImage(state, bytes),
    constant: (value) => constantOf(graph, value),
    port: (value) => keepPort(state, value),
    values: () => state.computed.map((value) => describeValue(graph, value)),
    imageParts: () =>
      state.parts.map(({ buffer, bytes }) => ({ memoryOffset: addressOf(buffer), bytes })),
  };
}

function kernelStore(module: ModuleBuilder): KernelStore {
  const kernels = new Map<string, FunctionHandle>();
  return {
    module,
    kernel: <Handle extends FunctionHandle>(key: string, build: () => Handle): Handle => {
      const known = kernels.get(key) as Handle | undefined;
      if (known !== undefined) return known;
      const built = build();
      kernels.set(key, built);
      return built;
    },
  };
}

/** -1 before the first stage. */
function currentStage(state: State): number {
  return state.stages.length - 1;
}

function emit(state: State, step: Emit): void {
  present(state.stages.at(-1), "stage").steps.push(step);
}

function allocate(state: State, bytes: number): Buffer {
  const stage = currentStage(state);
  const buffer = { bytes, firstStage: stage, lastStage: stage, address: undefined };
  state.buffers.push(buffer);
  return buffer;
}

function placeImage(state: State, bytes: Uint8Array): Buffer {
  const address = imageEnd(state.parts.at(-1)?.buffer);
  const buffer = { bytes: bytes.length, firstStage: 0, lastStage: FOREVER, address };
  state.parts.push({ buffer, bytes });
  return buffer;
}

/** With a spare vector behind each part, because rows are read in whole vectors. */
function imageEnd(last: Buffer | undefined): number {
  return last === undefined ? 0 : alignUp(addressOf(last) + last.bytes + VECTOR_BYTES, 64);
}

function shapeOf(graph: Graph, value: string): readonly number[] {
  return present(graph.types.get(value), `type of ${value}`).shape;
}

function constantOf(graph: Graph, value: string): Float32Array | undefined {
  const tensor = graph.constants.get(value);
  const data = tensor && numeric(tensor);
  return data === undefined || data instanceof Float32Array ? data : Float32Array.from(data);
}

function use(state: State, buffer: Buffer): Buffer {
  buffer.lastStage = Math.max(buffer.lastStage, currentStage(state));
  return buffer;
}

function read(state: State, value: string, layout: Layout): Buffer {
  const at = state.stored.get(value) ?? placeConstant(state, value);
  if (at.layout === layout || sameBytes(shapeOf(state.graph, value))) return use(state, at.buffer);
  const key = `${layout} ${value}`;
  const known = state.converted.get(key);
  if (known !== undefined) return use(state, known);
  const buffer = convert(state, { value, at, layout });
  state.converted.set(key, buffer);
  return buffer;
}

function placeConstant(state: State, value: string): Stored {
  const data = present(constantOf(state.graph, value), `value ${value}`);
  const at: Stored = { buffer: placeImage(state, bytesOf(data)), layout: "rows" };
  state.stored.set(value, at);
  return at;
}

function convert(
  state: State,
  request: { readonly value: string; readonly at: Stored; readonly layout: Layout },
): Buffer {
  const { value, at, layout } = request;
  const shape = shapeOf(state.graph, value);
  const source = use(state, at.buffer);
  const target = allocate(state, bytesIn(shape, layout));
  const [fromSteps, toSteps] = [stridesIn(shape, at.layout), stridesIn(shape, layout)];
  const axes = shape.map((count, axis) => ({
    count,
    fromStep: present(fromSteps[axis], "stride"),
    toStep: present(toSteps[axis], "stride"),
  }));
  emit(state, (f) => {
    const copy = { from: addressOf(source), to: addressOf(target), axes };
    copyElements(f, state.store, copy);
  });
  return target;
}

function keepPort(state: State, value: string): () => CpuPort {
  const { graph, stored } = state;
  const shape = shapeOf(graph, value);
  if (!stored.has(value) && !graph.constants.has(value)) {
    stored.set(value, { buffer: allocate(state, bytesIn(shape, "rows")), layout: "rows" });
  }
  const buffer = read(state, value, "rows");
  buffer.lastStage = FOREVER;
  return () => ({ name: value, shape, memoryOffset: addressOf(buffer) });
}

function describeValue(graph: Graph, { name, stage, at }: ComputedValue): CpuValue {
  const memoryOffset = addressOf(at.buffer);
  return { name, shape: shapeOf(graph, name), memoryOffset, layout: at.layout, stage };
}

export function bytesOf(data: Float32Array | Int32Array): Uint8Array {
  return new Uint8Array(data.buffer, data.byteOffset, data.byteLength);
}

/** Whether both layouts put every element at the same place. */
function sameBytes(shape: readonly number[]): boolean {
  const [batch = 1, channels = 1, ...plane] = shape;
  return product(plane) === 1 && (batch === 1 || pitchOf(shape) === channels);
}

/** Where computed values can begin. */
export function imageBytes(parts: readonly ImagePart[]): number {
  const last = parts.at(-1);
  return last === undefined ? 0 : alignUp(last.memoryOffset + last.bytes.length + VECTOR_BYTES, 64);
}
