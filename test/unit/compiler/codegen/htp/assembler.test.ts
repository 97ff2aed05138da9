import { describe, expect, test } from "@jest/globals";
import fc from "fast-check";
import { assemble } from "../../../../../compiler/codegen/htp/index.ts";
import type { Draft, Placed } from "../../../../../compiler/lower/index.ts";
import type { QueueId, Stream } from "../../../../../protocol/isa/index.ts";

const QUEUES: readonly QueueId[] = [
  { core: 0, engine: "dma", index: 0 },
  { core: 0, engine: "dma", index: 1 },
  { core: 0, engine: "dma", index: 2 },
];
const VTCM_BYTES = 64 * 128;

/** Copies of one line: from and to are line numbers. */
function move(queue: number, from: number, to: number): Placed {
  const draft: Draft = {
    op: "dma.copy",
    origin: 0,
    destination: { region: 0, offset: to * 128 },
    source: { region: 0, offset: from * 128 },
    ...{ bytes: 128, rows: 1, destinationRowStride: 128, sourceRowStride: 128 },
    ...{ planes: 1, destinationPlaneStride: 128, sourcePlaneStride: 128 },
  };
  return { queue, draft };
}

function streamsOf(sequence: readonly Placed[]): Stream[] {
  const pointer = () => undefined;
  return assemble({ queues: QUEUES, sequence, regionBytes: [VTCM_BYTES], pointer });
}

function ties(sequence: readonly Placed[]): string[] {
  return streamsOf(sequence).flatMap(({ instructions }, stream) =>
    instructions.map(
      ({ waits, signals }, index) =>
        `${stream}.${index} waits ${waits.map((w) => `${w.semaphore}>=${w.value}`).join(" ")} ` +
        `signals ${signals.join(" ")}`,
    ),
  );
}

describe("waits and signals", () => {
  test("independent work is not tied", () => {
    expect(ties([move(0, 0, 1), move(1, 2, 3)])).toEqual([
      "0.0 waits  signals ",
      "1.0 waits  signals ",
    ]);
  });
  test("a reader waits for the writer", () => {
    expect(ties([move(0, 0, 1), move(1, 1, 2)])).toEqual([
      "0.0 waits  signals 0",
      "1.0 waits 0>=1 signals ",
    ]);
  });
  test("a writer waits for the readers before it", () => {
    expect(ties([move(0, 0, 1), move(1, 5, 0)])[1]).toBe("1.0 waits 0>=1 signals ");
  });
  test("what a queue has waited for once it does not wait for again", () => {
    const [, second, third] = ties([move(0, 0, 1), move(1, 1, 2), move(1, 1, 3)]);
    expect([second, third]).toEqual(["1.0 waits 0>=1 signals ", "1.1 waits  signals "]);
  });
  test("a wait that another one implies is left out", () => {
    const last = ties([move(0, 0, 1), move(1, 1, 2), move(2, 2, 1)]).at(-1);
    expect(last).toBe("2.0 waits 1>=1 signals ");
  });
  test("queues without work have no stream, and semaphores are numbered by stream", () => {
    expect(ties([move(0, 0, 1), move(2, 1, 2)])).toEqual([
      "0.0 waits  signals 0",
      "1.0 waits 0>=1 signals ",
    ]);
  });
});

/** Instructions known to be complete when each starts, by running the semaphores literally. */
function happensBefore(sequence: readonly Placed[]): boolean[][] {
  const streams = streamsOf(sequence);
  const order = [0, 1, 2].filter((queue) => sequence.some((placed) => placed.queue === queue));
  const next = streams.map(() => 0);
  const indexOf = sequence.map((placed, index) => ({
    stream: order.indexOf(placed.queue),
    at: sequence.slice(0, index).filter((other) => other.queue === placed.queue).length,
  }));
  const before = sequence.map(() => sequence.map(() => false));
  const signalled = new Map<string, number>();
  sequence.forEach((_, index) => {
    const { stream, at } = indexOf[index] ?? { stream: 0, at: 0 };
    const instruction = streams[stream]?.instructions[at];
    const reach = (from: number): void => {
      before[index]?.splice(from, 1, true);
      before[from]?.forEach((known, other) => known && before[index]?.splice(other, 1, true));
    };
    indexOf.forEach((other, from) => other.stream === stream && other.at === at - 1 && reach(from));
    for (const wait of instruction?.waits ?? []) {
      const from = signalled.get(`${wait.semaphore},${wait.value}`);
      if (from === undefined) throw new Error("waits for a signal that comes later");
      reach(from);
    }
    for (const semaphore of instruction?.signals ?? []) {
      next[semaphore] = (next[semaphore] ?? 0) + 1;
      signalled.set(`${semaphore},${next[semaphore]}`, index);
    }
  });
  return before;
}

test("every pair of conflicting accesses is ordered", () => {
  const line = fc.integer({ min: 0, max: 5 });
  const copy = fc
    .record({ queue: fc.integer({ min: 0, max: 2 }), from: line, to: line })
    .filter(({ from, to }) => from !== to);
  fc.assert(
    fc.property(fc.array(copy, { minLength: 1, maxLength: 30 }), (copies) => {
      const before = happensBefore(copies.map(({ queue, from, to }) => move(queue, from, to)));
      copies.forEach((later, index) => {
        copies.slice(0, index).forEach((earlier, other) => {
          const conflict =
            later.to === earlier.to || later.to === earlier.from || later.from === earlier.to;
          if (conflict) expect(before[index]?.[other]).toBe(true);
        });
      });
    }),
    { numRuns: 200 },
  );
});

test("100,000 instructions are tied in about a second", () => {
  const sequence = Array.from({ length: 100_000 }, (_, i) => move(i % 3, i % 61, (i * 7 + 1) % 61));
  const apart = sequence.filter(({ draft }) => {
    const { source, destination } = draft as Extract<Draft, { op: "dma.copy" }>;
    return source.offset !== destination.offset;
  });
  const count = streamsOf(apart).reduce((sum, stream) => sum + stream.instructions.length, 0);
  expect(count).toBe(apart.length);
});
