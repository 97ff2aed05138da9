/** Gives every tensor its home and every buffer its place, falling back step by step when VTCM is too small. */
import { present } from "../../protocol/base/assert.ts";
import { alignUp } from "../../protocol/base/integers.ts";
import { CROUTON_BYTES } from "../../protocol/isa/index.ts";
import type { SocDescription } from "../../protocol/isa/index.ts";
import { doesNotFit } from "./failure.ts";
import { assignGroups, groupStages } from "./groups.ts";
import type { Grouped } from "./groups.ts";
import { isPixel } from "./grid.ts";
import { FIRST_PORT_REGION } from "./network.ts";
import type { Network } from "./network.ts";
import type { LoweringOptions } from "./options.ts";
import { livePeak, planMemory } from "./plan.ts";
import type { Buffer, EarlyBuffer } from "./plan.ts";
import { livesOf, scheduleGroups } from "./schedule.ts";
import type { Life, Schedule } from "./schedule.ts";
import type { Place, Value, ValueId } from "./stage.ts";
import { layoutTables } from "./tables.ts";
import type { TableLayout } from "./tables.ts";

/** The alignment of VTCM buffers: one crouton. */
const ALIGNMENT = CROUTON_BYTES;

/** One chunk of a stage's constants: where it goes, and the steps between which it is there. */
export interface ChunkLife {
  readonly stage: number;
  readonly chunk: number;
  readonly bytes: number;
  readonly start: number;
  readonly end: number;
}

export interface Layout {
  readonly values: readonly Value[];
  readonly schedule: Schedule;
  readonly lives: readonly (Life | undefined)[];
  readonly chunks: readonly ChunkLife[];
  /** By step: position in `chunks`. */
  readonly chunkOfStep: readonly (number | undefined)[];
  readonly tables: TableLayout;
  /** VTCM offsets: tables from 0, then fill croutons, then everything planned. */
  readonly fillOffset: number;
  readonly valueOffsets: ReadonlyMap<ValueId, number>;
  readonly scratchOffsets: ReadonlyMap<number, number>;
  readonly sparse: SparseLayout;
  /** By position in `chunks`. */
  readonly chunkOffsets: readonly number[];
  readonly ddrBytes: number;
  readonly vtcmPeakBytes: number;
  readonly vtcmLowerBoundBytes: number;
}

/** Memory for spread-out tiles: a ring that stages take turns in. */
export interface SparseLayout {
  readonly offset: number;
  readonly bytes: number;
  /** VTCM offset by stage. */
  readonly offsets: ReadonlyMap<number, number>;
}

/** How generous an attempt is with memory. */
interface Slack {
  /** Groups for which a buffer is left alone after its last use, so that engines need not wait for each other. */
  readonly idleGroups: number;
  /** Rows of a partly kept tensor beyond those that are needed. */
  readonly spareRows: number;
  /** Whether constants that stay for several steps may come early too. */
  readonly earlyAll: boolean;
}

const SLACKS: readonly Slack[] = [
  { idleGroups: 3, spareRows: 3, earlyAll: true },
  { idleGroups: 2, spareRows: 2, earlyAll: true },
  { idleGroups: 1, spareRows: 2, earlyAll: true },
  { idleGroups: 1, spareRows: 1, earlyAll: true },
  { idleGroups: 0, spareRows: 1, earlyAll: true },
  { idleGroups: 0, spareRows: 0, earlyAll: true },
  { idleGroups: 0, spareRows: 0, earlyAll: false },
];

/** Throws CodedError `DOES_NOT_FIT` naming the node at work when most memory is in use. */
export function layOut(network: Network, options: LoweringOptions, soc: SocDescription): Layout {
  const groupOf = assignGroups(network, options.follow);
  const spill = new Set<ValueId>();
  if (options.homes === "ddr") spillAll(network, groupOf, spill);
  for (;;) {
    const homes = ddrHomes(network, spill);
    const grouped = groupStages(network, groupOf, { values: spill, home: homes.address });
    const fixed = fix(grouped, options);
    for (const slack of SLACKS) {
      const layout = attempt({ grouped, fixed, slack, soc }, homes.bytes);
      if (layout !== undefined) return layout;
    }
    const next = nextSpills({ network, grouped, fixed, spill }, soc.vtcmBytes);
    if (next.length === 0)
      throw doesNotFit(tightestNode(grouped, fixed), "its rows do not fit VTCM");
    for (const id of next) spill.add(id);
  }
}

/** Every image that another group reads lives in DDR; a single pixel is no more than a row of constants. */
function spillAll(network: Network, groupOf: readonly number[], spill: Set<ValueId>): void {
  const groupOfValue = new Map<ValueId, number>();
  network.stages.forEach(({ output }, index) => {
    if (output !== undefined) groupOfValue.set(output, groupOf[index] ?? 0);
  });
  network.stages.forEach(({ inputs }, index) => {
    for (const id of inputs) {
      const { grid } = present(network.values[id], "value");
      if (groupOfValue.get(id) !== groupOf[index] && !isPixel(grid)) spill.add(id);
    }
  });
}

interface DdrHomes {
  readonly address: (value: ValueId) => { readonly region: number; readonly offset: number };
  readonly bytes: number;
}

/** Scratch memory is plentiful: every spilled tensor has bytes of its own. */
function ddrHomes(network: Network, spill: ReadonlySet<ValueId>): DdrHomes {
  const region = FIRST_PORT_REGION + network.inputs.length + network.outputs.length;
  const offsets = new Map<ValueId, number>();
  let bytes = 0;
  for (const id of [...spill].sort((a, b) => a - b)) {
    const { grid } = present(network.values[id], "value");
    offsets.set(id, bytes);
    bytes += grid.rows * grid.rowBytes;
  }
  const address = (value: ValueId) => ({ region, offset: present(offsets.get(value), "home") });
  return { address, bytes };
}

/** What does not depend on the slack. */
interface Fixed {
  readonly schedule: Schedule;
  /** With no rows to spare. */
  readonly lives: Lives;
  readonly tables: TableLayout;
  readonly chunks: readonly ChunkLife[];
  readonly chunkOfStep: readonly (number | undefined)[];
  readonly scratch: readonly ScratchLife[];
  /** First and last step of every group. */
  readonly groupStarts: readonly number[];
  readonly groupEnds: readonly number[];
  readonly prefetch: boolean;
}

interface ScratchLife extends Buffer {
  readonly stage: number;
}

function fix(grouped: Grouped, options: LoweringOptions): Fixed {
  const schedule = scheduleGroups(grouped);
  const groupStarts: number[] = [];
  const groupEnds: number[] = [];
  schedule.steps.forEach(({ group }, index) => {
    groupStarts[group] ??= index;
    groupEnds[group] = index;
  });
  const chunks: ChunkLife[] = [];
  const chunkOfStep: (number | undefined)[] = [];
  const scratch: ScratchLife[] = [];
  const chunkAt = new Map<string, number>();
  const scratchAt = new Map<number, number>();
  schedule.steps.forEach((step, index) => {
    const stage = present(schedule.stages[step.stage], "stage");
    const bytes = stage.chunks[step.chunk]?.bytes;
    if (bytes !== undefined) {
      const unit = stage.restreams ? step.rows.first : 0;
      const key = `${step.stage},${step.chunk},${unit}`;
      const known = chunkAt.get(key) ?? chunks.length;
      // The first constants of a stage do not wait behind the activations of its group.
      const first = step.chunk === 0 && unit === 0 ? (groupStarts[step.group] ?? index) : index;
      const start = chunks[known]?.start ?? first;
      chunks[known] = { stage: step.stage, chunk: step.chunk, bytes, start, end: index };
      chunkAt.set(key, known);
      chunkOfStep[index] = known;
    }
    if (stage.scratchBytes > 0) {
      const known = scratchAt.get(step.stage) ?? scratch.length;
      const start = scratch[known]?.start ?? index;
      scratch[known] = { stage: step.stage, bytes: stage.scratchBytes, start, end: index };
      scratchAt.set(step.stage, known);
    }
  });
  const tables = layoutTables(grouped.values, schedule);
  const lives = livesOf(grouped.values, schedule);
  const { prefetch } = options;
  return {
    schedule,
    lives,
    tables,
    chunks,
    chunkOfStep,
    scratch,
    groupStarts,
    groupEnds,
    prefetch,
  };
}

interface Attempt {
  readonly grouped: Grouped;
  readonly fixed: Fixed;
  readonly slack: Slack;
  readonly soc: SocDescription;
}

function attempt({ grouped, fixed, slack, soc }: Attempt, ddrBytes: number): Layout | undefined {
  const { schedule, tables, chunks, chunkOfStep, scratch } = fixed;
  const lives = fixed.lives.map((life, id) => {
    const most = present(grouped.values[id], "value").grid.rows;
    return life?.isRing ? { ...life, rows: Math.min(life.rows + slack.spareRows, most) } : life;
  });
  const settled = (end: number): number => {
    const group = (schedule.steps[end]?.group ?? 0) + slack.idleGroups;
    return slack.idleGroups === 0
      ? end
      : (fixed.groupEnds[Math.min(group, fixed.groupEnds.length - 1)] ?? end);
  };
  const ids: ValueId[] = [];
  const needed: Buffer[] = [];
  lives.forEach((life, id) => {
    if (life === undefined) return;
    ids.push(id);
    needed.push(valueBuffer(present(grouped.values[id], "value"), life));
  });
  const buffers = [...needed, ...scratch].map((buffer) => ({
    ...buffer,
    end: settled(buffer.end),
  }));
  const early = chunks.map((life): EarlyBuffer => {
    const { bytes, start, end } = life;
    if (start < end && !slack.earlyAll) return { bytes, start, end, starts: undefined };
    const starts = fixed.prefetch ? fixed.groupStarts.filter((at) => at < start) : [];
    return { bytes, start, end, starts };
  });
  const fillOffset = alignUp(tables.bytes, ALIGNMENT);
  const sparse = layoutSparse(schedule, fillOffset + tables.fills.length * CROUTON_BYTES);
  const base = sparse.offset + sparse.bytes;
  const capacity = soc.vtcmBytes - base;
  const plan = planMemory(buffers, early, { capacity, alignment: ALIGNMENT });
  if (plan === undefined) return undefined;
  const offsets = plan.offsets.map((offset) => offset + base);
  return {
    ...{ values: grouped.values, schedule, lives, chunks, chunkOfStep, tables },
    ...{ fillOffset, sparse, ddrBytes },
    valueOffsets: new Map(ids.map((id, index) => [id, offsets[index] ?? 0])),
    scratchOffsets: new Map(
      scratch.map(({ stage }, index) => [stage, offsets[ids.length + index] ?? 0]),
    ),
    chunkOffsets: plan.earlyOffsets.map((offset) => offset + base),
    vtcmPeakBytes: base + plan.peakBytes,
    vtcmLowerBoundBytes: base + livePeak([...needed, ...scratch, ...chunks]).bytes,
  };
}

/** Room for the largest user twice, so that the next one can be spread while it works. */
function layoutSparse(schedule: Schedule, offset: number): SparseLayout {
  const sizes = schedule.stages.map(({ sparse }) => alignUp(sparse?.bytes ?? 0, ALIGNMENT));
  const total = sizes.reduce((sum, size) => sum + size, 0);
  const bytes = Math.min(total, 2 * Math.max(0, ...sizes));
  const offsets = new Map<number, number>();
  let cursor = 0;
  sizes.forEach((size, stage) => {
    if (size === 0) return;
    if (cursor + size > bytes) cursor = 0;
    offsets.set(stage, offset + cursor);
    cursor += size;
  });
  return { offset, bytes, offsets };
}

function valueBuffer(value: Value, life: Life): Buffer {
  return { bytes: life.rows * value.grid.rowBytes, start: life.start, end: life.end };
}

interface Tight {
  readonly network: Network;
  readonly grouped: Grouped;
  readonly fixed: Fixed;
  readonly spill: ReadonlySet<ValueId>;
}

/**
 * The next tensors to move to DDR, until memory might suffice: each the largest that is used by several groups and
 * alive when most memory is in use, or else the largest of all such.
 */
function nextSpills({ network, grouped, fixed, spill }: Tight, vtcmBytes: number): ValueId[] {
  const groupOf = (step: number): number => fixed.schedule.steps[step]?.group ?? 0;
  const wholes = new Set(network.values.map((value) => value.within?.value));
  const lives = [...fixed.lives];
  const candidates = network.values.flatMap((value, id) => {
    const life = lives[id];
    const bound = life === undefined || groupOf(life.start) === groupOf(life.end);
    return bound || wholes.has(id) || spill.has(id) ? [] : [{ id, ...valueBuffer(value, life) }];
  });
  candidates.sort((a, b) => b.bytes - a.bytes || a.id - b.id);
  const chosen: ValueId[] = [];
  for (;;) {
    const { step, bytes } = peakOf(grouped, fixed, lives);
    if (chosen.length > 0 && bytes <= vtcmBytes) return chosen;
    const alive = candidates.findIndex(({ start, end }) => start <= step && step <= end);
    const [next] = candidates.splice(Math.max(alive, 0), 1);
    if (next === undefined) return chosen;
    chosen.push(next.id);
    lives[next.id] = undefined;
  }
}

type Lives = readonly (Life | undefined)[];

function peakOf({ values }: Grouped, { chunks, scratch }: Fixed, lives: Lives) {
  const alive = lives.flatMap((life, id) =>
    life === undefined ? [] : [valueBuffer(present(values[id], "value"), life)],
  );
  return livePeak([...chunks, ...scratch, ...alive]);
}

/** The node that works when most memory is in use. */
function tightestNode(grouped: Grouped, fixed: Fixed): string {
  const { step } = peakOf(grouped, fixed, fixed.lives);
  const stage = fixed.schedule.steps[step]?.stage ?? 0;
  return fixed.schedule.stages[stage]?.node ?? "";
}

/** Where a value's croutons are: rows of a ring, or of the tensor that it is part of. */
export function placeOf(layout: Layout, id: ValueId): Place {
  const value = present(layout.values[id], "value");
  const owner = value.within?.value ?? id;
  const life = present(layout.lives[owner], "life");
  const whole = present(layout.values[owner], "value").grid;
  const base = present(layout.valueOffsets.get(owner), "offset");
  const tileOffset = value.within?.tileOffset ?? 0;
  return {
    grid: value.grid,
    offset: (row, tile, column) =>
      base +
      (row % life.rows) * whole.rowBytes +
      ((tileOffset + tile) * whole.columns + column) * CROUTON_BYTES,
  };
}
