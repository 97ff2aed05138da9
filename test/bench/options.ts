/** What every bench takes. */

export interface BenchOptions {
  readonly only?: string;
  readonly seed: number;
}
