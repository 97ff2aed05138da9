/**
 * When the engines would be through with what they were given, were nothing to hold them up: a guess at the chip's
 * clock, by which vector work finds the context that can begin it first.
 */
import { present } from "../../protocol/base/assert.ts";

/** Crouton rows of a value, both ends included. */
export interface Rows {
  readonly value: number;
  readonly first: number;
  readonly last: number;
}

export class Outlook {
  private readonly copiesFreeAt: number[];
  private matrixFreeAt = 0;
  private readonly contextsFreeAt: number[];
  /** By value, and by row of it: when it would be there. */
  private readonly rowsAt = new Map<number, number[]>();
  private readyAt = 0;
  private doneAt = 0;

  constructor(copyQueues: number, contexts: number) {
    this.copiesFreeAt = new Array<number>(copyQueues).fill(0);
    this.contextsFreeAt = new Array<number>(contexts).fill(0);
  }

  /** What is taken from here on reads these rows. */
  begin(reads: readonly Rows[]): void {
    const times = reads.flatMap(({ value, first, last }) =>
      (this.rowsAt.get(value) ?? []).slice(first, last + 1),
    );
    this.readyAt = Math.max(0, ...times);
    this.doneAt = this.readyAt;
  }

  /** What was taken since `begin` writes these rows; several steps may write parts of one. */
  end({ value, first, last }: Rows): void {
    const known = this.rowsAt.get(value) ?? [];
    this.rowsAt.set(value, known);
    for (let row = first; row <= last; row++) {
      known[row] = Math.max(known[row] ?? 0, this.doneAt);
    }
  }

  /** The queue is free again after `cycles`; what it brings is there after `latency` more. */
  takeCopy(queue: number, cycles: number, latency: number): void {
    const end = Math.max(this.copiesFreeAt[queue] ?? 0, this.readyAt) + cycles;
    this.copiesFreeAt[queue] = end;
    this.doneAt = Math.max(this.doneAt, end + latency);
  }

  takeMatrix(cycles: number): void {
    this.matrixFreeAt = Math.max(this.matrixFreeAt, this.readyAt) + cycles;
    this.doneAt = Math.max(this.doneAt, this.matrixFreeAt);
  }

  /** The context that can begin first; of several, the one that would idle least until then. */
  takeContext(cycles: number): number {
    const free = this.contextsFreeAt;
    const startOf = (context: number): number => Math.max(free[context] ?? 0, this.readyAt);
    const context = [...free.keys()].reduce((best, one) => {
      const sooner = startOf(one) - startOf(best) || (free[best] ?? 0) - (free[one] ?? 0);
      return sooner < 0 ? one : best;
    });
    const end = startOf(context) + cycles;
    free[present(context, "context")] = end;
    this.doneAt = Math.max(this.doneAt, end);
    return context;
  }
}
