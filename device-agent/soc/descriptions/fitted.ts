/**
 * Every number of the chips that no source gives: at most six, the same on all chips and in all precisions. They come
 * from `npm run fidelity:fit`, which fits them on the calibration set of measured latencies and on nothing else. They
 * also steer the compiler, which orders work by them, so that a second fit moves them by a percent or two.
 */
export const FITTED = {
  /** Cycles from one task of an HVX context to the next: taken from a queue by the scalar thread, loop set up, pipeline filled. */
  hvxDispatchCycles: 1206,
  /**
   * Cycles of a hundred packets as the resource table counts them: stalls add to it, and what the table prices one by
   * one and a scheduler shares, such as products that accumulate in the packet that makes them, takes from it.
   */
  hvxPacketPercent: 27,
  /** Cycles in which the matrix engine converts the sums of one output crouton and writes it. */
  hmxStoreCycles: 62,
  /** DDR time to the first byte of a transfer. */
  dmaLatencyNs: 286,
} as const;

export type Fitted = Readonly<Record<keyof typeof FITTED, number>>;
