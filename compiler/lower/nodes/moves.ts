/** reshape, transpose, concat, slice, gather and pad; and how a tensor is brought into the usual order. */
import { CROUTON_CHANNELS } from "../../../protocol/isa/index.ts";
import { activationOf, normalizeAxis, numeric, quantizeValue } from "../../ir/index.ts";
import type { Tensor, TensorType } from "../../ir/index.ts";
import {
  canonicalArrangement,
  channelAxisOf,
  permuted,
  positionsOf,
  regrouped,
  sameArrangement,
} from "../arrangement.ts";
import type { Arrangement, Factor } from "../arrangement.ts";
import { storedEncoding } from "../encoding.ts";
import { unsupported } from "../failure.ts";
import { gridOfShape, sameChannels, sameGrid, samePixels, withChannels } from "../grid.ts";
import type { Grid } from "../grid.ts";
import type { ValueId } from "../stage.ts";
import { concatStage, concatTilesStage, sliceTilesStage } from "../stages/copies.ts";
import { channelMoveStage, constantStage, packGrid, pixelMoveStage } from "../stages/moves.ts";
import type { Source } from "../stages/moves.ts";
import type { NodeContext, Placement } from "./context.ts";

/** What a move is told of the node that it works for. */
export type Mover = Pick<NodeContext, "node" | "add" | "temporary">;

/** Where each index of each axis of the result comes from. */
interface Move {
  readonly inputs: readonly Placement[];
  readonly shape: readonly number[];
  /** By axis; `input` is the same along all axes but one. */
  readonly axes: readonly (readonly (Source | undefined)[])[];
  readonly output: ValueId;
  readonly outputGrid: Grid;
  readonly fill: number;
  /** The zero point of the result. */
  readonly outside: number;
}

/** The same croutons under other axes. */
export function lowerRename(context: NodeContext): void {
  const { node, attributes, outputType } = context;
  const { value, arrangement } = context.placement(0);
  const after =
    node.op === "transpose"
      ? permuted(arrangement, attributes.numbers("perm"))
      : regrouped(arrangement, outputType.shape);
  if (after === undefined) throw unsupported(node.name, `a ${node.op} that moves elements`);
  context.alias(value, after);
}

export function lowerConcat(context: NodeContext): void {
  const { node, attributes, outputType } = context;
  const { shape } = outputType;
  const axis = normalizeAxis(attributes.number("axis"), shape.length);
  const alongChannels = axis === channelAxisOf(shape);
  const isKnown = node.inputs.every((_, input) => context.constant(input) === undefined);
  if (!alongChannels || !isKnown) return lowerMovedConcat(context);
  const inputs = node.inputs.map((_, input) => context.image(input));
  const grids = inputs.map((value) => context.grid(value));
  const aligned = grids.slice(0, -1).every(({ channels }) => channels % 32 === 0);
  const inPlace = context.options.concatInPlace && aligned;
  const canEmbed = inPlace && new Set(inputs).size === inputs.length;
  const isWide = context.outputGrid.format.bytes === 2;
  if (isWide && !aligned) return lowerMovedConcat(context);
  const output = context.output();
  if (canEmbed && embedParts(context, inputs, output)) return;
  const outputGrid = context.grid(output);
  const stage = isWide ? concatTilesStage : concatStage;
  context.add(stage({ node: node.name, inputs, grids, output, outputGrid }));
}

/** All parts or none: a part that lies elsewhere has to be copied, and then the rest may be as well. */
function embedParts(context: NodeContext, inputs: readonly number[], output: number): boolean {
  if (!inputs.every((value) => context.canEmbed(value))) return false;
  let tileOffset = 0;
  for (const value of inputs) {
    context.embed(value, { value: output, tileOffset });
    tileOffset += context.grid(value).tiles;
  }
  return true;
}

function identity(size: number): Source[] {
  return Array.from({ length: size }, (_, at) => ({ input: 0, at }));
}

export function lowerSlice(context: NodeContext): void {
  if (lowerSliceOfTiles(context)) return;
  const { attributes, outputType } = context;
  const [starts, steps] = [attributes.numbers("starts"), attributes.numbers("steps")];
  const axes = outputType.shape.map((size, axis) =>
    identity(size).map(({ at }) => ({
      input: 0,
      at: (starts[axis] ?? 0) + at * (steps[axis] ?? 1),
    })),
  );
  moveOne(context, axes, storedEncoding(outputType).zeroPoint);
}

/** By indices in a row that are known. */
export function lowerGather(context: NodeContext): void {
  const { node, attributes, outputType } = context;
  const indices = context.constant(1);
  if (indices?.type.shape.length !== 1) throw unsupported(node.name, "indices of this kind");
  const { shape } = context.type(0);
  const along = normalizeAxis(attributes.number("axis"), shape.length) ?? 0;
  const size = shape[along] ?? 1;
  const picked = Array.from(numeric(indices), (at) => ({ input: 0, at: at < 0 ? at + size : at }));
  const axes = outputType.shape.map((count, axis) => (axis === along ? picked : identity(count)));
  moveOne(context, axes, storedEncoding(outputType).zeroPoint);
}

/** Whole channel tiles next to each other are copied as they lie. */
function lowerSliceOfTiles(context: NodeContext): boolean {
  const { node, attributes, outputType } = context;
  const { shape } = context.type(0);
  const { value: input, grid: inputGrid, arrangement } = context.placement(0);
  const channelAxis = channelAxisOf(shape);
  const begin = attributes.numbers("starts")[channelAxis] ?? 0;
  const isTiles =
    begin % CROUTON_CHANNELS === 0 &&
    attributes.numbers("steps").every((step) => step === 1) &&
    shape.every((size, axis) => axis === channelAxis || size === outputType.shape[axis]) &&
    sameArrangement(arrangement, canonicalArrangement(shape, inputGrid));
  const { rows, columns, width } = context.outputGrid;
  const isEqual =
    rows === inputGrid.rows && columns === inputGrid.columns && width === inputGrid.width;
  if (!isTiles || !isEqual) return false;
  const output = context.output();
  const outputGrid = context.grid(output);
  const tileOffset = begin / CROUTON_CHANNELS;
  context.add(sliceTilesStage({ node: node.name, input, output, outputGrid, tileOffset }));
  return true;
}

export function lowerPad(context: NodeContext): void {
  const { node, attributes, outputType } = context;
  if (attributes.text("mode") !== "constant") throw unsupported(node.name, "padding by elements");
  if (node.inputs.length > 1) throw unsupported(node.name, "padding by a computed value");
  const before = attributes.numbers("before");
  const { shape } = context.type(0);
  const axes = outputType.shape.map((size, axis) =>
    Array.from({ length: size }, (_, index): Source | undefined => {
      const at = index - (before[axis] ?? 0);
      return at >= 0 && at < (shape[axis] ?? 0) ? { input: 0, at } : undefined;
    }),
  );
  const value = attributes.number("value");
  const { dtype } = outputType;
  moveOne(
    context,
    axes,
    dtype === "f16"
      ? value
      : quantizeValue(value, storedEncoding(outputType), activationOf(outputType)),
  );
}

function moveOne(context: NodeContext, axes: Move["axes"], fill: number): void {
  const inputs = [context.placement(0)];
  const output = context.output();
  const { shape } = context.outputType;
  const { zeroPoint: outside } = storedEncoding(context.outputType);
  const outputGrid = context.grid(output);
  move(context, { inputs, shape, axes, output, outputGrid, fill, outside });
}

/** Concatenation by moving everything, along any axis. */
function lowerMovedConcat(context: NodeContext): void {
  const { node, attributes, outputType } = context;
  const { shape } = outputType;
  const axis = normalizeAxis(attributes.number("axis"), shape.length) ?? 0;
  const inputs = node.inputs.map((_, input) => {
    if (context.constant(input) === undefined && !isUsualBeside(context, input, axis)) {
      context.image(input);
    }
    return placementOrConstant(context, input);
  });
  const along = inputs.flatMap((_, input) => {
    const size = context.type(input).shape[axis] ?? 0;
    return identity(size).map(({ at }) => ({ input, at }));
  });
  const axes = shape.map((size, other) => (other === axis ? along : identity(size)));
  const output = context.output();
  const { zeroPoint: fill } = storedEncoding(outputType);
  const outputGrid = context.grid(output);
  move(context, { inputs, shape, axes, output, outputGrid, fill, outside: fill });
}

/** Whether the input lies in the usual order along all axes but one: what moves along that one takes whole rows of the others. */
function isUsualBeside(context: NodeContext, input: number, along: number): boolean {
  const { arrangement, grid } = context.placement(input);
  const usual = canonicalArrangement(context.type(input).shape, grid);
  return arrangement.every(
    (factors, axis) => axis === along || sameArrangement([factors], [usual[axis] ?? []]),
  );
}

/** An operand as a value, also where it is constant. */
export function placementOrConstant(context: NodeContext, input: number): Placement {
  const constant = context.constant(input);
  return constant === undefined ? context.placement(input) : placeConstant(context, constant);
}

function placeConstant(context: NodeContext, constant: Tensor): Placement {
  const { type } = constant;
  const { format } = context.outputGrid;
  const grid = gridOfShape(type.shape, format);
  if (grid === undefined || type.dtype !== format.dtype) {
    throw unsupported(context.node.name, `a constant of type ${type.dtype}`);
  }
  const arrangement = canonicalArrangement(type.shape, grid);
  const { zeroPoint } = storedEncoding(type);
  const value = context.temporary(grid, zeroPoint);
  const elements = type.dtype === "f16" ? (constant.data as Uint16Array) : numeric(constant);
  const places = elementPlaces(arrangement);
  const at = new Map<number, number>();
  places.forEach(({ pixel, channel }, index) => at.set(pixel * grid.channels + channel, index));
  const bytes = packGrid(grid, zeroPoint, (pixel, channel) => {
    return elements[at.get(pixel * grid.channels + channel) ?? 0] ?? 0;
  });
  context.add(constantStage({ node: context.node.name, output: value, grid, bytes }));
  return { value, grid, arrangement };
}

function elementPlaces(arrangement: Arrangement): { pixel: number; channel: number }[] {
  const factors = arrangement.flat();
  const pixels = positionsOf(factors, "pixel");
  const channels = positionsOf(factors, "channel");
  return pixels.map((pixel, index) => ({ pixel, channel: channels[index] ?? 0 }));
}

/** The tensor in the usual order of its type; the same value where it lies so already. */
export function inUsualOrder(
  mover: Mover,
  from: Placement & { readonly zeroPoint: number },
  type: TensorType,
): ValueId {
  const { shape } = type;
  const outputGrid = gridOfShape(shape, from.grid.format);
  if (outputGrid === undefined) throw unsupported(mover.node.name, `shape [${shape.join(", ")}]`);
  const usual = canonicalArrangement(shape, outputGrid);
  if (sameGrid(outputGrid, from.grid) && sameArrangement(usual, from.arrangement))
    return from.value;
  const output = mover.temporary(outputGrid, from.zeroPoint);
  const axes = shape.map((size) => identity(size));
  const { zeroPoint: fill } = from;
  move(mover, { inputs: [from], shape, axes, output, outputGrid, fill, outside: fill });
  return output;
}

/** Pixels first, then channels; most moves are only one of both. */
function move(mover: Mover, from: Move): void {
  const usual = canonicalArrangement(from.shape, from.outputGrid);
  const pixels = sourcesOf(mover, from, { counts: "pixel", usual });
  const channels = sourcesOf(mover, from, { counts: "channel", usual });
  const grids = from.inputs.map(({ grid }) => grid);
  const [first] = grids;
  if (first === undefined) return;
  const { output, outputGrid, fill, outside } = from;
  const inputs = from.inputs.map(({ value }) => value);
  const common = { node: mover.node.name, fill, outside };
  const target = { ...common, inputs, grids, output, outputGrid };
  const keepsChannels =
    isWhole(channels, outputGrid.channels) && grids.every((grid) => sameChannels(grid, outputGrid));
  if (keepsChannels) {
    mover.add(pixelMoveStage({ ...target, sources: pixels }));
    return;
  }
  const keepsPixels =
    isWhole(pixels, outputGrid.pixels) && grids.every((grid) => samePixels(grid, outputGrid));
  if (keepsPixels) {
    mover.add(channelMoveStage({ ...target, sources: channels }));
    return;
  }
  if (inputs.length > 1) throw unsupported(mover.node.name, "moving pixels and channels at once");
  const between = withChannels(outputGrid, first.channels, first.groupChannels);
  const moved = mover.temporary(between, outside);
  const halfway = { ...common, inputs, grids, output: moved, outputGrid: between };
  mover.add(pixelMoveStage({ ...halfway, sources: pixels }));
  const rest = { ...target, inputs: [moved], grids: [between] };
  mover.add(channelMoveStage({ ...rest, sources: channels }));
}

function isWhole(sources: readonly (Source | undefined)[], count: number): boolean {
  return (
    sources.length === count &&
    sources.every((source, at) => source?.at === at && source.input === 0)
  );
}

interface Counting {
  readonly counts: Factor["counts"];
  readonly usual: Arrangement;
}

/** Where the output's pixels (or channels) come from, in the order of its grid. */
function sourcesOf(mover: Mover, from: Move, { counts, usual }: Counting): (Source | undefined)[] {
  const sources: (Source | undefined)[] = [undefined];
  let combined: (Candidate | undefined)[] = [{ input: 0, at: from.inputs.map(() => 0) }];
  from.axes.forEach((along, axis) => {
    const own = usual[axis] ?? [];
    const others = from.inputs.flatMap(({ arrangement }) => arrangement[axis] ?? []);
    const isOwn =
      own.some((factor) => factor.counts === counts) ||
      others.some((factor) => factor.counts === counts);
    if (!isOwn) return;
    if ([...own, ...others].some((factor) => factor.counts !== counts)) {
      throw unsupported(mover.node.name, `a ${mover.node.op} that trades pixels for channels`);
    }
    const places = from.inputs.map(({ arrangement }) =>
      positionsOf(arrangement[axis] ?? [], counts),
    );
    combined = combined.flatMap((before) => along.map((next) => joined(before, next, places)));
  });
  const size = counts === "pixel" ? from.outputGrid.pixels : from.outputGrid.channels;
  sources.length = size;
  const order = positionsOf(
    usual.flat().filter((factor) => factor.counts === counts),
    counts,
  );
  combined.forEach((found, index) => {
    const source = found && { input: found.input, at: found.at[found.input] ?? 0 };
    sources[order[index] ?? 0] = source;
  });
  return sources;
}

/** A source before all axes are counted: where it would be in each input, which a later axis may choose. */
interface Candidate {
  readonly input: number;
  readonly at: readonly number[];
}

function joined(
  before: Candidate | undefined,
  next: Source | undefined,
  places: readonly (readonly number[])[],
): Candidate | undefined {
  if (before === undefined || next === undefined) return undefined;
  const input = Math.max(before.input, next.input);
  return { input, at: before.at.map((at, index) => at + (places[index]?.[next.at] ?? 0)) };
}
