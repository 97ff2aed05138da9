/** conv and conv_transpose: dense ones through the matrix kernel, depthwise ones directly. */
import { product } from "../../../../protocol/base/integers.ts";
import type { FunctionBuilder } from "../../../../protocol/wasm/function.ts";
import type { ConvolutionGeometry } from "../../../ir/ops/convolution.ts";
import { convGeometry, convTransposeGeometry } from "../../../ir/ops/convolution.ts";
import type { Buffer, Lowering, NodeCall } from "../lowering.ts";
import { addressOf, unsupported } from "../lowering.ts";
import type { Packing } from "../pack.ts";
import { packWeights, packingOf } from "../pack.ts";
import { FLOAT_BYTES, pitchOf, VECTOR_FLOATS } from "../program.ts";
import { clampOf } from "./clamp.ts";
import { lowerDepthwise } from "./depthwise.ts";
import { emitGemm } from "./gemm.ts";
import type { PixelSource } from "./window.ts";
import { pixelSource } from "./window.ts";

/** Groups that do not fill whole vectors are made dense up to this many weights. */
const DENSE_WEIGHTS_MAX = 1 << 26;

/** Weights [out, in/groups, taps] of a convolution, its groups already fit for the matrix kernel. */
interface Weights {
  readonly data: Float32Array;
  readonly bias: Float32Array | undefined;
  readonly groups: number;
}

export function lowerConv(lowering: Lowering, call: NodeCall): void {
  const geometry = convGeometry(asOperands(call));
  const { groups, inChannels, outChannels } = geometry;
  const data = constantInput(lowering, call, 1);
  const bias = call.node.inputs[2] ? constantInput(lowering, call, 2) : undefined;
  if (groups > 1 && groups === inChannels && outChannels === groups) {
    return lowerDepthwise(lowering, call, { geometry, data, bias });
  }
  const weights = fitGroups(call, geometry, { data, bias, groups });
  const taps = geometry.kernelHeight * geometry.kernelWidth;
  const { padTop: top, padLeft: left, padBottom: bottom, padRight: right } = geometry;
  const input = { name: call.node.inputs[0]!, shape: call.shapes[0]! };
  const source = pixelSource(lowering, input, {
    border: { top, left, bottom, right },
    compact: weights.groups === 1 && taps > 1,
  });
  const g = { ...geometry, groups: weights.groups };
  lowerDense(lowering, call, { geometry: g, weights, source, phases: [forwardPhase(g, source)] });
}

export function lowerConvTranspose(lowering: Lowering, call: NodeCall): void {
  const geometry = convTransposeGeometry(asOperands(call));
  const data = outputMajor(constantInput(lowering, call, 1), geometry);
  const bias = call.node.inputs[2] ? constantInput(lowering, call, 2) : undefined;
  const weights = fitGroups(call, geometry, { data, bias, groups: geometry.groups });
  const g = { ...geometry, groups: weights.groups };
  const vertical = transposedAxis(g, "Y");
  const horizontal = transposedAxis(g, "X");
  const source = pixelSource(
    lowering,
    { name: call.node.inputs[0]!, shape: call.shapes[0]! },
    {
      border: {
        top: vertical.before,
        bottom: vertical.after,
        left: horizontal.before,
        right: horizontal.after,
      },
      compact: false,
    },
  );
  const phases = vertical.phases.flatMap((y) =>
    horizontal.phases.map((x) => transposedPhase(g, source, { y, x, vertical, horizontal })),
  );
  lowerDense(lowering, call, { geometry: g, weights, source, phases });
}

/** Output positions that share one set of taps; a plain convolution has a single phase. */
interface Phase {
  readonly lines: number;
  readonly rows: number;
  readonly outLine: number;
  readonly outColumn: number;
  /** Distance between output positions of the phase. */
  readonly stepY: number;
  readonly stepX: number;
  /** Distance in the source between neighbouring positions, bytes. */
  readonly aLine: number;
  readonly aRow: number;
  /** Segment offsets in bytes from the position's start in the source. */
  readonly offsets: readonly number[];
  readonly segmentFloats: number;
  /** The taps that the segments hold, in their order. */
  readonly taps: readonly number[];
}

function forwardPhase(g: ConvolutionGeometry, source: PixelSource): Phase {
  const perGroup = g.inChannels / g.groups;
  const wholeRows = source.compact && g.groups === 1 && g.dilationX === 1;
  const columns = wholeRows ? [0] : [...Array(g.kernelWidth).keys()];
  const offsets = [...Array(g.kernelHeight).keys()].flatMap((ky) =>
    columns.map((kx) => ky * g.dilationY * source.lineBytes + kx * g.dilationX * source.pixelBytes),
  );
  // One line when neighbouring rows of the output also read neighbouring pixels.
  const flat =
    g.kernelHeight * g.kernelWidth === 1 &&
    g.strideX === 1 &&
    g.strideY === 1 &&
    source.lineBytes === g.outWidth * source.pixelBytes;
  return {
    lines: flat ? 1 : g.outHeight,
    rows: flat ? g.outHeight * g.outWidth : g.outWidth,
    outLine: 0,
    outColumn: 0,
    stepY: 1,
    stepX: 1,
    aLine: g.strideY * source.lineBytes,
    aRow: g.strideX * source.pixelBytes,
    offsets,
    segmentFloats: wholeRows ? g.kernelWidth * perGroup : perGroup,
    taps: [...Array(g.kernelHeight * g.kernelWidth).keys()],
  };
}

interface TransposedPhaseAxis {
  readonly start: number;
  readonly count: number;
  /** Kernel positions that reach this phase, and the source position each reads for the first output. */
  readonly reads: readonly { readonly tap: number; readonly from: number }[];
}

interface TransposedAxis {
  readonly phases: readonly TransposedPhaseAxis[];
  /** Zeros needed around the source. */
  readonly before: number;
  readonly after: number;
}

/** Output o takes tap k from source position (o + pad - k * dilation) / stride, where that is whole. */
function transposedAxis(g: ConvolutionGeometry, axis: "X" | "Y"): TransposedAxis {
  const [stride, dilation, pad, kernel, size, from] =
    axis === "Y"
      ? [g.strideY, g.dilationY, g.padTop, g.kernelHeight, g.outHeight, g.inHeight]
      : [g.strideX, g.dilationX, g.padLeft, g.kernelWidth, g.outWidth, g.inWidth];
  const phases: TransposedPhaseAxis[] = [];
  for (let start = 0; start < Math.min(stride, size); start++) {
    const reads = [...Array(kernel).keys()]
      .map((tap) => ({ tap, from: (start + pad - tap * dilation) / stride }))
      .filter((read) => Number.isInteger(read.from));
    phases.push({ start, count: Math.ceil((size - start) / stride), reads });
  }
  const first = phases.flatMap((phase) => phase.reads.map((read) => read.from));
  const last = phases.flatMap((phase) => phase.reads.map((read) => read.from + phase.count - 1));
  return {
    phases,
    before: Math.max(0, ...first.map((position) => -position)),
    after: Math.max(0, ...last.map((position) => position - from + 1)),
  };
}

interface PhasePair {
  readonly y: TransposedPhaseAxis;
  readonly x: TransposedPhaseAxis;
  readonly vertical: TransposedAxis;
  readonly horizontal: TransposedAxis;
}

function transposedPhase(g: ConvolutionGeometry, source: PixelSource, pair: PhasePair): Phase {
  const { y, x, vertical, horizontal } = pair;
  const reads = y.reads.flatMap((row) =>
    x.reads.map((column) => ({
      tap: row.tap * g.kernelWidth + column.tap,
      offset:
        (row.from + vertical.before) * source.lineBytes +
        (column.from + horizontal.before) * source.pixelBytes,
    })),
  );
  return {
    lines: y.count,
    rows: x.count,
    outLine: y.start,
    outColumn: x.start,
    stepY: g.strideY,
    stepX: g.strideX,
    aLine: source.lineBytes,
    aRow: source.pixelBytes,
    offsets: reads.length === 0 ? [0] : reads.map((read) => read.offset),
    segmentFloats: g.inChannels / g.groups,
    taps: reads.length === 0 ? [-1] : reads.map((read) => read.tap),
  };
}

interface Dense {
  readonly geometry: ConvolutionGeometry;
  readonly weights: Weights;
  readonly source: PixelSource;
  readonly phases: readonly Phase[];
}

interface PreparedPhase {
  readonly phase: Phase;
  readonly table: Buffer;
  readonly packing: Packing;
  readonly packed: readonly Buffer[];
}

function lowerDense(lowering: Lowering, call: NodeCall, dense: Dense): void {
  const { geometry, source, phases } = dense;
  const prepared = phases.map((phase) => preparePhase(lowering, dense, phase));
  const output = lowering.write(call.node.outputs[0]!, "pixels");
  const clamp = clampOf(call);
  lowering.emit((f) => {
    for (let image = 0; image < geometry.batch; image++) {
      source.prepare(f, image);
      for (const phase of prepared) {
        emitPhase(f, lowering, { ...phase, geometry, source, output, clamp, image });
      }
    }
  });
}

function preparePhase(lowering: Lowering, dense: Dense, phase: Phase): PreparedPhase {
  const { geometry: g, weights } = dense;
  const perGroup = g.inChannels / g.groups;
  const outPerGroup = g.outChannels / g.groups;
  const taps = g.kernelHeight * g.kernelWidth;
  // A phase that no tap reaches multiplies by weights beyond the data, that is, by zero.
  const nowhere = weights.data.length;
  const depthOffsets = phase.taps.flatMap((tap) =>
    Array.from({ length: perGroup }, (_, c) => (tap < 0 ? nowhere : c * taps + tap)),
  );
  const packed = Array.from({ length: g.groups }, (_, group) => {
    const first = group * outPerGroup;
    const columnOffsets = Array.from(
      { length: outPerGroup },
      (_, column) => (first + column) * perGroup * taps,
    );
    const { data, bias } = weights;
    return lowering.image(
      packWeights({ data, bias, depthOffsets, columnOffsets, biasStart: first }),
    );
  });
  const table = lowering.image(new Uint8Array(Int32Array.from(phase.offsets).buffer));
  return { phase, table, packing: packingOf(outPerGroup, depthOffsets.length), packed };
}

interface PhaseEmission extends PreparedPhase {
  readonly geometry: ConvolutionGeometry;
  readonly source: PixelSource;
  readonly output: Buffer;
  readonly clamp: readonly [number, number];
  readonly image: number;
}

function emitPhase(f: FunctionBuilder, lowering: Lowering, emission: PhaseEmission): void {
  const { geometry: g, phase, source, packing, packed } = emission;
  const outPixel = pitchOf([1, g.outChannels]) * FLOAT_BYTES;
  const outLine = g.outWidth * outPixel;
  const firstOut = (emission.image * g.outHeight + phase.outLine) * outLine;
  packed.forEach((weights, group) => {
    const aOffset = group * (g.inChannels / g.groups) * FLOAT_BYTES;
    const outOffset = group * packing.columns * FLOAT_BYTES + phase.outColumn * outPixel;
    emitGemm(f, lowering, {
      a: addressOf(source.buffer) + emission.image * source.imageBytes + aOffset,
      out: addressOf(emission.output) + firstOut + outOffset,
      weights: addressOf(weights),
      packing,
      lines: { count: phase.lines, aStep: phase.aLine, outStep: phase.stepY * outLine },
      rows: { count: phase.rows, aStep: phase.aRow, outStep: phase.stepX * outPixel },
      segments: {
        table: addressOf(emission.table),
        count: phase.offsets.length,
        bytes: phase.segmentFloats * FLOAT_BYTES,
      },
      clamp: emission.clamp,
    });
  });
}

/** Keeps groups of whole vectors; others become one dense group, zero outside its diagonal. */
function fitGroups(call: NodeCall, g: ConvolutionGeometry, weights: Weights): Weights {
  const { groups } = weights;
  const outPerGroup = g.outChannels / groups;
  if (groups === 1 || outPerGroup % VECTOR_FLOATS === 0) return weights;
  const perGroup = g.inChannels / groups;
  const taps = g.kernelHeight * g.kernelWidth;
  const count = g.outChannels * g.inChannels * taps;
  if (count > DENSE_WEIGHTS_MAX) unsupported(call.node, `${groups} groups of ${outPerGroup}`);
  const data = new Float32Array(count);
  for (let out = 0; out < g.outChannels; out++) {
    const group = Math.floor(out / outPerGroup);
    const from = weights.data.subarray(out * perGroup * taps, (out + 1) * perGroup * taps);
    data.set(from, (out * g.inChannels + group * perGroup) * taps);
  }
  return { data, bias: weights.bias, groups: 1 };
}

/** Weights [in, out/groups, taps] as [out, in/groups, taps]. */
function outputMajor(data: Float32Array, g: ConvolutionGeometry): Float32Array {
  const taps = g.kernelHeight * g.kernelWidth;
  const perGroup = g.inChannels / g.groups;
  const outPerGroup = g.outChannels / g.groups;
  const turned = new Float32Array(product([g.outChannels, perGroup, taps]));
  for (let input = 0; input < g.inChannels; input++) {
    const group = Math.floor(input / perGroup);
    for (let out = 0; out < outPerGroup; out++) {
      const from = (input * outPerGroup + out) * taps;
      const to = ((group * outPerGroup + out) * perGroup + (input % perGroup)) * taps;
      turned.set(data.subarray(from, from + taps), to);
    }
  }
  return turned;
}

function constantInput(lowering: Lowering, call: NodeCall, position: number): Float32Array {
  const name = call.node.inputs[position] ?? "";
  return lowering.constant(name) ?? unsupported(call.node, "computed weights");
}

/** The operands as the geometry rules of the ops table take them. */
export function asOperands(call: NodeCall): Parameters<typeof convGeometry>[0] {
  const inputs = call.shapes.map((shape) => shape && ({ dtype: "f32", shape } as const));
  return { inputs, attributes: call.attributes };
}
