/** Convolutions of images whose rows are too large for VTCM: made in bands of columns, each from a copy of what it reads. */
import type { SocDescription } from "../../../protocol/isa/index.ts";
import { gridOf } from "../grid.ts";
import type { Grid } from "../grid.ts";
import { WHOLE_UNIT } from "../stage.ts";
import type { ValueId } from "../stage.ts";
import { BAND_ALIGNMENT, bandCutStage, bandJoinStage } from "../stages/bands.ts";
import { constantSizes, matrixStage } from "../stages/matrix.ts";
import type { MatrixNode } from "../stages/matrix-node.ts";
import type { NodeContext } from "./context.ts";
import { roomBytes, streamed, workingBytes } from "./streaming.ts";

export function isTooWide(from: MatrixNode, soc: SocDescription): boolean {
  return workingBytes(from) > roomBytes(soc) && from.outputGrid.columns > 1;
}

/** A range of output columns, and the input columns that it reads. */
interface Band {
  /** The input's column that is the first of the band's. */
  readonly start: number;
  readonly node: Pick<
    MatrixNode,
    "geometry" | "inputGrid" | "outputGrid" | "requantization" | "weights"
  >;
}

export function addInBands(context: NodeContext, from: MatrixNode): void {
  const { node, inputGrid, outputGrid, output } = from;
  const { zeroPointIn: zeroPoint, zeroPointOut } = from.requantization;
  const parts: { readonly value: ValueId; readonly grid: Grid }[] = [];
  for (const band of fewestBands(from, context.soc)) {
    const cut = context.temporary(band.node.inputGrid, zeroPoint);
    const { input } = from;
    const { start } = band;
    const grids = { inputGrid, outputGrid: band.node.inputGrid };
    context.add(bandCutStage({ node, input, output: cut, ...grids, start, zeroPoint }));
    const part = context.temporary(band.node.outputGrid, zeroPointOut);
    const product = { ...from, ...band.node, input: cut, output: part };
    const isWhole = wholeBytes(band.node) <= roomBytes(context.soc);
    const chunkBytes = context.options.weightChunkBytes;
    const whole = { ...product, chunkBytes, partRows: WHOLE_UNIT };
    context.add(matrixStage(isWhole ? whole : streamed(context, product)));
    parts.push({ value: part, grid: band.node.outputGrid });
  }
  const inputs = parts.map(({ value }) => value);
  const grids = parts.map(({ grid }) => grid);
  context.add(bandJoinStage({ node, inputs, grids, output, outputGrid }));
}

/** So many that each band and the largest part of the weights fit VTCM together, if any number does. */
function fewestBands(from: MatrixNode, soc: SocDescription): Band[] {
  const { columns } = from.outputGrid;
  for (let count = 2; count < columns; count++) {
    const bands = bandsOf(from, Math.ceil(columns / count));
    if (bands.every(({ node }) => wholeBytes(node) <= roomBytes(soc))) return bands;
  }
  return bandsOf(from, 1);
}

function wholeBytes(node: Band["node"]): number {
  const { inputGrid, outputGrid } = node;
  const images = inputGrid.rows * inputGrid.rowBytes + outputGrid.rows * outputGrid.rowBytes;
  return images + constantSizes(node).largest;
}

/** Bands of so many columns of croutons. */
function bandsOf(from: MatrixNode, croutons: number): Band[] {
  const { geometry: g, outputGrid } = from;
  const width = croutons * outputGrid.format.columns;
  const bands: Band[] = [];
  for (let first = 0; first < g.outWidth; first += width) {
    bands.push(bandOf(from, first, Math.min(width, g.outWidth - first)));
  }
  return bands;
}

/** The band of `width` output columns from `first` on. */
function bandOf(from: MatrixNode, first: number, width: number): Band {
  const { geometry: g, inputGrid, outputGrid } = from;
  const left = first * g.strideX - g.padLeft;
  const right = left + (width - 1) * g.strideX + (g.kernelWidth - 1) * g.dilationX;
  // Windows in the padding alone leave a band with the column next to it.
  const within = Math.min(Math.max(left, 0), g.inWidth - 1);
  const start = within - (within % BAND_ALIGNMENT);
  const inWidth = Math.min(Math.max(right, start) + 1, g.inWidth) - start;
  return {
    start,
    node: {
      requantization: from.requantization,
      weights: from.weights,
      // What the band begins with beyond its first window is padding taken away.
      geometry: { ...g, inWidth, outWidth: width, padLeft: start - left },
      inputGrid: gridOf({ ...shapeOf(inputGrid), width: inWidth }, inputGrid.format),
      outputGrid: gridOf({ ...shapeOf(outputGrid), width }, outputGrid.format),
    },
  };
}

function shapeOf({ height, channels, groupChannels }: Grid) {
  return { height, channels, groupChannels };
}
