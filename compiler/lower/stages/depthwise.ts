/** Convolutions with one filter a channel on the vector contexts. */
import type { ConvolutionGeometry } from "../../ir/ops/convolution.ts";
import { linear } from "../emitter.ts";
import type { MatrixNode } from "./matrix.ts";
import type { Stage, Work } from "../stage.ts";
import { tileSegments } from "./segments.ts";
import { tapsOf, vectorGeometry, vectorHaloOf, inputRowsOf, windowAt } from "./window.ts";

/** Taps whose weights fit the registers beside everything else. */
const REGISTER_TAPS = 9;
/** An hvx.run has at most 32 operands; four are not weights. */
export const DEPTHWISE_TAPS_MAX = 28;
const CHANNEL_WORD_BYTES = 128;
const CHANNEL_BYTES = 32;

/** Each input channel makes exactly one output channel, by a window that the vector code can hold. */
export function isDepthwise(g: ConvolutionGeometry): boolean {
  const taps = g.kernelHeight * g.kernelWidth;
  return g.groups === g.inChannels && g.groups === g.outChannels && taps <= DEPTHWISE_TAPS_MAX;
}

export function depthwiseStage(from: MatrixNode): Stage {
  const geometry = vectorGeometry(from.geometry);
  const halo = vectorHaloOf(from.geometry, from.inputGrid, from.requantization.zeroPointIn);
  return {
    node: from.node,
    inputs: [from.input],
    output: from.output,
    rows: from.outputGrid.rows,
    unitRows: 1,
    inputRows: (_, rows) => inputRowsOf(geometry, from.inputGrid, rows),
    views: [{ input: 0, halo }],
    chunks: [
      { bytes: tileBytes(from.geometry) * from.outputGrid.tiles, pack: () => packConstants(from) },
    ],
    scratchBytes: 0,
    follows: false,
    emit: (work) => emitDepthwise(from, work),
  };
}

/** Per channel tile: 32 biases, 32 multipliers, then 32 weights a tap. */
function tileBytes(g: ConvolutionGeometry): number {
  const weights = g.kernelHeight * g.kernelWidth * CHANNEL_BYTES;
  return Math.ceil((2 * CHANNEL_WORD_BYTES + weights) / 128) * 128;
}

function packConstants(from: MatrixNode): Uint8Array {
  const { geometry: g, requantization } = from;
  const bytes = new Uint8Array(tileBytes(g) * from.outputGrid.tiles);
  const view = new DataView(bytes.buffer);
  const taps = g.kernelHeight * g.kernelWidth;
  for (let channel = 0; channel < g.outChannels; channel++) {
    const lane = channel % 32;
    const tile = Math.floor(channel / 32) * tileBytes(g);
    let sum = 0;
    for (let tap = 0; tap < taps; tap++) {
      const weight = from.weights[channel * taps + tap] ?? 0;
      sum += weight;
      view.setInt8(tile + 2 * CHANNEL_WORD_BYTES + tap * CHANNEL_BYTES + lane, weight);
    }
    const bias = ((from.bias?.[channel] ?? 0) - requantization.zeroPointIn * sum) | 0;
    view.setInt32(tile + 4 * lane, bias, true);
    const multiplier = requantization.multipliers[channel] ?? 0;
    view.setFloat32(tile + CHANNEL_WORD_BYTES + 4 * lane, multiplier, true);
  }
  return bytes;
}

/** Packets of a vector: one load a packet, two for taps that lie across two vectors, one for each weight out of registers. */
export function vectorCycles(g: ConvolutionGeometry): number {
  const taps = g.kernelHeight * g.kernelWidth;
  const loads = g.strideX === 1 ? 2 : 1 + g.strideX;
  return taps * (taps <= REGISTER_TAPS ? loads : loads + 1);
}

function emitDepthwise(from: MatrixNode, work: Work): void {
  const { geometry: g, requantization, outputGrid } = from;
  const tap = tapsOf(g);
  const { low, high, zeroPointOut } = requantization;
  const shape = {
    counts: { taps: tap.length, clamp: low > -128 || high < 127 ? 1 : 0 },
    parameters: { tap, zero_y: zeroPointOut, low, high },
  };
  const kernel = tap.length <= REGISTER_TAPS ? "depthwise_i8" : "depthwise_large_i8";
  const { first: row } = work.rows;
  const cyclesPerVector = vectorCycles(g);
  const { contexts } = work.emit;
  for (const segment of tileSegments(outputGrid, row, { contexts, cyclesPerVector })) {
    const { tile, column } = segment;
    const constants = work.constants + tile * tileBytes(g);
    const weights = constants + 2 * CHANNEL_WORD_BYTES;
    work.emit.vector({
      kernel,
      shape,
      operands: {
        x: windowAt(g, work.table(0), { row, tile, column }),
        weights: tap.map((_, index) => linear(weights + index * CHANNEL_BYTES)),
        bias: linear(constants),
        multipliers: linear(constants + CHANNEL_WORD_BYTES),
        y: linear(work.output.offset(row, tile, column), 128),
      },
      vectors: segment.vectors,
      rows: segment.rows,
      columns: segment.columns,
    });
  }
}
