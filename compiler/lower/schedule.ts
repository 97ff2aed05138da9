/**
 * The order of steps, and how many rows of each tensor are alive at once. Within a group a row is made when
 * a reader asks for it, so that producers stay just ahead of their readers.
 */
import { present } from "../../protocol/base/assert.ts";
import type { Grouped } from "./groups.ts";
import type { RowRange, Stage, Value, ValueId } from "./stage.ts";

export interface Step {
  /** Index into `Schedule.stages`. */
  readonly stage: number;
  readonly group: number;
  readonly rows: RowRange;
  /** Chunk of the stage's constants. */
  readonly chunk: number;
}

export interface Schedule {
  readonly stages: readonly Stage[];
  readonly steps: readonly Step[];
}

export function scheduleGroups(grouped: Grouped): Schedule {
  const stages: Stage[] = [];
  const steps: Step[] = [];
  grouped.groups.forEach((members, group) => {
    const first = stages.length;
    stages.push(...members);
    new GroupSchedule(grouped.values, members, (stage, rows) => {
      const chunks = Math.max(1, members[stage]?.chunks.length ?? 0);
      for (let chunk = 0; chunk < chunks; chunk++) {
        steps.push({ stage: first + stage, group, rows, chunk });
      }
    }).run();
  });
  return { stages, steps };
}

type EmitUnit = (stage: number, rows: RowRange) => void;

class GroupSchedule {
  private readonly members: readonly Stage[];
  private readonly emit: EmitUnit;
  /** Rows done, by stage. */
  private readonly done: number[];
  /** Stages of the group that write a value or parts of it. */
  private readonly writers = new Map<ValueId, number[]>();

  constructor(values: readonly Value[], members: readonly Stage[], emit: EmitUnit) {
    this.members = members;
    this.emit = emit;
    this.done = members.map(() => 0);
    members.forEach(({ output }, index) => {
      if (output === undefined) return;
      const whole = values[output]?.within?.value;
      for (const value of whole === undefined ? [output] : [output, whole]) {
        this.writers.set(value, [...(this.writers.get(value) ?? []), index]);
      }
    });
  }

  /** Advances the stage that nobody in the group waits for and that is least far. */
  run(): void {
    const read = new Set(this.members.flatMap((stage) => stage.inputs));
    const isRead = (value: ValueId): boolean => read.has(value);
    const sinks = [...this.members.keys()].filter((index) => {
      const written = [...this.writers].filter(([, stages]) => stages.includes(index));
      return !written.some(([value]) => isRead(value));
    });
    for (;;) {
      const open = sinks.filter((index) => this.progress(index) < 1);
      const next = open.reduce<number | undefined>(
        (best, index) =>
          best === undefined || this.progress(index) < this.progress(best) ? index : best,
        undefined,
      );
      if (next === undefined) break;
      this.advance(next);
    }
    // Rows that no reader needed still belong to the tensor.
    for (const index of this.members.keys()) while (this.progress(index) < 1) this.advance(index);
  }

  private progress(index: number): number {
    return (this.done[index] ?? 0) / (this.members[index]?.rows ?? 1);
  }

  private advance(index: number): void {
    const stage = present(this.members[index], "stage");
    const first = this.done[index] ?? 0;
    const last = Math.min(first + stage.unitRows, stage.rows) - 1;
    const rows = { first, last };
    stage.inputs.forEach((value, input) => this.require(value, stage.inputRows(input, rows).last));
    this.emit(index, rows);
    this.done[index] = last + 1;
  }

  private require(value: ValueId, row: number): void {
    for (const writer of this.writers.get(value) ?? []) {
      while ((this.done[writer] ?? 0) <= row) this.advance(writer);
    }
  }
}

/** When a value is in use, and the rows that must be kept at a time. */
export interface Life {
  readonly start: number;
  readonly end: number;
  readonly rows: number;
  /** Whether these are fewer than all, so that more of them let engines run further apart. */
  readonly isRing: boolean;
}

/** One life for every value that is its own buffer; undefined for unused values and parts of others. */
export function livesOf(values: readonly Value[], schedule: Schedule): (Life | undefined)[] {
  const uses = values.map((): Use[] => []);
  schedule.steps.forEach((step, index) => {
    const stage = present(schedule.stages[step.stage], "stage");
    const add = (id: ValueId, use: Omit<Use, "step" | "group">): void => {
      const owner = values[id]?.within?.value ?? id;
      uses[owner]?.push({ step: index, group: step.group, ...use });
    };
    stage.inputs.forEach((id, input) => {
      add(id, { kind: "read", rows: stage.inputRows(input, step.rows) });
    });
    if (stage.output !== undefined) add(stage.output, { kind: "write", rows: step.rows });
  });
  const isWhole = new Set(values.map((value) => value.within?.value));
  return values.map((value, id) => {
    const own = uses[id] ?? [];
    const [first] = own;
    const last = own.at(-1);
    if (value.within !== undefined || first === undefined || last === undefined) return undefined;
    const oneGroup = own.every((use) => use.group === first.group);
    const needed = oneGroup && !isWhole.has(id) ? ringRows(own) : value.grid.rows;
    const rows = Math.min(value.grid.rows, needed);
    return { start: first.step, end: last.step, rows, isRing: rows < value.grid.rows };
  });
}

interface Use {
  readonly step: number;
  readonly group: number;
  readonly kind: "read" | "write";
  readonly rows: RowRange;
}

/** The most rows between the first that will still be read and the last written. */
function ringRows(uses: readonly Use[]): number {
  let firstNeeded = Infinity;
  const neededAfter = new Array<number>(uses.length);
  for (let index = uses.length - 1; index >= 0; index--) {
    const use = uses[index];
    if (use?.kind === "read") firstNeeded = Math.min(firstNeeded, use.rows.first);
    neededAfter[index] = firstNeeded;
  }
  let written = -1;
  let most = 1;
  uses.forEach((use, index) => {
    if (use.kind === "write") written = Math.max(written, use.rows.last);
    const first = Math.min(
      neededAfter[index] ?? Infinity,
      use.kind === "write" ? use.rows.first : Infinity,
    );
    most = Math.max(most, written - first + 1);
  });
  return most;
}
