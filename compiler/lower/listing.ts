/** What lowering hands to the assembler: instructions in plain sequential order, each on its queue. */
import type { FieldsOf, Mnemonic, QueueId, ReadPointer } from "../../protocol/isa/index.ts";

/** An instruction before synchronisation. */
export type Draft = {
  [M in Mnemonic]: { readonly op: M; readonly origin: number } & FieldsOf<M>;
}[Mnemonic];

export interface Placed {
  /** Index into `Listing.queues`. */
  readonly queue: number;
  readonly draft: Draft;
}

export interface Listing {
  readonly queues: readonly QueueId[];
  readonly sequence: readonly Placed[];
  /** Bytes by region index; undefined for regions that the program never writes. */
  readonly regionBytes: readonly (number | undefined)[];
  readonly pointer: ReadPointer;
}
