/** What the fuzzing run and its processes say to each other: one JSON object a line. */

export interface ChildTask {
  readonly seed: number;
  /** Case numbers, [first, end). */
  readonly first: number;
  readonly end: number;
  readonly corpus: readonly string[];
}

export interface Violation {
  readonly kind: "crash" | "hang" | "memory";
  readonly index: number;
  readonly model: string;
  readonly message: string;
}

export type ChildMessage =
  | { readonly kind: "violation"; readonly violation: Violation }
  | {
      readonly kind: "progress";
      /** The case that comes next. */
      readonly next: number;
      /** How often each outcome came since the last message. */
      readonly outcomes: readonly (readonly [outcome: string, count: number])[];
      readonly peakBytes: number;
    };
