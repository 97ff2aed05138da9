/** What a repository consists of, and what an operator adds to it. */

/** What is published now: the bytes of the newest file of every role. */
export interface RepositoryState {
  readonly root: Uint8Array;
  /** `targets` and every delegated role; empty before the first release. */
  readonly targets: ReadonlyMap<string, Uint8Array>;
  readonly snapshot: Uint8Array | null;
  readonly timestamp: Uint8Array | null;
}

/** What an operator hands in, signed offline; every part may be absent. */
export interface Submission {
  /** Successors of the current root, in order. */
  readonly roots?: readonly Uint8Array[];
  /** New metadata of `targets` and of delegated roles. */
  readonly targets?: ReadonlyMap<string, Uint8Array>;
  /** The contents of newly listed targets, by target path. */
  readonly contents?: ReadonlyMap<string, Uint8Array>;
}
