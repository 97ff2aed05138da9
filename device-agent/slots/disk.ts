/**
 * The disk as a port: single steps whose durability is asked for separately, as an operating system offers
 * them. Everything that the agent keeps goes through here, so that every step can be made to fail.
 * Paths are relative to the agent's own directory, with forward slashes; "" is that directory itself.
 */

export interface Disk {
  /** The file's bytes, or undefined when there is none. */
  read(path: string): Promise<Uint8Array | undefined>;
  /** Creates or overwrites a file. Durable after `sync(path)` and `syncDirectory` of its parent. */
  write(path: string, bytes: Uint8Array): Promise<void>;
  /** Creates the file when there is none. */
  append(path: string, bytes: Uint8Array): Promise<void>;
  sync(path: string): Promise<void>;
  syncDirectory(path: string): Promise<void>;
  /** Files and directories; a file at `to` is replaced in one step. */
  rename(from: string, to: string): Promise<void>;
  /** With all that is in it; nothing happens when it is absent. */
  remove(path: string): Promise<void>;
  /** One level, whose parent exists; nothing happens when it is there already. */
  makeDirectory(path: string): Promise<void>;
  /** Sorted names; none when the directory is absent. */
  list(path: string): Promise<readonly string[]>;
  stat(path: string): Promise<DiskEntry | undefined>;
  freeBytes(): Promise<number>;
}

export interface DiskEntry {
  readonly kind: "file" | "directory";
  /** Zero for directories. */
  readonly bytes: number;
}

/** What a Disk throws, as a CodedError: a disk can fail at every step, so no step returns it as a value. */
export type DiskCode = "NO_SPACE" | "DISK_FAILED";

export function parentOf(path: string): string {
  const slash = path.lastIndexOf("/");
  return slash < 0 ? "" : path.slice(0, slash);
}
