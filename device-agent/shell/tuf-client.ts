/**
 * A TUF client by itself, over a folder and URLs, without an agent: what public TUF test suites drive through
 * `retile agent tuf`. Verification and order are those of device-agent/update.
 */
import type { Instant } from "../../protocol/base/brand.ts";
import { succeeded, type Result } from "../../protocol/base/result.ts";
import { TrustedSet, type TargetFile } from "../../protocol/metadata/index.ts";
import { fileSystemOver, type FileSystem } from "../slots/index.ts";
import {
  checkTarget,
  findTarget,
  refreshFromMirrors,
  type Fetch,
  type MirroredTrust,
  type RefreshNotice,
} from "../update/index.ts";
import { machineDisk } from "./disk.ts";
import { fetchOver, type Http } from "./http.ts";
import { fileNameOf, metadataStore } from "./metadata-store.ts";

export interface TufClientOptions {
  readonly metadataDirectory: string;
  readonly http: Http;
  readonly now: Instant;
  readonly onNotice?: (notice: RefreshNotice) => void;
}

export interface TufDownloadOptions {
  readonly metadataUrls: readonly [string, ...string[]];
  readonly targetBaseUrl: string;
  readonly targetDirectory: string;
  /** In this order; the first failure ends it. */
  readonly targetNames: readonly string[];
}

/** Takes this root as the first one to trust; nothing is fetched. */
export async function initTufClient(
  { metadataDirectory, now }: Pick<TufClientOptions, "metadataDirectory" | "now">,
  root: Uint8Array,
): Promise<Result<void>> {
  const started = TrustedSet.start(root, now);
  if (!started.ok) return started;
  await storeIn(metadataDirectory).put("root", root);
  return succeeded(undefined);
}

/** The top-level metadata, brought up to date. */
export function refreshTufClient(
  { metadataDirectory, http, now, onNotice }: TufClientOptions,
  metadataUrls: readonly [string, ...string[]],
): Promise<Result<MirroredTrust>> {
  const [first, ...more] = metadataUrls;
  const mirrors: [Fetch, ...Fetch[]] = [
    fetchFrom(http, first),
    ...more.map((url) => fetchFrom(http, url)),
  ];
  const store = storeIn(metadataDirectory);
  return refreshFromMirrors(mirrors, { store, now, ...(onNotice && { onNotice }) });
}

/** Refreshes, then downloads what is not there already. */
export async function downloadTufTargets(
  options: TufClientOptions,
  { metadataUrls, targetBaseUrl, targetDirectory, targetNames }: TufDownloadOptions,
): Promise<Result<void>> {
  const refreshed = await refreshTufClient(options, metadataUrls);
  if (!refreshed.ok) return refreshed;
  const files = fileSystemOver(machineDisk(targetDirectory));
  const from = fetchFrom(options.http, targetBaseUrl);
  for (const name of targetNames) {
    const downloaded = await downloadOne(refreshed.value, name, { files, from });
    if (!downloaded.ok) return downloaded;
  }
  return succeeded(undefined);
}

async function downloadOne(
  { trusted, ports }: MirroredTrust,
  name: string,
  { files, from }: { readonly files: FileSystem; readonly from: Fetch },
): Promise<Result<void>> {
  const found = await findTarget(trusted, ports, name);
  if (!found.ok) return found;
  const target = found.value.role.targets.get(name) as TargetFile;
  const kept = await files.read(fileNameOf(name));
  if (kept && !checkTarget(kept, target)) return succeeded(undefined);
  const path = targetPath(name, target, trusted.root.consistent_snapshot === true);
  const fetched = await from(path, target.length);
  if (!fetched.ok) return fetched;
  const mismatch = checkTarget(fetched.value, target);
  if (mismatch) return mismatch;
  await files.replaceFile(fileNameOf(name), fetched.value);
  return succeeded(undefined);
}

/** TUF 5.7.3: with one of its hashes before the name where snapshots are consistent. */
function targetPath(name: string, { hashes }: TargetFile, isConsistent: boolean): string {
  const parts = name.split("/").map(encodeURIComponent);
  const hash = hashes.get("sha256") ?? hashes.get("sha512") ?? [...hashes.values()][0] ?? "";
  const prefix = isConsistent ? `${encodeURIComponent(hash)}.` : "";
  return [...parts.slice(0, -1), prefix + (parts.at(-1) ?? "")].join("/");
}

function storeIn(directory: string) {
  const files = fileSystemOver(machineDisk(directory));
  // Nothing durable follows here that would make it so.
  return metadataStore({ ...files, placeFile: files.replaceFile }, "");
}

function fetchFrom(http: Http, baseUrl: string): Fetch {
  const base = baseUrl.endsWith("/") ? baseUrl : `${baseUrl}/`;
  return fetchOver(http, (path) => base + path);
}
