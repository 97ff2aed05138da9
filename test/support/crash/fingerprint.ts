/**
 * Names a disk by all that can ever be read from it. Two disks of one name have the same future, so that what was
 * judged of one need not be judged again of the other: many outcomes of a power loss leave the very same bytes.
 */
import type { Sha256 } from "../../../protocol/base/brand.ts";
import { utf8 } from "../../../protocol/base/bytes.ts";
import { sha256Hex } from "../../../protocol/crypto/index.ts";
import type { DirectoryNode, EntryChange, FileChange, Node } from "./page-cache.ts";

/** Of what is seen, what is durable, and what may still become so. Orphans that no entry leads to are none of it. */
export function fingerprint(root: DirectoryNode): Sha256 {
  // A number each, in the order of the walk: one file under two names is not two equal files.
  const numbers = new Map<Node, number>();
  const lines: string[] = [];
  const visit = (node: Node): number => {
    const known = numbers.get(node);
    if (known !== undefined) return known;
    const number = numbers.size;
    numbers.set(node, number);
    const entriesOf = (entries: ReadonlyMap<string, Node>): string =>
      [...entries]
        .sort(([a], [b]) => (a < b ? -1 : 1))
        .map(([name, entry]) => `${name}=${visit(entry)}`)
        .join("/");
    lines.push(
      node.kind === "file"
        ? `${number} ${hashOf(node.bytes)} ${hashOf(node.durable)} ${node.pending.map(describeWrite).join()}`
        : `${number} ${entriesOf(node.entries)} ${entriesOf(node.durable)} ${node.pending.map((change) => describeEntry(change, visit)).join("/")}`,
    );
    return number;
  };
  visit(root);
  return sha256Hex(utf8(lines.join("\n")));
}

function describeWrite(change: FileChange): string {
  return change.kind === "truncate" ? "truncate" : `${change.offset}:${hashOf(change.bytes)}`;
}

function describeEntry(change: EntryChange, visit: (node: Node) => number): string {
  const { kind, name } = change;
  if (kind === "unlink") return `-${name}`;
  return `${kind === "rename" ? change.from : ""}>${name}=${visit(change.node)}`;
}

/** Nothing writes into bytes that a disk holds. */
const hashes = new WeakMap<Uint8Array, Sha256>();

function hashOf(bytes: Uint8Array): Sha256 {
  const known = hashes.get(bytes) ?? sha256Hex(bytes);
  hashes.set(bytes, known);
  return known;
}
