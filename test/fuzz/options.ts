/** What every fuzzing run takes. */

export interface FuzzOptions {
  readonly cases: number;
  readonly seed: number;
  /** Folders of real files. */
  readonly corpus?: readonly string[];
}
