/** matmul of two activations. */
import { divCeil } from "../../../protocol/base/integers.ts";
import { CROUTON_CHANNELS } from "../../../protocol/isa/index.ts";
import { onlyFactor } from "../arrangement.ts";
import type { Arrangement, Factor } from "../arrangement.ts";
import { storedEncoding } from "../encoding.ts";
import { unsupported } from "../failure.ts";
import { tokenGrid, withChannels } from "../grid.ts";
import type { Grid } from "../grid.ts";
import type { NodeContext, Placed, Placement } from "./context.ts";
import { requantization } from "./filters.ts";
import { addEmptied, fillsTiles } from "./lanes.ts";
import { pairProductStage, SUMMED_TILES_MAX } from "../stages/pair-product.ts";

/** How the axes of an operand, from the right, lie on its grid. */
interface Roles {
  readonly rows: Factor | undefined;
  readonly columns: Factor | undefined;
  /** Factors of the batch axes together. */
  readonly batch: readonly Factor[];
}

function rolesOf(arrangement: Arrangement): Roles {
  const last = arrangement.length - 1;
  const rows = onlyFactor(arrangement, last - 1);
  return { rows, columns: onlyFactor(arrangement, last), batch: arrangement.slice(0, -2).flat() };
}

export function lowerPairProduct(context: NodeContext): void {
  const { node, outputType } = context;
  if ((node.inputs[2] ?? "") !== "") throw refused(context, "a bias on a product of variables");
  const typeB = context.type(1);
  const [depth, columns] = typeB.shape.slice(-2) as [number, number];
  const groups = groupsOf(context, context.placement(0), depth);
  const transposed = isChannel(rolesOf(context.placement(1).arrangement).rows, depth);
  checkSecond(context, context.placement(1), { transposed, depth, columns, groups });
  const isHalf = outputType.dtype === "f16";
  const a = withEmptyLanes(context, 0);
  // Nothing times zero is zero, save what fp16 may hold.
  const b = isHalf && transposed ? withEmptyLanes(context, 1) : context.placement(1);
  const grid = withChannels(a.grid, groups * columns, columns);
  const arrangement = outputArrangement(a.arrangement, { columns, groups });
  const output = context.output({ grid, arrangement });
  const zeros = [0, 1].map((input) => storedEncoding(context.type(input)).zeroPoint);
  const [zeroPointIn, weightZero = 0] = zeros;
  if (outputType.dtype !== "i8" && zeros.some((zero) => zero !== 0)) {
    throw refused(context, "asymmetric operands of 16 bits");
  }
  if (transposed && zeroPointIn !== 0 && a.grid.tiles > groups * SUMMED_TILES_MAX) {
    throw refused(context, "a sum over this many channels");
  }
  context.add(
    pairProductStage({
      node: node.name,
      ...{ a: a.value, b: b.value, output },
      ...{ aGrid: a.grid, bGrid: b.grid, outputGrid: grid, transposed, weightZero },
      requantization: requantization(context, { type: typeB }, 1),
    }),
  );
}

/** The operand, whose lanes beyond the last channel are summed over too: a copy where they may hold anything. */
function withEmptyLanes(context: NodeContext, input: number): Placement {
  const placement = context.placement(input);
  const { value: from, grid } = placement;
  if (fillsTiles(grid) || context.hasEmptyLanes(input)) return placement;
  const { zeroPoint: fill } = storedEncoding(context.type(input));
  const value = context.temporary(grid, fill);
  addEmptied(context, { from, to: value, grid, fill });
  return { ...placement, value };
}

function refused(context: NodeContext, what: string) {
  return unsupported(context.node.name, what);
}

function isChannel(factor: Factor | undefined, size: number): boolean {
  return factor?.counts === "channel" && factor.step === 1 && factor.size === size;
}

/** The first operand: pixels by channels, a batch being groups of whole channel tiles. */
function groupsOf(context: NodeContext, a: Placed, depth: number): number {
  const { rows, columns, batch } = rolesOf(a.arrangement);
  const groups = batchGroups(context, batch, depth);
  const isMatrix = rows === undefined || (rows.counts === "pixel" && rows.step === 1);
  if (!isMatrix || !isChannel(columns, depth) || a.grid.channels !== groups * depth) {
    throw refused(context, "a product of operands that lie otherwise");
  }
  if (!areWholeTiles(a.grid, { groups, channels: depth })) {
    throw refused(context, "a product over groups that share channel tiles");
  }
  return groups;
}

/** Whether every group begins with a channel tile of its own. */
function areWholeTiles(grid: Grid, of: { groups: number; channels: number }): boolean {
  const begin = of.channels % CROUTON_CHANNELS === 0 || grid.groupChannels === of.channels;
  return begin && grid.tiles === of.groups * divCeil(of.channels, CROUTON_CHANNELS);
}

function batchGroups(context: NodeContext, batch: readonly Factor[], channels: number): number {
  const [factor, ...more] = batch;
  if (factor === undefined) return 1;
  if (more.length > 0 || factor.counts !== "channel" || factor.step !== channels) {
    throw refused(context, "a batch that lies otherwise");
  }
  return factor.size;
}

interface Second {
  readonly transposed: boolean;
  readonly depth: number;
  readonly columns: number;
  readonly groups: number;
}

function checkSecond(context: NodeContext, b: Placed, of: Second): void {
  const { rows, columns, batch } = rolesOf(b.arrangement);
  const [pixels, channels] = of.transposed ? [columns, of.depth] : [rows, of.columns];
  const inOrder = pixels?.counts === "pixel" && pixels.step === 1;
  const counts = of.transposed || isChannel(columns, of.columns);
  if (!inOrder || !counts || batchGroups(context, batch, channels) !== of.groups) {
    throw refused(context, "a product of operands that lie otherwise");
  }
  const wanted = tokenGrid(b.grid.pixels, b.grid.channels, b.grid.format);
  const isTokens = b.grid.columns === 1 && b.grid.height === wanted.height;
  if (!isTokens || !areWholeTiles(b.grid, { groups: of.groups, channels })) {
    throw refused(context, "a second operand that is no list of tokens");
  }
}

interface OutputAxes {
  readonly columns: number;
  readonly groups: number;
}

function outputArrangement(a: Arrangement, { columns, groups }: OutputAxes): Arrangement {
  const last = a.length - 1;
  const batch = a
    .slice(0, -2)
    .map((factors) => factors.map((factor) => ({ ...factor, step: columns, size: groups })));
  const channel: Factor = { size: columns, counts: "channel", step: 1 };
  return [...batch, a[last - 1] ?? [], columns === 1 ? [] : [channel]];
}
