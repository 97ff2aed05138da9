/**
 * Every number of the chips that no source gives: at most six, the same on all chips and in all precisions. They come
 * from `npm run fidelity:fit`, which fits them on the calibration set of measured latencies and on nothing else.
 */
export const FITTED = {
  /** Cycles from one task of an HVX context to the next: taken from a queue by the scalar thread, loop set up, pipeline filled. */
  hvxDispatchCycles: 800,
  /** Cycles a packet of vector instructions takes on average, in hundredths: what waits for registers and for VTCM. */
  hvxPacketPercent: 100,
  /** DDR time to the first byte of a transfer. */
  dmaLatencyNs: 500,
} as const;

export type Fitted = Readonly<Record<keyof typeof FITTED, number>>;
