/** How the sandboxed program says what ended it. */

export const EXIT_CODES = {
  /** The driver threw. */
  crashed: 70,
  /** An allocation failed inside the driver. */
  memory: 71,
  /** The agent went away. */
  orphaned: 72,
} as const;
