/**
 * Seeded pseudo-random numbers: xoshiro128** (Blackman and Vigna, 2018), seeded with SplitMix32.
 * Not for secrets.
 */

// Bound once: a lookup on the global object costs more than the operation in some hosts.
const { floor, imul } = Math;

export interface Random {
  /** An unsigned 32-bit integer. */
  uint32(): number;
  /** In [0, 1), 24 bits. */
  uniform(): number;
  /** A whole number in [0, count). */
  below(count: number): number;
  /** Standard normal (sum of twelve uniforms, minus six: no transcendental functions, so equal on every machine). */
  normal(): number;
}

export function seededRandom(seed: number): Random {
  const state = new Uint32Array(4);
  let mix = seed >>> 0;
  for (let index = 0; index < 4; index++) {
    mix = (mix + 0x9e3779b9) >>> 0;
    let z = mix;
    z = imul(z ^ (z >>> 16), 0x21f0aaad);
    z = imul(z ^ (z >>> 15), 0x735a2d97);
    state[index] = z ^ (z >>> 15);
  }
  const uint32 = (): number => nextState(state);
  const uniform = (): number => (uint32() >>> 8) / 0x1000000;
  return {
    uint32,
    uniform,
    below: (count) => floor(uniform() * count),
    normal: () => {
      let sum = -6;
      for (let index = 0; index < 12; index++) sum += uniform();
      return sum;
    },
  };
}

function nextState(state: Uint32Array): number {
  const s0 = state[0] ?? 0;
  const s1 = state[1] ?? 0;
  const s2 = state[2] ?? 0;
  const s3 = state[3] ?? 0;
  const result = imul(rotateLeft(imul(s1, 5), 7), 9) >>> 0;
  state[2] = s2 ^ s0;
  state[3] = s3 ^ s1;
  state[1] = s1 ^ (s2 ^ s0);
  state[0] = s0 ^ (s3 ^ s1);
  state[2] = s2 ^ s0 ^ (s1 << 9);
  state[3] = rotateLeft(s3 ^ s1, 11);
  return result;
}

function rotateLeft(value: number, bits: number): number {
  return (value << bits) | (value >>> (32 - bits));
}
