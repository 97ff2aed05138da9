/** A Disk in memory that forgets, on power loss, whatever was not synced. */
import { assert } from "../../protocol/base/assert.ts";
import { concatBytes } from "../../protocol/base/bytes.ts";
import { CodedError } from "../../protocol/base/result.ts";
import { parentOf, type Disk } from "./disk.ts";

export interface MemoryDisk extends Disk {
  /** Everything that was not synced is gone: file contents and directory entries alike. */
  losePower(): void;
}

interface FileNode {
  readonly kind: "file";
  bytes: Uint8Array;
  durableBytes: Uint8Array;
}
interface DirectoryNode {
  readonly kind: "directory";
  entries: Map<string, Node>;
  durableEntries: Map<string, Node>;
}
type Node = FileNode | DirectoryNode;

export function memoryDisk(capacityBytes = Infinity): MemoryDisk {
  const root = emptyDirectory();
  const find = (path: string): Node | undefined => findBelow(root, path);
  const store = (path: string, bytes: Uint8Array): void => {
    const old = find(path);
    const oldBytes = old?.kind === "file" ? old.bytes.length : 0;
    if (usedBytes(root) - oldBytes + bytes.length > capacityBytes) throw noSpace(capacityBytes);
    if (old?.kind === "file") old.bytes = bytes;
    else {
      const file: Node = { kind: "file", bytes, durableBytes: new Uint8Array(0) };
      directoryOf(root, path).entries.set(nameOf(path), file);
    }
  };
  const at = <T>(act: () => T): Promise<T> => new Promise((resolve) => resolve(act()));
  return {
    read: (path) => at(() => fileBytes(find(path))?.slice()),
    write: (path, bytes) => at(() => store(path, bytes.slice())),
    append: (path, bytes) =>
      at(() => store(path, concatBytes([fileBytes(find(path)) ?? new Uint8Array(0), bytes]))),
    sync: (path) =>
      at(() => {
        const file = find(path);
        if (file?.kind !== "file") throw absent(path);
        file.durableBytes = file.bytes;
      }),
    syncDirectory: (path) =>
      at(() => {
        const directory = find(path);
        if (directory?.kind !== "directory") throw absent(path);
        directory.durableEntries = new Map(directory.entries);
      }),
    rename: (from, to) =>
      at(() => {
        const node = find(from);
        if (node === undefined) throw absent(from);
        directoryOf(root, to).entries.set(nameOf(to), node);
        directoryOf(root, from).entries.delete(nameOf(from));
      }),
    remove: (path) => at(() => void directoryOf(root, path).entries.delete(nameOf(path))),
    makeDirectory: (path) =>
      at(() => {
        if (find(path) === undefined) {
          directoryOf(root, path).entries.set(nameOf(path), emptyDirectory());
        }
      }),
    list: (path) =>
      at(() => {
        const directory = find(path);
        return directory?.kind === "directory" ? [...directory.entries.keys()].sort() : [];
      }),
    stat: (path) =>
      at(() => {
        const node = find(path);
        return node && { kind: node.kind, bytes: fileBytes(node)?.length ?? 0 };
      }),
    freeBytes: () => at(() => capacityBytes - usedBytes(root)),
    losePower: () => forgetUnsynced(root),
  };
}

function findBelow(root: DirectoryNode, path: string): Node | undefined {
  let node: Node | undefined = root;
  for (const name of path === "" ? [] : path.split("/")) {
    node = node?.kind === "directory" ? node.entries.get(name) : undefined;
  }
  return node;
}

function directoryOf(root: DirectoryNode, path: string): DirectoryNode {
  assert(path !== "", "the root is not an entry");
  const parent = findBelow(root, parentOf(path));
  if (parent?.kind !== "directory") throw absent(parentOf(path));
  return parent;
}

function emptyDirectory(): DirectoryNode {
  return { kind: "directory", entries: new Map(), durableEntries: new Map() };
}

function fileBytes(node: Node | undefined): Uint8Array | undefined {
  return node?.kind === "file" ? node.bytes : undefined;
}

function nameOf(path: string): string {
  return path.slice(path.lastIndexOf("/") + 1);
}

function usedBytes(node: Node): number {
  if (node.kind === "file") return node.bytes.length;
  return [...node.entries.values()].reduce((total, entry) => total + usedBytes(entry), 0);
}

function forgetUnsynced(node: Node): void {
  if (node.kind === "file") node.bytes = node.durableBytes;
  else {
    node.entries = new Map(node.durableEntries);
    for (const entry of node.entries.values()) forgetUnsynced(entry);
  }
}

function absent(path: string): CodedError {
  return new CodedError("DISK_FAILED", `there is no ${path === "" ? "directory" : path}`);
}

function noSpace(capacityBytes: number): CodedError {
  return new CodedError("NO_SPACE", `the disk of ${capacityBytes} bytes is full`);
}
