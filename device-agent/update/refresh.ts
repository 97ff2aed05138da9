/**
 * Brings the trusted metadata up to date: the client workflow of TUF 1.0.34 section 5 over ports. Every
 * verification is the trusted set's; this file says what is fetched and kept, and in which order.
 */
import type { Instant } from "../../protocol/base/brand.ts";
import { failed, succeeded, type Result } from "../../protocol/base/result.ts";
import {
  metadataFilePath,
  ROOT_BYTES_MAX,
  ROOT_ROTATIONS_MAX,
  SNAPSHOT_BYTES_MAX,
  TARGETS_BYTES_MAX,
  TIMESTAMP_BYTES_MAX,
  TIMESTAMP_FILE_PATH,
  TOP_LEVEL_TARGETS,
  TrustedSet,
  type Delegation,
  type MetadataCode,
  type Targets,
  type TrustOptions,
} from "../../protocol/metadata/index.ts";
import type { Fetch, FetchCode, MetadataStore } from "./ports.ts";

export interface RefreshPorts extends TrustOptions {
  readonly fetch: Fetch;
  readonly store: MetadataStore;
  /** The time of this whole update (TUF 5.1). */
  readonly now: Instant;
  /** Hears of what was discarded without being an error. */
  readonly onNotice?: (notice: RefreshNotice) => void;
}

/** One version, two contents: the repository or somebody on the way is not to be trusted. */
export interface RefreshNotice {
  readonly code: "EQUAL_VERSION_DIFFERENT_CONTENT";
  readonly role: "timestamp";
}

export type RefreshCode = MetadataCode | FetchCode | "ROOT_MISSING";

type Outcome<T> = Result<T, RefreshCode>;

/** The metadata that may be relied on now, top-level targets included. */
export async function refresh(ports: RefreshPorts): Promise<Outcome<TrustedSet>> {
  const kept = await ports.store.get("root");
  if (!kept) return failed("ROOT_MISSING", "The device was not given a root of trust.");
  const started = TrustedSet.start(kept, ports.now, ports);
  if (!started.ok) return started;
  const trusted = started.value;
  const steps = [updateRoots, updateTimestamp, updateSnapshot];
  for (const step of steps) {
    const outcome = await step(trusted, ports);
    if (!outcome.ok) return outcome;
  }
  const targets = await updateTargets(trusted, ports, TOP_LEVEL_TARGETS);
  return targets.ok ? succeeded(trusted) : targets;
}

/** TUF 5.3. Roots beyond the limit wait for the next refresh. */
async function updateRoots(trusted: TrustedSet, ports: RefreshPorts): Promise<Outcome<unknown>> {
  for (let rotations = 0; rotations < ROOT_ROTATIONS_MAX; rotations++) {
    // TUF 5.3.3
    const path = metadataFilePath("root", trusted.root.version + 1);
    const fetched = await ports.fetch(path, ROOT_BYTES_MAX);
    if (!fetched.ok) {
      return fetched.code === "NOT_FOUND" ? trusted.finishRoots() : fetched;
    }
    const updated = trusted.updateRoot(fetched.value);
    if (!updated.ok) return updated;
    // TUF 5.3.11, before the root is kept: were it after, a crash between the two would lose it.
    if (updated.value.onlineKeysRotated) await ports.store.remove("timestamp", "snapshot");
    // TUF 5.3.8
    await ports.store.put("root", fetched.value);
  }
  return trusted.finishRoots();
}

/** TUF 5.4. */
async function updateTimestamp(
  trusted: TrustedSet,
  ports: RefreshPorts,
): Promise<Outcome<unknown>> {
  const kept = await ports.store.get("timestamp");
  // A kept file that no longer verifies (rotated keys, a damaged disk) guards against nothing.
  if (kept) trusted.loadTimestamp(kept);
  // TUF 5.4.1
  const fetched = await ports.fetch(TIMESTAMP_FILE_PATH, TIMESTAMP_BYTES_MAX);
  if (!fetched.ok) return fetched;
  const updated = trusted.updateTimestamp(fetched.value);
  if (!updated.ok) return updated;
  // TUF 5.4.5
  if (updated.value === "updated") await ports.store.put("timestamp", fetched.value);
  if (updated.value === "discarded") {
    ports.onNotice?.({ code: "EQUAL_VERSION_DIFFERENT_CONTENT", role: "timestamp" });
  }
  return updated;
}

/** TUF 5.5. */
async function updateSnapshot(trusted: TrustedSet, ports: RefreshPorts): Promise<Outcome<unknown>> {
  const kept = await ports.store.get("snapshot");
  if (kept && trusted.loadSnapshot(kept).ok && trusted.isSnapshotCurrent()) {
    const fromKept = trusted.updateSnapshot(kept);
    if (fromKept.ok) return fromKept;
  }
  const meta = trusted.timestamp?.meta["snapshot.json"];
  const version = meta?.version ?? 0;
  // TUF 5.5.1
  const path = fileName(trusted, "snapshot", version);
  const fetched = await ports.fetch(path, meta?.length ?? SNAPSHOT_BYTES_MAX);
  if (!fetched.ok) return fetched;
  const updated = trusted.updateSnapshot(fetched.value);
  if (!updated.ok) return updated;
  // TUF 5.5.7
  await ports.store.put("snapshot", fetched.value);
  return updated;
}

/** TUF 5.6.1 to 5.6.6, for the top-level role and for delegated ones; kept files are verified again. */
export async function updateTargets(
  trusted: TrustedSet,
  ports: RefreshPorts,
  delegation: Delegation,
): Promise<Outcome<Targets>> {
  const known = trusted.targetsOf(delegation);
  if (known) return succeeded(known);
  const kept = await ports.store.get(delegation.role);
  const fromKept = kept && trusted.updateTargets(kept, delegation);
  if (fromKept?.ok) return fromKept;
  const meta = trusted.metaOf(delegation.role);
  if (!meta.ok) return meta;
  // TUF 5.6.1
  const path = fileName(trusted, delegation.role, meta.value.version);
  const fetched = await ports.fetch(path, meta.value.length ?? TARGETS_BYTES_MAX);
  if (!fetched.ok) return fetched;
  const updated = trusted.updateTargets(fetched.value, delegation);
  // TUF 5.6.6
  if (updated.ok) await ports.store.put(delegation.role, fetched.value);
  return updated;
}

/** TUF 5.3.12: only consistent snapshots have versions in their names. */
function fileName(trusted: TrustedSet, role: string, version: number): string {
  const isConsistent = trusted.root.consistent_snapshot === true;
  return isConsistent ? metadataFilePath(role, version) : `${encodeURIComponent(role)}.json`;
}
