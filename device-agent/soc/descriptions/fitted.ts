/**
 * Every number of the chips that no source gives: at most six, the same on all chips and in all precisions. They come
 * from `npm run fidelity:fit`, which fits them on the calibration set of measured latencies and on nothing else.
 */
export const FITTED = {
  /** Cycles from one task of an HVX context to the next: taken from a queue by the scalar thread, loop set up, pipeline filled. */
  hvxDispatchCycles: 903,
  /**
   * Cycles of a hundred packets as the resource table counts them: stalls add to it, and what the table prices one by
   * one and a scheduler shares, such as the loads of neighbouring taps, takes from it.
   */
  hvxPacketPercent: 77,
  /** DDR time to the first byte of a transfer. */
  dmaLatencyNs: 363,
} as const;

export type Fitted = Readonly<Record<keyof typeof FITTED, number>>;
