/** Trusted sets at every stage of the TUF client workflow, for tests. */
import type { Result } from "../../protocol/base/result.ts";
import { TrustedSet, type ListedFile } from "../../protocol/metadata/index.ts";
import {
  makeRoot,
  makeSnapshot,
  makeTimestamp,
  NOW,
  type RootRecipe,
  type TimestampRecipe,
} from "./signed-metadata.ts";

export function codeOf(result: Result<unknown>): string {
  return result.ok ? "ok" : result.code;
}

export async function started(recipe: RootRecipe = {}): Promise<TrustedSet> {
  const set = TrustedSet.start(await makeRoot(recipe), NOW);
  if (!set.ok) throw new Error(set.message);
  return set.value;
}

/** Trusts version 1 of everything up to the timestamp, from an earlier run. */
export async function withKept(timestamp: TimestampRecipe = {}): Promise<TrustedSet> {
  const set = await started();
  mustHold(set.loadTimestamp(await makeTimestamp(timestamp)));
  return set;
}

/** Trusts root and a fresh timestamp that names this snapshot. */
export async function awaitingSnapshot(
  snapshot: ListedFile,
  kept?: ListedFile,
): Promise<TrustedSet> {
  const set = await started();
  mustHold(set.updateTimestamp(await makeTimestamp({ snapshot })));
  if (kept) mustHold(set.loadSnapshot(kept.bytes));
  return set;
}

export async function awaitingTargets(roles: ReadonlyMap<string, ListedFile>): Promise<TrustedSet> {
  const snapshot = await makeSnapshot({ roles });
  const set = await awaitingSnapshot(snapshot);
  mustHold(set.updateSnapshot(snapshot.bytes));
  return set;
}

function mustHold(result: Result<unknown>): void {
  if (!result.ok) throw new Error(`${result.code}: ${result.message}`);
}
