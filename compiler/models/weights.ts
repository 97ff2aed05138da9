/** Where a network's weights come from: a seed, or nothing at all when only its shape is of interest. */
import type { Random } from "../../protocol/base/random.ts";
import { seededRandom } from "../../protocol/base/random.ts";

export interface FilterShape {
  /** Filters of `fanIn` weights each. */
  readonly count: number;
  readonly fanIn: number;
  readonly deviation: number;
}

export interface VectorShape {
  readonly count: number;
  readonly mean: number;
  /** Values are uniform in mean ± spread. */
  readonly spread: number;
}

export interface Weights {
  filters(shape: FilterShape): Float32Array;
  vector(shape: VectorShape): Float32Array;
}

export function seededWeights(seed: number): Weights {
  const random = seededRandom(seed);
  return {
    filters: (shape) => filters(random, shape),
    vector: (shape) => around(random, shape),
  };
}

/**
 * Filters that are all zero and share their memory, vectors at their mean: a network of 90 million
 * parameters costs nothing to build. Times do not depend on data, results do.
 */
export function blankWeights(): Weights {
  let zeros = new Float32Array(0);
  return {
    filters: ({ count, fanIn }) => {
      if (zeros.length < count * fanIn) zeros = new Float32Array(count * fanIn);
      return zeros.subarray(0, count * fanIn);
    },
    vector: ({ count, mean }) => new Float32Array(count).fill(mean),
  };
}

/**
 * `count` filters of `fanIn` weights, roughly normal: the sum of four bytes of one random word. The
 * mean of every larger filter is taken out: otherwise the common mean of rectified inputs would
 * drown the image within a few layers, which training prevents in real networks.
 */
function filters(random: Random, shape: FilterShape): Float32Array {
  const { count, fanIn, deviation } = shape;
  const data = new Float32Array(count * fanIn);
  const scale = deviation / BYTE_SUM_DEVIATION;
  for (let start = 0; start < data.length; start += fanIn) {
    let sum = 0;
    for (let index = start; index < start + fanIn; index++) {
      const word = random.uint32();
      const bytes = (word & 255) + ((word >>> 8) & 255) + ((word >>> 16) & 255) + (word >>> 24);
      const value = (bytes - BYTE_SUM_MEAN) * scale;
      data[index] = value;
      sum += value;
    }
    const mean = fanIn > DEPTHWISE_TAPS ? sum / fanIn : 0;
    for (let index = start; index < start + fanIn; index++) data[index] = (data[index] ?? 0) - mean;
  }
  return data;
}

const BYTE_SUM_MEAN = 510;
/** sqrt(4 * (256² - 1) / 12). */
const BYTE_SUM_DEVIATION = 147.8;
const DEPTHWISE_TAPS = 9;

function around(random: Random, { count, mean, spread }: VectorShape): Float32Array {
  return Float32Array.from({ length: count }, () => mean + (2 * random.uniform() - 1) * spread);
}
