/** max_pool, average_pool and global_average_pool. */
import {
  differenceFactor,
  fixedWindowCount,
  meanMultiplier,
  meanNumbers,
  poolGeometry,
} from "../../ir/index.ts";
import type { PoolGeometry } from "../../ir/index.ts";
import { unsupported } from "../failure.ts";
import { storedEncoding } from "../encoding.ts";
import type { NodeContext } from "./context.ts";
import { filledOutside } from "./filled.ts";
import {
  AVERAGE_TAPS_MAX,
  averagePoolStage,
  globalAverageStage,
  LOWEST,
  maxPoolStage,
  realMean,
  STORED_COUNT_MAX,
  storedAverageStage,
  storedMean,
} from "../stages/pool.ts";
import { readsOutside } from "../stages/window.ts";

/** Micro-ops of one run bound the taps of a window. */
const MAX_TAPS_MAX = 200;

function frame(context: NodeContext) {
  const input = context.image(0);
  const output = context.output();
  return {
    node: context.node.name,
    input,
    output,
    inputGrid: context.grid(input),
    outputGrid: context.grid(output),
    zeroPointIn: storedEncoding(context.type(0)).zeroPoint,
    zeroPointOut: storedEncoding(context.outputType).zeroPoint,
  };
}

function checkWindow(context: NodeContext, g: PoolGeometry, tapsMax: number): void {
  const wide = g.dilationX * (g.kernelWidth - 1) > 255 || g.strideX > 255 || g.strideY > 255;
  if (wide || g.kernelHeight * g.kernelWidth > tapsMax) {
    throw unsupported(context.node.name, `a ${g.kernelHeight}x${g.kernelWidth} window`);
  }
}

export function lowerMaxPool(context: NodeContext): void {
  const { attributes } = context;
  const geometry = poolGeometry({ inputs: [context.type(0)], attributes });
  checkWindow(context, geometry, MAX_TAPS_MAX);
  const from = frame(context);
  const { format } = from.inputGrid;
  // Where zero is the lowest value, lanes outside the image, which hold it, cannot win either.
  const isLowest =
    from.zeroPointIn === LOWEST[format.dtype] ||
    (format.dtype === "f16" && context.neverNegative(0));
  if (!readsOutside(geometry, format) || isLowest) {
    context.add(maxPoolStage({ ...from, geometry }));
    return;
  }
  // Padding never wins: lanes outside the image, which hold the zero point, are lowered in a copy.
  context.add(maxPoolStage({ ...filledOutside(context, from, LOWEST[format.dtype]), geometry }));
}

export function lowerAveragePool(context: NodeContext): void {
  const { attributes } = context;
  const geometry = poolGeometry({ inputs: [context.type(0)], attributes });
  checkWindow(context, geometry, AVERAGE_TAPS_MAX);
  const count = fixedWindowCount(geometry, attributes.number("count_include_pad") !== 0);
  if (count === undefined) {
    throw unsupported(context.node.name, "a mean over windows of different sizes");
  }
  const [from, to] = [storedEncoding(context.type(0)), storedEncoding(context.outputType)];
  const node = { ...frame(context), geometry };
  context.add(averagePoolStage(node, meanMultiplier(from, to, count)));
}

export function lowerGlobalAverage(context: NodeContext): void {
  const [from, to] = [storedEncoding(context.type(0)), storedEncoding(context.outputType)];
  const node = frame(context);
  const count = node.inputGrid.height * node.inputGrid.width;
  context.add(globalAverageStage(node, realMean(node, meanMultiplier(from, to, count))));
}

/** Means of stored numbers: of the whole image, or over what of each window lies in it. */
export function lowerStoredAverage(context: NodeContext): void {
  const { node, attributes } = context;
  const geometry = poolGeometry({ inputs: [context.type(0)], attributes });
  const count = geometry.kernelHeight * geometry.kernelWidth;
  const origin = attributes.number("origin");
  requireBytes(context);
  if (count > STORED_COUNT_MAX) throw unsupported(node.name, `a mean of ${count} stored numbers`);
  if (isWhole(geometry)) {
    return context.add(globalAverageStage(frame(context), storedMean(count, origin)));
  }
  checkWindow(context, geometry, AVERAGE_TAPS_MAX);
  const from = { ...frame(context), geometry };
  const varying = fixedWindowCount(geometry, false) === undefined;
  if (!varying || from.zeroPointIn === origin || !readsOutside(geometry, from.inputGrid.format)) {
    return context.add(storedAverageStage(from, origin, varying));
  }
  // Padding counts for nothing: lanes outside the image, which hold the zero point, get the origin in a copy.
  const filled = { ...filledOutside(context, from, origin), geometry };
  context.add(storedAverageStage(filled, origin, varying));
}

/** One window that is the image. */
function isWhole(g: PoolGeometry): boolean {
  const isImage = g.kernelHeight === g.inHeight && g.kernelWidth === g.inWidth;
  return isImage && g.padTop === 0 && g.padLeft === 0 && g.outHeight === 1 && g.outWidth === 1;
}

export function lowerStoredMean(context: NodeContext): void {
  const { node, attributes, outputType } = context;
  const type = context.type(0);
  const axes = attributes.numbers("axes").map((axis) => (axis < 0 ? axis + 4 : axis));
  const isSpatial = axes.length === 2 && axes.includes(2) && axes.includes(3);
  requireBytes(context);
  if (type.shape.length !== 4 || !isSpatial) {
    throw unsupported(node.name, "a mean over other axes than an image's");
  }
  if (attributes.text("rule") === "differences") {
    const image = frame(context);
    return context.add(
      globalAverageStage(image, realMean(image, differenceFactor(type, outputType))),
    );
  }
  const origin = attributes.number("origin");
  const parameters = { ...meanNumbers({ attributes }, { from: type, to: outputType }), origin };
  const mean = { kernel: "fixed_mean_finish_i8", parameters, origin } as const;
  context.add(globalAverageStage(frame(context), mean));
}

function requireBytes({ node, outputType }: NodeContext): void {
  if (outputType.dtype !== "i8") throw unsupported(node.name, `${node.op} on ${outputType.dtype}`);
}
