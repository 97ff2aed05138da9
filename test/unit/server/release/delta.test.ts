/** Deltas give their target back whatever the two bundles are; hostile ones are refused, in bounded memory. */
import { describe, expect, test } from "@jest/globals";
import fc from "fast-check";
import { concatBytes, utf8 } from "../../../../protocol/base/bytes.ts";
import { seededRandom } from "../../../../protocol/base/random.ts";
import {
  applyDelta,
  BUNDLE_BYTES_MAX,
  encodeDelta,
  readDeltaIndex,
  usableDeltas,
  type DeltaStreams,
} from "../../../../protocol/bundle/index.ts";
import { sha256Hex } from "../../../../protocol/crypto/index.ts";
import { inflateBrotli } from "../../../../device-agent/shell/inflate.ts";
import { BROTLI } from "../../../../server/jobs/deltas.ts";
import { compressBundle, makeDelta } from "../../../../server/release/index.ts";
import { blockDelta } from "../../../../server/release/delta/block-delta.ts";
import { suffixDelta } from "../../../../server/release/delta/suffix-delta.ts";
import { longestMatch, suffixArray } from "../../../../server/release/delta/suffix-array.ts";

const LIMITS = { inflate: inflateBrotli, resultBytesMax: BUNDLE_BYTES_MAX };

/** Bytes of few values, so that everything repeats. */
const text = (max = 300) => fc.uint8Array({ maxLength: max, max: 3 });

/** A target with pieces of its base, moved and slightly changed. */
const edited = fc
  .tuple(text(), fc.array(fc.tuple(fc.nat(300), fc.nat(80), text(6))))
  .map(([base, edits]): [Uint8Array, Uint8Array] => [
    base,
    concatBytes(edits.flatMap(([at, length, more]) => [base.subarray(at, at + length), more])),
  ]);

describe.each([
  ["suffix", suffixDelta],
  ["block", blockDelta],
] as const)("a %s delta", (_name, way) => {
  test("gives its target back", () => {
    fc.assert(
      fc.property(edited, ([base, target]) => {
        const delta = encodeDelta(target.length, way(base, target), BROTLI.compress);
        expect(applyDelta(delta, base, LIMITS)).toEqual({ ok: true, value: target });
      }),
      { numRuns: 150 },
    );
  });
});

test("the suffix array has every suffix in order, and finds the longest match", () => {
  fc.assert(
    fc.property(text(120), text(30), (base, wanted) => {
      const order = suffixArray(base);
      const suffixes = [...order].map((at) => Buffer.from(base.subarray(at)));
      const sorted = [...suffixes].sort(Buffer.compare);
      expect(suffixes).toEqual(sorted);
      expect(new Set(order).size).toBe(base.length);
      const { at, length } = longestMatch({ text: base, order }, wanted, 0);
      expect(base.subarray(at, at + length)).toEqual(wanted.subarray(0, length));
      const longer = Buffer.from(wanted.subarray(0, length + 1));
      expect(length === wanted.length || Buffer.from(base).indexOf(longer) < 0).toBe(true);
    }),
    { numRuns: 150 },
  );
});

test("code whose addresses shift needs a fraction of the compressed whole", () => {
  const random = seededRandom(5);
  const base = Uint8Array.from({ length: 60_000 }, () => random.below(256));
  const target = concatBytes([base.subarray(0, 20_000), utf8("inserted"), base.subarray(20_000)]);
  for (let at = 0; at < target.length; at += 40) target[at]! += 4;
  const delta = makeDelta(base, target, BROTLI);
  expect(delta?.algorithm).toBe("suffix");
  const whole = compressBundle(target, BROTLI).bytes.length;
  expect((delta?.bytes.length ?? Infinity) / whole).toBeLessThan(0.15);
});

const BASE = utf8("the base that is here");
const streams = (change: Partial<DeltaStreams>): DeltaStreams => ({
  operations: Uint8Array.from([4, 3, 0]),
  differences: new Uint8Array(0),
  literals: utf8("with"),
  ...change,
});
const good = encodeDelta(7, streams({}), BROTLI.compress);
const announced = (offset: number, value: number): Uint8Array => {
  const delta = good.slice();
  new DataView(delta.buffer).setUint32(offset, value, true);
  return delta;
};
const bomb = BROTLI.compress(new Uint8Array(8 << 20));
const HOSTILE: readonly (readonly [string, string, Uint8Array])[] = [
  ["DELTA_MALFORMED", "nothing", new Uint8Array(0)],
  ["DELTA_MALFORMED", "another file", utf8("RTLBNDL1 and more than a header of a delta")],
  ["DELTA_MALFORMED", "a cut end", good.subarray(0, -1)],
  ["DELTA_MALFORMED", "something behind its end", concatBytes([good, utf8("x")])],
  ["DELTA_TOO_LARGE", "a result beyond any bundle", announced(8, BUNDLE_BYTES_MAX + 1)],
  ["DELTA_TOO_LARGE", "a stream longer than its result", announced(28, 8)],
  ["DELTA_MALFORMED", "a shorter stream than it says", announced(28, 5)],
  ["DELTA_MALFORMED", "a result that is never filled", announced(8, 9)],
  [
    "DELTA_OUT_OF_BOUNDS",
    "a copy behind the base",
    encodeDelta(7, streams({ operations: Uint8Array.from([4, 3, 40]) }), BROTLI.compress),
  ],
  [
    "DELTA_OUT_OF_BOUNDS",
    "a copy before the base",
    encodeDelta(7, streams({ operations: Uint8Array.from([4, 3, 1]) }), BROTLI.compress),
  ],
  [
    "DELTA_OUT_OF_BOUNDS",
    "more literals than there are",
    encodeDelta(7, streams({ operations: Uint8Array.from([5, 2, 0]) }), BROTLI.compress),
  ],
  [
    "DELTA_OUT_OF_BOUNDS",
    "a length of five bytes",
    encodeDelta(
      7,
      streams({ operations: Uint8Array.from([4, 255, 255, 255, 255, 15, 0]) }),
      BROTLI.compress,
    ),
  ],
  [
    "DELTA_MALFORMED",
    "an operation that is cut off",
    encodeDelta(7, streams({ operations: Uint8Array.from([4, 3, 0, 1]) }), BROTLI.compress),
  ],
  [
    "DELTA_MALFORMED",
    "a bomb for a stream",
    encodeDelta(7, streams({}), (bytes) => (bytes.length === 4 ? bomb : BROTLI.compress(bytes))),
  ],
];

describe("a hostile delta", () => {
  test.each(HOSTILE)("%s: %s", (code, _name, delta) => {
    expect(applyDelta(delta, BASE, LIMITS)).toMatchObject({ ok: false, code });
  });

  test("with any one byte changed never does more than fail or give other bytes", () => {
    for (let at = 0; at < good.length; at++) {
      for (const flip of [1, 128, 255]) {
        const changed = good.slice();
        changed[at]! ^= flip;
        const applied = applyDelta(changed, BASE, LIMITS);
        expect(applied.ok ? applied.value.length : 0).toBeLessThan(2000);
      }
    }
  });
});

describe("an index of deltas", () => {
  const [here, absent] = [sha256Hex(utf8("here")), sha256Hex(utf8("absent"))];
  const entry = (from: string | null, bytes: number) => ({
    from,
    bytes,
    sha256: here,
    algorithm: "x",
  });
  const index = readDeltaIndex(
    utf8(
      JSON.stringify({
        format: 1,
        deltas: [entry(here, 90), entry(null, 50), entry(absent, 1), entry(here, 2000)],
      }),
    ),
  );

  test("offers what the device can apply and what saves bytes, the smallest first", () => {
    const usable = index && usableDeltas(index, new Set([here]), 1000);
    expect(usable?.map(({ bytes }) => bytes)).toEqual([50, 90]);
  });

  test.each([
    ["no JSON", "{"],
    ["another format", '{"format":2,"deltas":[]}'],
    [
      "a name that is no hash",
      `{"format":1,"deltas":[{"from":null,"sha256":"../x","bytes":1,"algorithm":""}]}`,
    ],
  ])("of %s is none", (_name, json) => {
    expect(readDeltaIndex(utf8(json))).toBeUndefined();
  });
});
