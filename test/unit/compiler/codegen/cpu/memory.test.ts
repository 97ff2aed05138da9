import { describe, expect, test } from "@jest/globals";
import fc from "fast-check";
import type { Lifetime } from "../../../../../compiler/codegen/cpu/memory.ts";
import { arrangeBuffers } from "../../../../../compiler/codegen/cpu/memory.ts";

const lifetime: fc.Arbitrary<Lifetime> = fc
  .tuple(
    fc.integer({ min: 1, max: 5000 }),
    fc.integer({ min: 0, max: 20 }),
    fc.integer({ min: 0, max: 5 }),
  )
  .map(([bytes, firstStage, stages]) => ({ bytes, firstStage, lastStage: firstStage + stages }));

/** What is alive at once, at its worst: no arrangement needs less. */
function lowerBound(buffers: readonly Lifetime[]): number {
  const alive = (stage: number): number =>
    buffers
      .filter((buffer) => buffer.firstStage <= stage && stage <= buffer.lastStage)
      .reduce((sum, buffer) => sum + Math.ceil(buffer.bytes / 64) * 64, 0);
  return Math.max(0, ...buffers.map((buffer) => alive(buffer.firstStage)));
}

describe("arrangeBuffers", () => {
  test("buffers that live at the same time never overlap", () => {
    fc.assert(
      fc.property(fc.array(lifetime, { maxLength: 40 }), (buffers) => {
        const { offsets, totalBytes } = arrangeBuffers(buffers);
        for (const [index, a] of buffers.entries()) {
          expect(offsets[index]! + a.bytes).toBeLessThanOrEqual(totalBytes);
          for (const [other, b] of buffers.entries()) {
            const together = a.firstStage <= b.lastStage && b.firstStage <= a.lastStage;
            if (index === other || !together) continue;
            const apart =
              offsets[index]! + a.bytes <= offsets[other]! ||
              offsets[other]! + b.bytes <= offsets[index]!;
            expect(apart).toBe(true);
          }
        }
      }),
    );
  });

  test("a chain of layers takes the size of its largest pair", () => {
    const chain = [640, 1280, 6400, 3200, 64].map((bytes, stage) => ({
      bytes,
      firstStage: stage,
      lastStage: stage + 1,
    }));
    expect(arrangeBuffers(chain).totalBytes).toBe(lowerBound(chain));
  });

  test("random lifetimes stay within 1.5 times the lower bound", () => {
    fc.assert(
      fc.property(fc.array(lifetime, { minLength: 1, maxLength: 60 }), (buffers) => {
        const { totalBytes } = arrangeBuffers(buffers);
        expect(totalBytes).toBeLessThanOrEqual(lowerBound(buffers) * 1.5);
      }),
    );
  });
});
