/**
 * `retile keys fetch`: the newest published metadata into an offline folder, so that the next version builds on it.
 * Verified from the folder's root as a device would: the server's word alone counts for nothing.
 */
import { refresh, updateTargets } from "../../device-agent/update/index.ts";
import type { RefreshPorts } from "../../device-agent/update/index.ts";
import { instant } from "../../protocol/base/brand.ts";
import { failed, succeeded } from "../../protocol/base/result.ts";
import type { Result } from "../../protocol/base/result.ts";
import { memoryStore } from "../offline/export.ts";
import type { OperatorClient } from "../operator/client.ts";
import { adopt, readDocument, readDrafts, versionOf } from "./offline-folder.ts";
import { rm } from "node:fs/promises";

export interface FetchedDocument {
  readonly role: string;
  readonly version: number;
  /** Of what the folder had; null where it had none. */
  readonly before: number | null;
}

export interface MetadataToFetch {
  readonly folder: string;
  /** To trust from now on; undefined: the folder's own. */
  readonly root: Uint8Array | undefined;
  readonly now: number;
}

export async function fetchMetadata(
  client: Pick<OperatorClient, "repositoryFile">,
  { folder, root, now }: MetadataToFetch,
): Promise<Result<readonly FetchedDocument[]>> {
  const trustedRoot = root ?? (await readDocument(folder, "root"));
  if (!trustedRoot) {
    const message = `${folder} holds no root to trust: name one with --root`;
    return failed("KEYS_MISSING", message, { folder });
  }
  const store = memoryStore(trustedRoot);
  const fetch = client.repositoryFile.bind(client);
  const ports: RefreshPorts = { fetch, store, now: instant(now) };
  const trusted = await refresh(ports);
  if (!trusted.ok) return trusted;
  const delegated = (trusted.value.targets?.delegations?.roles ?? []).map(({ name }) => name);
  for (const role of delegated) {
    const updated = await updateTargets(trusted.value, ports, { role, delegator: "targets" });
    if (!updated.ok) return updated;
  }
  const fetched: FetchedDocument[] = [];
  for (const role of ["root", "targets", ...delegated]) {
    const bytes = await store.get(role);
    if (bytes) fetched.push(await keepFetched(folder, role, bytes));
  }
  return succeeded(fetched);
}

/** What the folder has signed since, and nobody published yet, stays; drafts that came too late go. */
async function keepFetched(
  folder: string,
  role: string,
  bytes: Uint8Array,
): Promise<FetchedDocument> {
  const kept = await readDocument(folder, role);
  const before = kept ? versionOf(kept) : null;
  const version = versionOf(bytes);
  if (before === null || before < version) await adopt(folder, { role, version, bytes });
  for (const draft of await readDrafts(folder)) {
    if (draft.role === role && draft.version <= version) await rm(draft.file);
  }
  return { role, version: Math.max(version, before ?? 0), before };
}
