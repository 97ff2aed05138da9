/** Depthwise convolution: every channel has its own window of weights; channels are the vectors. */
import { at, f32, load, op } from "../../../../protocol/wasm/expression.ts";
import type { FunctionBuilder, FunctionHandle, Local } from "../../../../protocol/wasm/function.ts";
import type { ConvolutionGeometry } from "../../../ir/ops/convolution.ts";
import { clamped } from "../kernels/gemm.ts";
import type { Buffer, Lowering, NodeCall } from "../lowering.ts";
import { addressOf, unsupported } from "../lowering.ts";
import { FLOAT_BYTES, pitchOf, VECTOR_BYTES } from "../program.ts";
import { clampOf } from "./clamp.ts";
import { pixelSource } from "./window.ts";

export interface DepthwiseWeights {
  readonly geometry: ConvolutionGeometry;
  readonly data: Float32Array;
  readonly bias: Float32Array | undefined;
}

/** Windows are unrolled. */
const TAPS_MAX = 256;
/** Output pixels computed together: they share the loads of the weights. */
const PIXELS_TOGETHER = 2;

export function lowerDepthwise(
  lowering: Lowering,
  call: NodeCall,
  weights: DepthwiseWeights,
): void {
  const g = weights.geometry;
  if (g.kernelHeight * g.kernelWidth > TAPS_MAX) unsupported(call.node, "the window is too large");
  const { padTop: top, padLeft: left, padBottom: bottom, padRight: right } = g;
  const source = pixelSource(
    lowering,
    { name: call.node.inputs[0]!, shape: call.shapes[0]! },
    { border: { top, left, bottom, right }, compact: false },
  );
  const pitch = pitchOf([1, g.outChannels]);
  const packed = lowering.image(packDepthwise(weights, pitch));
  const output = lowering.write(call.node.outputs[0]!, "pixels");
  const [low, high] = clampOf(call);
  const shape: LineShape = {
    offsets: tapOffsets(g, source.lineBytes, source.pixelBytes),
    columns: g.outWidth,
    columnBytes: g.strideX * source.pixelBytes,
    pixelBytes: pitch * FLOAT_BYTES,
  };
  lowering.emit((f) => {
    const kernel = lineKernel(lowering, shape);
    const a = f.local("i32");
    const out = f.local("i32");
    for (let image = 0; image < g.batch; image++) {
      source.prepare(f, image);
      f.set(a, addressOf(source.buffer) + image * source.imageBytes);
      f.set(out, outputLine(output, g, image));
      f.forRange(f.local("i32"), { begin: 0, end: g.outHeight, step: 1 }, () => {
        f.call(kernel, a, out, addressOf(packed), f32(low), f32(high));
        f.increment(a, g.strideY * source.lineBytes);
        f.increment(out, g.outWidth * shape.pixelBytes);
      });
    }
  });
}

function outputLine(output: Buffer, g: ConvolutionGeometry, image: number): number {
  const pixels = image * g.outHeight * g.outWidth;
  return addressOf(output) + pixels * pitchOf([1, g.outChannels]) * FLOAT_BYTES;
}

/** Bias, then one pixel of weights per tap. */
function packDepthwise(weights: DepthwiseWeights, pitch: number): Uint8Array {
  const { geometry: g, data, bias } = weights;
  const taps = g.kernelHeight * g.kernelWidth;
  const packed = new Float32Array((1 + taps) * pitch);
  for (let channel = 0; channel < g.outChannels; channel++) {
    packed[channel] = bias?.[channel] ?? 0;
    for (let tap = 0; tap < taps; tap++) {
      packed[(1 + tap) * pitch + channel] = data[channel * taps + tap] ?? 0;
    }
  }
  return new Uint8Array(packed.buffer);
}

/** Byte offsets of a window's taps, one list per kernel row. */
function tapOffsets(g: ConvolutionGeometry, lineBytes: number, pixelBytes: number): number[][] {
  return Array.from({ length: g.kernelHeight }, (_, ky) =>
    Array.from(
      { length: g.kernelWidth },
      (_, kx) => ky * g.dilationY * lineBytes + kx * g.dilationX * pixelBytes,
    ),
  );
}

interface LineShape {
  readonly offsets: readonly (readonly number[])[];
  readonly columns: number;
  /** Bytes in the source from one output column to the next. */
  readonly columnBytes: number;
  readonly pixelBytes: number;
}

type LineKernel = FunctionHandle<readonly ["i32", "i32", "i32", "f32", "f32"], "none">;

/** One line of the output; specialised for the shape, so that all taps are constant offsets. */
function lineKernel(lowering: Lowering, shape: LineShape): LineKernel {
  const { columns, columnBytes, pixelBytes } = shape;
  const name = `depthwise_${columns}_${columnBytes}_${pixelBytes}_${shape.offsets.flat().join("_")}`;
  const parameters = ["i32", "i32", "i32", "f32", "f32"] as const;
  return lowering.kernel(name, () =>
    lowering.module.function({ name, parameters }, (f, [a, out, weights, low, high]) => {
      const clamp = { low: f.local("v128"), high: f.local("v128") };
      f.set(clamp.low, op("f32x4.splat", low));
      f.set(clamp.high, op("f32x4.splat", high));
      const line = { a, out, weights, clamp, shape };
      const together = Math.floor(columns / PIXELS_TOGETHER);
      if (together > 0) {
        f.forRange(f.local("i32"), { begin: 0, end: together, step: 1 }, () => {
          emitPixels(f, line, PIXELS_TOGETHER);
          f.increment(a, PIXELS_TOGETHER * columnBytes);
          f.increment(out, PIXELS_TOGETHER * pixelBytes);
        });
      }
      if (columns % PIXELS_TOGETHER > 0) emitPixels(f, line, columns % PIXELS_TOGETHER);
    }),
  );
}

interface Line {
  readonly a: Local<"i32">;
  readonly out: Local<"i32">;
  readonly weights: Local<"i32">;
  readonly clamp: { readonly low: Local<"v128">; readonly high: Local<"v128"> };
  readonly shape: LineShape;
}

function emitPixels(f: FunctionBuilder, line: Line, pixels: number): void {
  const { shape, weights, clamp } = line;
  const { offsets, columnBytes, pixelBytes } = shape;
  const channel = f.local("i32");
  const [from, weight, to] = [f.local("i32"), f.local("i32"), f.local("i32")];
  const sums = Array.from({ length: pixels }, () => f.local("v128"));
  const factor = f.local("v128");
  f.forRange(channel, { begin: 0, end: pixelBytes, step: VECTOR_BYTES }, () => {
    f.set(from, op("i32.add", line.a, channel));
    f.set(weight, op("i32.add", weights, channel));
    f.set(to, op("i32.add", line.out, channel));
    for (const sum of sums) f.set(sum, load("v128.load", weight));
    offsets.flat().forEach((offset, tap) => {
      f.set(factor, load("v128.load", at(weight, (1 + tap) * pixelBytes)));
      sums.forEach((sum, pixel) => {
        const value = load("v128.load", at(from, offset + pixel * columnBytes));
        f.set(sum, op("f32x4.add", sum, op("f32x4.mul", factor, value)));
      });
    });
    sums.forEach((sum, pixel) =>
      f.store("v128.store", at(to, pixel * pixelBytes), clamped(sum, clamp)),
    );
  });
}
