/** What the hazard check remembers about memory: who wrote and read a place last, and whether it was written. */

/** One access, and the vector clock of the instruction that makes it. */
export interface Access {
  readonly lane: number;
  readonly index: number;
  readonly clock: Int32Array;
}

/** The earlier access that nothing orders before the one being made. */
export interface Conflict {
  readonly kind: "race";
  readonly lane: number;
  readonly index: number;
  readonly earlier: "writes" | "reads";
  /** Bytes from the start of the region. */
  readonly offset: number;
}

export interface Uninitialised {
  readonly kind: "uninitialised";
  readonly offset: number;
}

export type Hazard = Conflict | Uninitialised;

/** Shadow of one region; undefined = no hazard. Spans lie within the region. */
export interface Shadow {
  read(offset: number, bytes: number, access: Access): Hazard | undefined;
  /** Does not make the bytes initialised: a span may cover gaps between what is really written. */
  write(offset: number, bytes: number, access: Access): Hazard | undefined;
  initialise(offset: number, bytes: number): void;
  /** Everything so far has completed: a new segment begins. */
  settle(): void;
  /** The first byte that nobody wrote; undefined when all are written. */
  firstUnwritten(): number | undefined;
}
