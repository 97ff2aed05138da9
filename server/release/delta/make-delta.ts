/** Tries every way to bring a bundle to a device, and keeps the one with the fewest bytes. */
import { assert } from "../../../protocol/base/assert.ts";
import { equalBytes } from "../../../protocol/base/bytes.ts";
import {
  applyDelta,
  encodeDelta,
  type DeltaStreams,
  type Inflate,
} from "../../../protocol/bundle/index.ts";
import { blockDelta } from "./block-delta.ts";
import { suffixDelta } from "./suffix-delta.ts";

export interface Compression {
  readonly compress: (bytes: Uint8Array) => Uint8Array;
  readonly inflate: Inflate;
}

export interface Delta {
  readonly algorithm: "suffix" | "block" | "whole";
  readonly bytes: Uint8Array;
}

/** Above this the suffix array takes more memory than publishing should: the other ways remain. */
const SUFFIX_BYTES_MAX = 32 << 20;

const NOTHING = new Uint8Array(0);

type Way = (base: Uint8Array, target: Uint8Array) => DeltaStreams;

const WAYS: Readonly<Record<Exclude<Delta["algorithm"], "whole">, Way>> = {
  suffix: suffixDelta,
  block: blockDelta,
};

/** The smallest delta over `base`; whether it beats the compressed bundle is for the caller to see. */
export function makeDelta(
  base: Uint8Array,
  target: Uint8Array,
  compression: Compression,
): Delta | undefined {
  const algorithms = (Object.keys(WAYS) as (keyof typeof WAYS)[]).filter(
    (name) => name !== "suffix" || base.length <= SUFFIX_BYTES_MAX,
  );
  const tried = algorithms.map((algorithm) => {
    const streams = WAYS[algorithm](base, target);
    const bytes = encodeDelta(target.length, streams, compression.compress);
    return checked({ algorithm, bytes }, base, { target, compression });
  });
  return tried.sort((a, b) => a.bytes.length - b.bytes.length)[0];
}

/** For a device that has none of the bases. */
export function compressBundle(target: Uint8Array, compression: Compression): Delta {
  const streams = { operations: wholeOperations(target), differences: NOTHING, literals: target };
  const bytes = encodeDelta(target.length, streams, compression.compress);
  return checked({ algorithm: "whole", bytes }, NOTHING, { target, compression });
}

/** All of it literal: so many, none copied, no seek. */
function wholeOperations(target: Uint8Array): Uint8Array {
  return blockDelta(NOTHING, target).operations;
}

/** A delta that does not give its target back is a bug of this folder. */
function checked(
  delta: Delta,
  base: Uint8Array,
  { target, compression }: { readonly target: Uint8Array; readonly compression: Compression },
): Delta {
  const applied = applyDelta(delta.bytes, base, {
    inflate: compression.inflate,
    resultBytesMax: target.length,
  });
  assert(applied.ok && equalBytes(applied.value, target), `a ${delta.algorithm} delta is wrong`);
  return delta;
}
