/** The state of one compilation: where values live, what each stage does, which kernels exist. */
import { assert, present } from "../../../protocol/base/assert.ts";
import { alignUp, product } from "../../../protocol/base/integers.ts";
import { CodedError } from "../../../protocol/base/result.ts";
import type { FunctionBuilder, FunctionHandle } from "../../../protocol/wasm/function.ts";
import type { ModuleBuilder } from "../../../protocol/wasm/module.ts";
import type { Graph, Node } from "../../ir/graph.ts";
import type { AttributeReader } from "../../ir/operator.ts";
import { numeric } from "../../ir/tensor.ts";
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

export interface Lowering {
  readonly module: ModuleBuilder;
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
  /** The function with this key, built on first use. */
  kernel<Handle extends FunctionHandle>(key: string, build: () => Handle): Handle;
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

export function startLowering(graph: Graph, module: ModuleBuilder): Lowering {
  const stages: Stage[] = [];
  const buffers: Buffer[] = [];
  const parts: { readonly buffer: Buffer; readonly bytes: Uint8Array }[] = [];
  const stored = new Map<string, Stored>();
  const converted = new Map<string, Buffer>();
  const kernels = new Map<string, FunctionHandle>();
  const computed: { readonly name: string; readonly stage: number; readonly at: Stored }[] = [];
  let imageEnd = 0;

  const current = (): number => stages.length - 1;
  const shapeOf = (value: string): readonly number[] =>
    present(graph.types.get(value), `type of ${value}`).shape;
  const allocate = (bytes: number, lastStage: number): Buffer => {
    const buffer = { bytes, firstStage: current(), lastStage, address: undefined };
    buffers.push(buffer);
    return buffer;
  };
  const image = (bytes: Uint8Array): Buffer => {
    const address = imageEnd;
    imageEnd = alignUp(address + bytes.length + VECTOR_BYTES, 64);
    const buffer = { bytes: bytes.length, firstStage: 0, lastStage: FOREVER, address };
    parts.push({ buffer, bytes });
    return buffer;
  };
  const constant = (value: string): Float32Array | undefined => {
    const tensor = graph.constants.get(value);
    const data = tensor && numeric(tensor);
    return data === undefined || data instanceof Float32Array ? data : Float32Array.from(data);
  };
  const use = (buffer: Buffer): Buffer => {
    buffer.lastStage = Math.max(buffer.lastStage, current());
    return buffer;
  };
  const convert = (value: string, from: Stored, layout: Layout): Buffer => {
    const shape = shapeOf(value);
    if (sameBytes(shape)) return use(from.buffer);
    const source = use(from.buffer);
    const target = allocate(bytesIn(shape, layout), current());
    const [fromSteps, toSteps] = [stridesIn(shape, from.layout), stridesIn(shape, layout)];
    const axes = shape.map((count, axis) => ({
      count,
      fromStep: fromSteps[axis]!,
      toStep: toSteps[axis]!,
    }));
    stages[current()]!.steps.push((f) =>
      copyElements(f, lowering, { from: addressOf(source), to: addressOf(target), axes }),
    );
    return target;
  };
  const placeConstant = (value: string): Stored => {
    const data = present(constant(value), `value ${value}`);
    const buffer = image(bytesOf(data));
    return { buffer, layout: "rows" };
  };
  const primary = (value: string): Stored => {
    const found = stored.get(value) ?? placeConstant(value);
    stored.set(value, found);
    return found;
  };
  const read = (value: string, layout: Layout): Buffer => {
    const at = primary(value);
    if (at.layout === layout) return use(at.buffer);
    const key = `${layout} ${value}`;
    const known = converted.get(key);
    if (known !== undefined) return use(known);
    const buffer = convert(value, at, layout);
    converted.set(key, buffer);
    return buffer;
  };

  const lowering: Lowering = {
    module,
    stages,
    buffers,
    beginStage: (name) => void stages.push({ name, steps: [] }),
    emit: (step) => void stages[current()]!.steps.push(step),
    layoutOf: (value) => stored.get(value)?.layout ?? "rows",
    read,
    write: (value, layout) => {
      const buffer = allocate(bytesIn(shapeOf(value), layout), current());
      const at = { buffer, layout };
      stored.set(value, at);
      computed.push({ name: value, stage: current(), at });
      return buffer;
    },
    alias: (value, source) => {
      const at: Stored = { buffer: read(source, "rows"), layout: "rows" };
      stored.set(value, at);
      computed.push({ name: value, stage: current(), at });
    },
    scratch: (bytes) => allocate(bytes + VECTOR_BYTES, current()),
    image,
    constant,
    kernel: <Handle extends FunctionHandle>(key: string, build: () => Handle): Handle => {
      const known = kernels.get(key) as Handle | undefined;
      if (known !== undefined) return known;
      const built = build();
      kernels.set(key, built);
      return built;
    },
    port: (value) => {
      if (!stored.has(value) && !graph.constants.has(value)) {
        stored.set(value, {
          buffer: allocate(bytesIn(shapeOf(value), "rows"), FOREVER),
          layout: "rows",
        });
      }
      const buffer = read(value, "rows");
      buffer.lastStage = FOREVER;
      return () => ({ name: value, shape: shapeOf(value), memoryOffset: addressOf(buffer) });
    },
    values: () =>
      computed.map(({ name, stage, at }) => {
        const memoryOffset = addressOf(at.buffer);
        return { name, shape: shapeOf(name), memoryOffset, layout: at.layout, stage };
      }),
    imageParts: () =>
      parts.map(({ buffer, bytes }) => ({ memoryOffset: addressOf(buffer), bytes })),
  };
  return lowering;
}

export function bytesOf(data: Float32Array | Int32Array): Uint8Array {
  return new Uint8Array(data.buffer, data.byteOffset, data.byteLength);
}

/** Whether both layouts put every element at the same place. */
function sameBytes(shape: readonly number[]): boolean {
  const [batch = 1, channels = 1, ...plane] = shape;
  return product(plane) === 1 && (batch === 1 || pitchOf(shape) === channels);
}

export function imageBytes(parts: readonly ImagePart[]): number {
  const last = parts.at(-1);
  assert(last === undefined || last.memoryOffset >= 0, "image parts are in order");
  return last === undefined ? 0 : alignUp(last.memoryOffset + last.bytes.length + VECTOR_BYTES, 64);
}
