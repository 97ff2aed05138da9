/**
 * Every number of the chips that no source gives: at most six, the same on all chips and in all precisions. They come
 * from `npm run fidelity:fit`, which fits them on the calibration set of measured latencies and on nothing else.
 */
export const FITTED = {
  /** Cycles from one task of an HVX context to the next: taken from a queue by the scalar thread, loop set up, pipeline filled. */
  hvxDispatchCycles: 1202,
  /**
   * Cycles of a hundred packets as the resource table counts them: stalls add to it, and what the table prices one by
   * one and a scheduler shares, such as products that accumulate in the packet that makes them, takes from it.
   */
  hvxPacketPercent: 32,
  /** Cycles in which the matrix engine converts the sums of one output crouton and writes it. */
  hmxStoreCycles: 66,
  /** DDR time to the first byte of a transfer. */
  dmaLatencyNs: 353,
  /** Vector contexts of v75: published is only that there are 4 to 6 (arXiv 2509.23324). */
  v75HvxContexts: 5,
} as const;

export type Fitted = Readonly<Record<keyof typeof FITTED, number>>;
