/**
 * A disk as an operating system keeps it: what processes see lies in memory, and what survives a power loss
 * is what was synced, plus any part of the rest. Files remember their unsynced writes, directories their
 * unsynced entries, so that every permitted outcome of a power loss can be made (power-loss.ts).
 */
import { assert } from "../../../protocol/base/assert.ts";
import { concatBytes } from "../../../protocol/base/bytes.ts";
import { CodedError } from "../../../protocol/base/result.ts";
import { parentOf, type Disk } from "../../../device-agent/slots/index.ts";

/** One unsynced change of a file's bytes; a truncation to nothing is a write of no bytes at -1. */
export type FileChange =
  | { readonly kind: "truncate" }
  | { readonly kind: "write"; readonly offset: number; readonly bytes: Uint8Array };

/** One unsynced change of a directory. A rename within it is one change, as journaling file systems make it. */
export type EntryChange =
  | { readonly kind: "link"; readonly name: string; readonly node: Node }
  | { readonly kind: "unlink"; readonly name: string }
  | {
      readonly kind: "rename";
      readonly from: string;
      readonly name: string;
      readonly node: Node;
    };

export interface FileNode {
  readonly kind: "file";
  bytes: Uint8Array;
  durable: Uint8Array;
  pending: FileChange[];
}
export interface DirectoryNode {
  readonly kind: "directory";
  entries: Map<string, Node>;
  durable: Map<string, Node>;
  pending: EntryChange[];
}
export type Node = FileNode | DirectoryNode;

export interface PageCacheDisk extends Disk {
  readonly root: DirectoryNode;
  /** Everything that was not synced is gone: file contents and directory entries alike. */
  losePower(): void;
  /** A sync that the device refuses: Linux then counts the pages as clean, and no later sync writes them. */
  failSync(path: string): void;
}

/** `root` is taken over, not copied. */
export function pageCacheDisk(capacityBytes = Infinity, root = emptyDirectory()): PageCacheDisk {
  const find = (path: string): Node | undefined => findBelow(root, path);
  const change = (path: string, change: FileChange): void => {
    const file = ensureFile(root, path);
    const bytes = changedBytes(file.bytes, change);
    const grownBytes = bytes.length - file.bytes.length;
    if (usedBytes(root) + grownBytes > capacityBytes) throw noSpace(capacityBytes);
    file.bytes = bytes;
    file.pending.push(change);
  };
  const at = <T>(act: () => T): Promise<T> => new Promise((resolve) => resolve(act()));
  return {
    root,
    read: (path) => at(() => fileOf(find(path))?.bytes.slice()),
    write: (path, bytes) =>
      at(() => {
        change(path, { kind: "truncate" });
        change(path, { kind: "write", offset: 0, bytes: bytes.slice() });
      }),
    append: (path, bytes) =>
      at(() => {
        const offset = fileOf(find(path))?.bytes.length ?? 0;
        change(path, { kind: "write", offset, bytes: bytes.slice() });
      }),
    sync: (path) => at(() => syncFile(presentFile(find(path), path))),
    syncDirectory: (path) => at(() => syncEntries(presentDirectory(find(path), path))),
    rename: (from, to) => at(() => rename(root, from, to)),
    remove: (path) =>
      at(() => {
        const name = nameOf(path);
        const parent = findBelow(root, parentOf(path));
        if (parent?.kind === "directory") unlink(parent, name);
      }),
    makeDirectory: (path) =>
      at(() => {
        if (find(path) !== undefined) return;
        const parent = presentDirectory(findBelow(root, parentOf(path)), parentOf(path));
        applyEntry(parent, { kind: "link", name: nameOf(path), node: emptyDirectory() });
      }),
    list: (path) =>
      at(() => {
        const directory = find(path);
        return directory?.kind === "directory" ? [...directory.entries.keys()].sort() : [];
      }),
    stat: (path) =>
      at(() => {
        const node = find(path);
        return node && { kind: node.kind, bytes: fileOf(node)?.bytes.length ?? 0 };
      }),
    freeBytes: () => at(() => capacityBytes - usedBytes(root)),
    losePower: () => forgetUnsynced(root),
    failSync: (path) => {
      const node = find(path);
      if (node?.kind === "file") node.pending = [];
    },
  };
}

export function emptyDirectory(): DirectoryNode {
  return { kind: "directory", entries: new Map(), durable: new Map(), pending: [] };
}

/** The bytes of a file after one change; what lies between its end and a later write is zero. */
export function changedBytes(bytes: Uint8Array, change: FileChange): Uint8Array {
  if (change.kind === "truncate") return new Uint8Array(0);
  if (change.offset === bytes.length) return concatBytes([bytes, change.bytes]);
  const end = change.offset + change.bytes.length;
  const changed = new Uint8Array(Math.max(bytes.length, end));
  changed.set(bytes);
  changed.set(change.bytes, change.offset);
  return changed;
}

export function changeEntries(entries: Map<string, Node>, change: EntryChange): void {
  if (change.kind === "unlink") entries.delete(change.name);
  else entries.set(change.name, change.node);
  if (change.kind === "rename") entries.delete(change.from);
}

/** An independent copy, unsynced changes included; bytes are shared, because nothing writes into them. */
export function copyTree(root: DirectoryNode): DirectoryNode {
  const copies = new Map<Node, Node>();
  const copy = (node: Node): Node => {
    const known = copies.get(node);
    if (known) return known;
    if (node.kind === "file") {
      const file: FileNode = { ...node, pending: [...node.pending] };
      copies.set(node, file);
      return file;
    }
    const directory = emptyDirectory();
    copies.set(node, directory);
    const copyEntries = (entries: Map<string, Node>): Map<string, Node> =>
      new Map([...entries].map(([name, entry]) => [name, copy(entry)]));
    directory.entries = copyEntries(node.entries);
    directory.durable = copyEntries(node.durable);
    directory.pending = node.pending.map((change) =>
      change.kind === "unlink" ? change : { ...change, node: copy(change.node) },
    );
    return directory;
  };
  return copy(root) as DirectoryNode;
}

/** Every file below a directory, as it is seen now. */
export function filesBelow(root: DirectoryNode, prefix = ""): Map<string, Uint8Array> {
  const files = new Map<string, Uint8Array>();
  for (const [name, node] of [...root.entries].sort(([a], [b]) => (a < b ? -1 : 1))) {
    if (node.kind === "file") files.set(prefix + name, node.bytes);
    else for (const [path, bytes] of filesBelow(node, `${prefix}${name}/`)) files.set(path, bytes);
  }
  return files;
}

function applyEntry(directory: DirectoryNode, change: EntryChange): void {
  changeEntries(directory.entries, change);
  directory.pending.push(change);
}

/** What is in a directory goes first, entry by entry: a power loss may leave any part of it. */
function unlink(parent: DirectoryNode, name: string): void {
  const node = parent.entries.get(name);
  if (node === undefined) return;
  if (node.kind === "directory") for (const entry of [...node.entries.keys()]) unlink(node, entry);
  applyEntry(parent, { kind: "unlink", name });
}

function rename(root: DirectoryNode, from: string, to: string): void {
  const source = presentDirectory(findBelow(root, parentOf(from)), parentOf(from));
  const target = presentDirectory(findBelow(root, parentOf(to)), parentOf(to));
  const node = source.entries.get(nameOf(from));
  if (node === undefined) throw absent(from);
  if (source === target) {
    applyEntry(source, { kind: "rename", from: nameOf(from), name: nameOf(to), node });
    return;
  }
  // Between two directories the halves may become durable in either order.
  applyEntry(target, { kind: "link", name: nameOf(to), node });
  applyEntry(source, { kind: "unlink", name: nameOf(from) });
}

function syncFile(file: FileNode): void {
  file.durable = file.pending.reduce(changedBytes, file.durable);
  file.pending = [];
}

function syncEntries(directory: DirectoryNode): void {
  directory.durable = new Map(directory.entries);
  directory.pending = [];
}

function ensureFile(root: DirectoryNode, path: string): FileNode {
  const old = findBelow(root, path);
  if (old?.kind === "file") return old;
  assert(path !== "", "the root is not an entry");
  const file: FileNode = {
    kind: "file",
    bytes: new Uint8Array(0),
    durable: new Uint8Array(0),
    pending: [],
  };
  const parent = presentDirectory(findBelow(root, parentOf(path)), parentOf(path));
  applyEntry(parent, { kind: "link", name: nameOf(path), node: file });
  return file;
}

function findBelow(root: DirectoryNode, path: string): Node | undefined {
  let node: Node | undefined = root;
  for (const name of path === "" ? [] : path.split("/")) {
    node = node?.kind === "directory" ? node.entries.get(name) : undefined;
  }
  return node;
}

function fileOf(node: Node | undefined): FileNode | undefined {
  return node?.kind === "file" ? node : undefined;
}

function presentFile(node: Node | undefined, path: string): FileNode {
  if (node?.kind !== "file") throw absent(path);
  return node;
}

function presentDirectory(node: Node | undefined, path: string): DirectoryNode {
  if (node?.kind !== "directory") throw absent(path);
  return node;
}

function nameOf(path: string): string {
  return path.slice(path.lastIndexOf("/") + 1);
}

function usedBytes(node: Node): number {
  if (node.kind === "file") return node.bytes.length;
  return [...node.entries.values()].reduce((total, entry) => total + usedBytes(entry), 0);
}

function forgetUnsynced(node: Node): void {
  node.pending = [];
  if (node.kind === "file") node.bytes = node.durable;
  else {
    node.entries = new Map(node.durable);
    for (const entry of node.entries.values()) forgetUnsynced(entry);
  }
}

function absent(path: string): CodedError {
  return new CodedError("DISK_FAILED", `there is no ${path === "" ? "directory" : path}`);
}

function noSpace(capacityBytes: number): CodedError {
  return new CodedError("NO_SPACE", `the disk of ${capacityBytes} bytes is full`);
}
