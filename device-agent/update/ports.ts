/** What the update client needs of the world: a way to fetch files and a place to keep metadata. */
import type { Result } from "../../protocol/base/result.ts";

/** `NOT_FOUND` is an answer (there is no newer root); the others are failures. */
export type FetchCode = "NOT_FOUND" | "FETCH_TOO_LARGE" | "FETCH_FAILED";

/** A file of the repository by its path, refused as soon as it exceeds the limit. */
export type Fetch = (path: string, bytesMax: number) => Promise<Result<Uint8Array, FetchCode>>;

/**
 * Keeps one document a role: `root`, `timestamp`, `snapshot`, `targets` and delegated roles by their
 * name. What was put is durable before anything is kept that rests on it.
 */
export interface MetadataStore {
  get(role: string): Promise<Uint8Array | undefined>;
  put(role: string, bytes: Uint8Array): Promise<void>;
  /** Durable when this returns. */
  remove(...roles: readonly string[]): Promise<void>;
}
