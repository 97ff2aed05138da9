/**
 * Convolutions with one filter a channel: on the vector contexts, and on the matrix engine with tiles whose
 * only weights lie on the diagonal. Both can share one layer, crouton rows of channel tiles alternating.
 */
import { WEIGHT_TILE_BYTES } from "../../../protocol/isa/index.ts";
import type { SocDescription } from "../../../protocol/isa/index.ts";
import type { ConvolutionGeometry } from "../../ir/index.ts";
import { linear, vtcm } from "../emitter.ts";
import type { Emitter } from "../emitter.ts";
import { LANE_WORDS_BYTES } from "../format.ts";
import { emitCrouton, matrixCroutonCycles } from "./matrix.ts";
import type { MatrixNode } from "./matrix-node.ts";
import { ROW_BY_ROW } from "../stage.ts";
import type { Stage, Work } from "../stage.ts";
import { clampCount, clampParameters } from "./clamp.ts";
import { PRODUCTS } from "./product-format.ts";
import { outputAt, runOf, tileSegments } from "./segments.ts";
import type { Segment } from "./segments.ts";
import { tapsOf, vectorGeometry, vectorHaloOf, inputRowsOf, windowAt } from "./window.ts";

/** Taps whose weights fit the registers beside everything else. */
const REGISTER_TAPS = 9;
/** An hvx.run has at most 32 operands; four are not weights. */
const TAPS_MAX = 28;
/** Per tap on the diagonal: 16 pairs of channels, each four bytes of which the middle two are zero. */
const DIAGONAL_BYTES = 64;
/** Two diagonal weights of neighbouring channels lie this far from the next two. */
const DIAGONAL_PITCH = 68;

/** Each input channel makes exactly one output channel, by a window that the vector code can hold. */
export function isDepthwise(g: ConvolutionGeometry): boolean {
  return g.groups === g.inChannels && g.groups === g.outChannels && tapCount(g) <= TAPS_MAX;
}

function tapCount(g: ConvolutionGeometry): number {
  return g.kernelHeight * g.kernelWidth;
}

/** `matrixShare` of the work, from 0 to 1, goes to the matrix engine. */
export function depthwiseStage(from: MatrixNode, matrixShare: number): Stage {
  const geometry = vectorGeometry(from.geometry, from.inputGrid.format);
  const halo = vectorHaloOf(from.geometry, from.inputGrid, from.requantization.zeroPointIn);
  const tiles = from.outputGrid.tiles;
  const bytes = tileBytes(from) * tiles;
  const sparse = {
    bytes: tiles * tapCount(from.geometry) * WEIGHT_TILE_BYTES,
    spread: (emit: Emitter, constants: number, at: number) =>
      spreadDiagonals(from, { emit, constants, at }),
  };
  return {
    ...ROW_BY_ROW,
    node: from.node,
    inputs: [from.input],
    output: from.output,
    rows: from.outputGrid.rows,
    inputRows: (_, rows) => inputRowsOf(geometry, from.inputGrid, rows),
    views: [{ input: 0, halo }],
    chunks: [{ bytes, pack: () => packConstants(from) }],
    ...(matrixShare > 0 ? { sparse } : {}),
    follows: false,
    emit: (work) => emitDepthwise(from, matrixShare, work),
  };
}

/** Per channel tile: 32 biases, 32 multipliers, then per tap 32 weights, then per tap its diagonal. */
function tileBytes(from: Depthwise): number {
  const weights = tapCount(from.geometry) * (channelBytes(from) + DIAGONAL_BYTES);
  return Math.ceil((2 * LANE_WORDS_BYTES + weights) / 128) * 128;
}

type Depthwise = Pick<MatrixNode, "geometry" | "outputGrid">;

/** One tap's weights of a channel tile: fp16 for fp16, int8 for the others. */
function channelBytes({ outputGrid }: Depthwise): number {
  return 32 * PRODUCTS[outputGrid.format.dtype].weightBytes;
}

function diagonalsAt(from: Depthwise): number {
  return 2 * LANE_WORDS_BYTES + tapCount(from.geometry) * channelBytes(from);
}

function packConstants(from: MatrixNode): Uint8Array {
  const { geometry: g, requantization } = from;
  const bytes = new Uint8Array(tileBytes(from) * from.outputGrid.tiles);
  const view = new DataView(bytes.buffer);
  const taps = tapCount(g);
  const isHalf = from.outputGrid.format.dtype === "f16";
  for (let channel = 0; channel < g.outChannels; channel++) {
    const lane = channel % 32;
    const tile = Math.floor(channel / 32) * tileBytes(from);
    const diagonal = tile + diagonalsAt(from) + (lane >> 1) * 4 + (lane & 1) * 3;
    let sum = 0;
    const firstWeight = tile + 2 * LANE_WORDS_BYTES;
    for (let tap = 0; tap < taps; tap++) {
      const weight = from.weights[channel * taps + tap] ?? 0;
      sum += weight - from.weightZero;
      if (isHalf) view.setUint16(firstWeight + tap * 64 + 2 * lane, weight, true);
      else {
        view.setInt8(firstWeight + tap * 32 + lane, weight);
        view.setInt8(diagonal + tap * DIAGONAL_BYTES, weight);
      }
    }
    const bias = from.bias?.[channel] ?? 0;
    if (isHalf) view.setFloat32(tile + 4 * lane, bias + 0, true);
    else view.setInt32(tile + 4 * lane, (bias - requantization.zeroPointIn * sum) | 0, true);
    const multiplier = requantization.multipliers[channel] ?? 0;
    view.setFloat32(tile + LANE_WORDS_BYTES + 4 * lane, multiplier, true);
  }
  return bytes;
}

/** Weight (c, c) lies at byte (c div 2) * 64 + 2 c + (c mod 2) of its tile: 0, 3, 68, 71, 136, … */
function spreadDiagonals(
  from: MatrixNode,
  to: { readonly emit: Emitter; readonly constants: number; readonly at: number },
): void {
  const { geometry: g } = from;
  const taps = tapCount(g);
  for (let tile = 0; tile < from.outputGrid.tiles; tile++) {
    to.emit.copy("out", {
      source: vtcm(to.constants + tile * tileBytes(from) + diagonalsAt(from)),
      destination: vtcm(to.at + tile * taps * WEIGHT_TILE_BYTES),
      bytes: 4,
      rows: 16,
      sourceRowStride: 4,
      destinationRowStride: DIAGONAL_PITCH,
      planes: taps,
      sourcePlaneStride: DIAGONAL_BYTES,
      destinationPlaneStride: WEIGHT_TILE_BYTES,
    });
  }
}

function emitDepthwise(from: MatrixNode, matrixShare: number, work: Work): void {
  const { geometry: g, outputGrid } = from;
  const { first: row } = work.rows;
  const isMatrix = (tile: number): boolean => {
    const unit = row * outputGrid.tiles + tile;
    return Math.floor((unit + 1) * matrixShare) > Math.floor(unit * matrixShare);
  };
  const cost = { contexts: work.emit.contexts, cyclesPerVector: vectorCycles(g) };
  for (const segment of tileSegments(outputGrid, row, cost)) {
    if (isMatrix(segment.tile)) emitOnMatrix(from, work, segment);
    else emitOnVectors(from, work, segment);
  }
}

function emitOnMatrix(from: MatrixNode, work: Work, segment: Segment): void {
  const { geometry: g } = from;
  const { tile } = segment;
  const bias = work.constants + tile * tileBytes(from);
  const weights = work.sparseTiles + tile * tapCount(g) * WEIGHT_TILE_BYTES;
  const range = { begin: tile, count: 1 };
  for (let column = segment.column; column < segment.column + segment.croutons; column++) {
    const at = { row: work.rows.first, tile, column, set: column & 1, range, weights, bias };
    emitCrouton(from, work, at);
  }
}

function emitOnVectors(from: MatrixNode, work: Work, segment: Segment): void {
  const { geometry: g, requantization, weightZero } = from;
  const tap = tapsOf(g);
  const { dtype } = from.outputGrid.format;
  const { low, high, zeroPointOut } = requantization;
  const { tile, column } = segment;
  const { first: row } = work.rows;
  const constants = work.constants + tile * tileBytes(from);
  const weights = constants + 2 * LANE_WORDS_BYTES;
  work.emit.vector({
    kernel: `depthwise${tap.length <= REGISTER_TAPS ? "" : "_large"}_${dtype}`,
    shape: {
      counts: {
        taps: tap.length,
        asymmetric: weightZero === 0 ? 0 : 1,
        asymmetric_taps: weightZero === 0 ? 0 : tap.length,
        ...clampCount(dtype, requantization),
      },
      parameters: {
        ...{ tap, zero_y: zeroPointOut, minus_zero_w: -weightZero },
        ...clampParameters(dtype, { low, high }),
      },
    },
    operands: {
      x: windowAt(g, work.table(0), { row, tile, column }),
      weights: tap.map((_, index) => linear(weights + index * channelBytes(from))),
      bias: linear(constants),
      multipliers: linear(constants + LANE_WORDS_BYTES),
      y: outputAt(work, segment),
    },
    ...runOf(segment),
  });
}

/** Packets of a vector: one load each, two for taps that lie across two vectors, one more for a weight out of registers. */
function vectorCycles(g: ConvolutionGeometry): number {
  const rowLoads = g.strideX === 1 ? 2 * g.kernelWidth - 1 : (1 + g.strideX) * g.kernelWidth;
  const weightLoads = tapCount(g) <= REGISTER_TAPS ? 0 : tapCount(g);
  return 1 + g.kernelHeight * rowLoads + weightLoads;
}

/** What else the engines have to do around a depthwise convolution. */
export interface Neighbours {
  /** The matrix engine's time for the input: in an image of many rows the vector contexts work beside it. */
  readonly producerCycles: number;
  /** Whether a table follows, which the vector contexts look up. */
  readonly isLookedUp: boolean;
}

/** Packets of a table lookup, one vector. */
const LOOKUP_CYCLES = 6;

/** Share with which both engines end together. */
export function balancedShare(
  from: Pick<MatrixNode, "geometry" | "outputGrid">,
  neighbours: Neighbours,
  soc: SocDescription,
): number {
  const { geometry: g, outputGrid } = from;
  const croutons = outputGrid.rows * outputGrid.columns * outputGrid.tiles;
  const matrix = croutons * matrixCroutonCycles(tapCount(g), soc);
  const perVector = 16 * vectorCycles(g) + soc.hvx.latencyCycles;
  const vector = (croutons * perVector) / soc.hvx.queues;
  const beside = neighbours.producerCycles * (1 - 1 / outputGrid.rows);
  const lookup = (croutons * 16 * (neighbours.isLookedUp ? LOOKUP_CYCLES : 0)) / soc.hvx.queues;
  return Math.min(Math.max((vector + lookup - beside) / (vector + matrix), 0), 1);
}
