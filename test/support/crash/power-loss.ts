/**
 * What a power loss may leave of a page cache: of every directory any subset of its unsynced changes, of
 * every file nothing, all, or a part of its unsynced writes, the last one torn at 512 bytes.
 */
import type { Random } from "../../../protocol/base/random.ts";
import { present } from "../../../protocol/base/assert.ts";
import {
  changedBytes,
  changeEntries,
  copyTree,
  type DirectoryNode,
  type FileChange,
  type FileNode,
  type Node,
} from "./page-cache.ts";

export const SECTOR_BYTES = 512;
/** Where a long write is torn besides its first and last sector. */
const TORN_PLACES_MAX = 3;

export interface PowerLoss {
  /** One choice for each unsynced node, in the order of the walk. */
  readonly choices: readonly number[];
}

export interface PowerLosses {
  readonly losses: readonly PowerLoss[];
  /** How many there are; more than `losses` where they were sampled. */
  readonly possible: number;
}

/** All outcomes when there are at most `countMax`, a sample otherwise: the extremes, single changes, and dice. */
export function powerLosses(root: DirectoryNode, countMax: number, random: Random): PowerLosses {
  const options = unsyncedNodes(root).map(optionsOf);
  const possible = options.reduce((product, count) => product * count, 1);
  if (possible <= countMax) {
    const losses = Array.from({ length: possible }, (_, index) => ({
      choices: digitsOf(index, options),
    }));
    return { losses, possible };
  }
  const seen = new Map<string, PowerLoss>();
  const add = (choices: readonly number[]): void => {
    if (seen.size < countMax) seen.set(choices.join(), { choices });
  };
  add(options.map(() => 0));
  add(options.map(() => 1));
  for (const [place, count] of options.entries()) {
    const single = random.below(count);
    add(options.map((_, index) => (index === place ? single : 1)));
    add(options.map((_, index) => (index === place ? single : 0)));
  }
  for (let tries = 0; seen.size < countMax && tries < 4 * countMax; tries++) {
    add(options.map((count) => random.below(count)));
  }
  return { losses: [...seen.values()], possible };
}

/** A copy of the disk as it is found after the power is back. */
export function afterPowerLoss(root: DirectoryNode, { choices }: PowerLoss): DirectoryNode {
  const left = copyTree(root);
  const nodes = allNodes(left);
  const unsynced = new Map(
    nodes.filter(isUnsynced).map((node, index) => [node, choices[index] ?? 0]),
  );
  for (const node of nodes) {
    const choice = unsynced.get(node) ?? 0;
    if (node.kind === "file") settleFile(node, choice);
    else settleEntries(node, choice);
  }
  return left;
}

export function describeLoss(root: DirectoryNode, { choices }: PowerLoss): string {
  const words = unsyncedNodes(root).map((node, index) => {
    const choice = choices[index] ?? 0;
    if (node.kind === "file") return fileOutcomes(node)[choice]?.label ?? "";
    const kept = keptChanges(node, choice);
    const names = node.pending.map(({ kind, name }, at) =>
      kept.has(at) ? `${kind} ${name}` : `no ${kind} ${name}`,
    );
    return `{${names.join(", ")}}`;
  });
  return words.join(" ");
}

function unsyncedNodes(root: DirectoryNode): Node[] {
  return allNodes(root).filter(isUnsynced);
}

function isUnsynced(node: Node): boolean {
  return node.pending.length > 0;
}

/** In an order that a copy shares. */
function allNodes(root: DirectoryNode): Node[] {
  const nodes = new Set<Node>();
  const visit = (node: Node): void => {
    if (nodes.has(node)) return;
    nodes.add(node);
    if (node.kind === "file") return;
    for (const entry of [...node.durable.values(), ...node.entries.values()]) visit(entry);
    for (const change of node.pending) if (change.kind !== "unlink") visit(change.node);
  };
  visit(root);
  return [...nodes];
}

/** Choice 0 keeps nothing that was not synced, choice 1 all of it. */
function optionsOf(node: Node): number {
  return node.kind === "file" ? fileOutcomes(node).length : 2 ** node.pending.length;
}

function settleEntries(directory: DirectoryNode, choice: number): void {
  const kept = keptChanges(directory, choice);
  const entries = new Map(directory.durable);
  for (const [at, change] of directory.pending.entries()) {
    if (kept.has(at)) changeEntries(entries, change);
  }
  directory.entries = entries;
  directory.durable = new Map(entries);
  directory.pending = [];
}

/** Subsets as numbers, with nothing first and everything second. */
function keptChanges(directory: DirectoryNode, choice: number): ReadonlySet<number> {
  const all = 2 ** directory.pending.length - 1;
  const mask = choice === 0 ? 0 : choice === 1 ? all : choice - 1;
  return new Set(directory.pending.flatMap((_, at) => ((mask >> at) & 1 ? [at] : [])));
}

function settleFile(file: FileNode, choice: number): void {
  const outcome = fileOutcomes(file)[choice];
  const bytes = file.pending.length === 0 ? file.durable : present(outcome, "an outcome").bytes;
  file.bytes = bytes;
  file.durable = bytes;
  file.pending = [];
}

interface FileOutcome {
  readonly label: string;
  readonly bytes: Uint8Array;
}

function fileOutcomes(file: FileNode): readonly FileOutcome[] {
  const { durable, pending } = file;
  const apply = (changes: readonly FileChange[]): Uint8Array =>
    changes.reduce(changedBytes, durable);
  const outcomes: FileOutcome[] = [
    { label: "nothing written", bytes: durable },
    { label: "all written", bytes: apply(pending) },
  ];
  const last = pending.at(-1);
  if (last?.kind !== "write") return outcomes;
  const before = apply(pending.slice(0, -1));
  outcomes.push({ label: "its last write missing", bytes: before });
  const written = (label: string, bytes: Uint8Array): void => {
    outcomes.push({ label, bytes: changedBytes(before, { ...last, bytes }) });
  };
  for (const end of tornPlaces(last.bytes.length)) {
    written(`torn after ${end} bytes`, last.bytes.subarray(0, end));
  }
  written("of its size and all zero", new Uint8Array(last.bytes.length));
  if (last.bytes.length > SECTOR_BYTES) {
    written("without its first sector", last.bytes.slice().fill(0, 0, SECTOR_BYTES));
  }
  return outcomes;
}

function tornPlaces(bytes: number): number[] {
  const places: number[] = [];
  for (let end = SECTOR_BYTES; end < bytes; end += SECTOR_BYTES) places.push(end);
  if (places.length <= TORN_PLACES_MAX) return places;
  return [places[0], places[places.length >> 1], places.at(-1)].map((end) => end ?? 0);
}

function digitsOf(index: number, options: readonly number[]): number[] {
  let rest = index;
  return options.map((count) => {
    const digit = rest % count;
    rest = Math.floor(rest / count);
    return digit;
  });
}
