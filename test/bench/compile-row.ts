/** What one compilation took. */

export interface CompileRow {
  readonly model: string;
  /** A release, or parity. */
  readonly driver: string;
  readonly call: "reference" | "sandboxed" | "in a process";
  /** Precision and chip. */
  readonly what: string;
  /** Of all threads; the wall's where the machine does not say. */
  readonly processorMs: number;
  readonly wallMs: number;
  readonly residentMebibytesPeak: number;
}
