import { expect, test } from "@jest/globals";
import fc from "fast-check";
import { livePeak, planMemory } from "../../../../compiler/lower/plan.ts";
import type { Buffer } from "../../../../compiler/lower/plan.ts";

const MEMORY = { capacity: 64, alignment: 1 };

test("buffers that are never alive together share memory", () => {
  const buffers = [
    { bytes: 40, start: 0, end: 1 },
    { bytes: 40, start: 2, end: 3 },
  ];
  expect(planMemory(buffers, [], MEMORY)).toEqual({
    offsets: [0, 0],
    earlyOffsets: [],
    peakBytes: 40,
  });
});

test("buffers that do not fit together have no plan", () => {
  const buffers = [
    { bytes: 40, start: 0, end: 2 },
    { bytes: 40, start: 2, end: 3 },
  ];
  expect(planMemory(buffers, [], MEMORY)).toBeUndefined();
});

test("an early buffer starts as early as room allows, but never before the one ahead of it", () => {
  const buffers = [{ bytes: 40, start: 2, end: 3 }];
  const early = [
    { bytes: 30, start: 4, end: 4, starts: [0, 1, 2, 3] },
    { bytes: 10, start: 5, end: 5, starts: [0, 1, 2, 3, 4] },
  ];
  // The first does not fit beside the buffer, so it starts at 4, and so does the second.
  expect(planMemory(buffers, early, MEMORY)).toEqual({
    offsets: [0],
    earlyOffsets: [0, 30],
    peakBytes: 40,
  });
});

test("what stays long finds room among the others where those that came early would leave none", () => {
  const short = [
    { bytes: 20, start: 3, end: 3, starts: [0, 1, 2] },
    { bytes: 20, start: 4, end: 4, starts: [0, 1, 2, 3] },
  ];
  const long = { bytes: 30, start: 2, end: 5 };
  expect(planMemory([], [...short, { ...long, starts: [] }], MEMORY)).toBeUndefined();
  expect(planMemory([], [...short, { ...long, starts: undefined }], MEMORY)).toEqual({
    offsets: [],
    earlyOffsets: [30, 30, 0],
    peakBytes: 50,
  });
});

test("no two buffers that are alive together overlap, and none needs less than the bound", () => {
  const buffer = fc
    .record({
      bytes: fc.integer({ min: 1, max: 50 }),
      start: fc.integer({ min: 0, max: 20 }),
      length: fc.integer({ min: 0, max: 8 }),
    })
    .map(({ bytes, start, length }): Buffer => ({ bytes, start, end: start + length }));
  fc.assert(
    fc.property(fc.array(buffer, { maxLength: 25 }), (buffers) => {
      const plan = planMemory(buffers, [], { capacity: 10_000, alignment: 8 });
      if (plan === undefined) throw new Error("there is room");
      const placed = buffers.map((b, index) => ({ ...b, offset: plan.offsets[index] ?? 0 }));
      placed.forEach((a, index) => {
        expect(a.offset % 8).toBe(0);
        for (const b of placed.slice(index + 1)) {
          const together = a.start <= b.end && b.start <= a.end;
          const apart = a.offset + a.bytes <= b.offset || b.offset + b.bytes <= a.offset;
          expect(!together || apart).toBe(true);
        }
      });
      expect(plan.peakBytes).toBeGreaterThanOrEqual(livePeak(buffers).bytes);
    }),
  );
});
