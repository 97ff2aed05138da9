/** What the driver host needs of the machine: child processes, and time to limit them by. */
import type { Instant } from "../../protocol/base/brand.ts";

export interface Clock {
  now(): Instant;
  /** Acts once, after so many milliseconds, unless the function that it returns is called before. */
  after(milliseconds: number, act: () => void): () => void;
}

export interface Command {
  readonly program: string;
  readonly arguments: readonly string[];
}

export interface Processes {
  /** Starts a program with an empty environment. */
  spawn(command: Command, events: ChildEvents): Child;
}

export interface ChildEvents {
  onOutput(bytes: Uint8Array): void;
  onErrorOutput(bytes: Uint8Array): void;
  /** Once, after the last output; also when the program could not be started. */
  onExit(exit: ChildExit): void;
}

export type ChildExit =
  | { readonly kind: "exited"; readonly code: number }
  | { readonly kind: "killed"; readonly signal: string }
  | { readonly kind: "not_started"; readonly because: string };

export interface Child {
  write(bytes: Uint8Array): void;
  endInput(): void;
  kill(): void;
  /** Undefined once it has exited, and where the machine does not say. */
  memory(): Promise<ResidentMemory | undefined>;
}

export interface ResidentMemory {
  readonly bytes: number;
  readonly bytesPeak: number;
}
