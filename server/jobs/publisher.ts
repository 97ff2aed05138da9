/**
 * Publishes: the pure part is server/release; here are its database rows and files. The rows are the truth
 * and are committed before the files that show them; a start after a crash writes the files again.
 */
import {
  publishRepository,
  startRepository,
  type OfflineCode,
  type Publication,
  type PublishCode,
  type RepositoryState,
} from "../release/index.ts";
import { assert, present } from "../../protocol/base/assert.ts";
import type { Instant } from "../../protocol/base/brand.ts";
import { failed, succeeded, type Result } from "../../protocol/base/result.ts";
import type { Signer } from "../../protocol/crypto/index.ts";
import {
  driverFactsSchema,
  metadataFilePath,
  parseDriverPath,
  readDirectorKeys,
  readEnvelope,
  targetFilePath,
  targetOf,
  TARGETS_BYTES_MAX,
  targetsSchema,
  TIMESTAMP_FILE_PATH,
  type DescribedTarget,
  type DirectorCode,
} from "../../protocol/metadata/index.ts";
import type { FileFolder } from "../store/files.ts";
import { publishDeltas } from "./deltas.ts";
import type { DirectorKeySet, MetadataFile, Release, Store } from "../store/index.ts";

/** What an operator submits: documents that offline keys signed. The contents were uploaded before. */
export interface Documents {
  /** Successors of the current root; the very first submission begins with the first root. */
  readonly roots: readonly Uint8Array[];
  /** By role: `targets` and delegated ones. */
  readonly targets: ReadonlyMap<string, Uint8Array>;
}

export interface Published {
  readonly versions: Publication["versions"];
  readonly releases: readonly Release[];
}

export type PublisherCode =
  | PublishCode
  | OfflineCode
  | DirectorCode
  | "NO_ROOT_YET"
  | "TENANT_UNKNOWN"
  | "VERSION_ALREADY_PUBLISHED";

export interface Publisher {
  publish(documents: Documents): Promise<Result<Published, PublisherCode>>;
  /** Signs a new timestamp, and a new snapshot when its time comes. Nothing to do before the first root. */
  refresh(): Promise<Result<Published | null, PublisherCode>>;
  /** Writes the files that a crash may have kept from being written. */
  restoreFiles(): Promise<void>;
}

export interface PublisherOptions {
  readonly store: Pick<Store, "repository" | "tenants">;
  /** `metadata/` and `targets/` of the static repository. */
  readonly files: FileFolder;
  /** Contents by their SHA-256. */
  readonly uploads: FileFolder;
  readonly snapshotSigner: Signer;
  readonly timestampSigner: Signer;
  readonly clock: () => Instant;
}

const NOTHING: Documents = { roots: [], targets: new Map() };
const ATTEMPTS_MAX = 3;

export function createPublisher(options: PublisherOptions): Publisher {
  // One publication at a time in this process; the database's unique versions order the processes.
  let last: Promise<unknown> = Promise.resolve();
  const inTurn = <T>(work: () => Promise<T>): Promise<T> => {
    const turn = last.then(work, work);
    last = turn.catch(() => undefined);
    return turn;
  };
  return {
    publish: (documents) => inTurn(() => publish(documents, options)),
    refresh: () =>
      inTurn(async () => {
        const root = await options.store.repository.roots();
        return root.length === 0 ? succeeded(null) : publish(NOTHING, options);
      }),
    restoreFiles: () => inTurn(() => restoreFiles(options)),
  };
}

async function publish(
  documents: Documents,
  options: PublisherOptions,
): Promise<Result<Published, PublisherCode>> {
  for (let attempt = 1; ; attempt++) {
    const published = await publishOnce(documents, options);
    const isRace = !published.ok && published.code === "VERSION_ALREADY_PUBLISHED";
    if (!isRace || attempt >= ATTEMPTS_MAX) return published;
  }
}

async function publishOnce(
  documents: Documents,
  options: PublisherOptions,
): Promise<Result<Published, PublisherCode>> {
  const { store, files, snapshotSigner, timestampSigner } = options;
  const now = options.clock();
  const start = await startOf(documents, { store, now });
  if (!start.ok) return start;
  const { state, firstRoot, roots } = start.value;
  const contents = await contentsOf(documents, options);
  const ports = {
    snapshotSigner,
    timestampSigner,
    now,
    hasFile: async (path: string) => (await files.size(path)) !== undefined,
  };
  const submission = { roots, targets: documents.targets, contents };
  const made = await publishRepository(state, submission, ports);
  if (!made.ok) return made;
  const metadata = [...firstRoot, ...metadataFilesOf(made.value)];
  const directorKeys = await directorKeysOf(made.value, contents, options);
  if (!directorKeys.ok) return directorKeys;
  const releases = await newReleases(made.value, store, now);
  // Contents first: nothing may name a file that is not there.
  for (const [path, bytes] of contentFilesOf(made.value)) await files.write(path, bytes);
  const publication = { metadata, releases, directorKeys: directorKeys.value, now };
  const stored = await store.repository.publish(publication);
  if (!stored.ok) return stored;
  // Before a device can hear of the bundles: who asks for a delta that is not there yet takes the whole.
  await publishDeltas(releases, { files, releases: () => store.repository.releases() });
  for (const file of metadata) await files.write(pathOf(file), file.content);
  return succeeded({ versions: made.value.versions, releases });
}

interface Start {
  readonly state: RepositoryState;
  /** To be published too when the repository begins with this submission. */
  readonly firstRoot: readonly MetadataFile[];
  /** Successors of the state's root. */
  readonly roots: readonly Uint8Array[];
}

async function startOf(
  { roots }: Documents,
  { store, now }: { readonly store: Pick<Store, "repository">; readonly now: Instant },
): Promise<Result<Start, PublisherCode>> {
  const newest = await store.repository.newestMetadata();
  if (newest.length > 0) {
    return succeeded({ state: stateOf(newest), firstRoot: [], roots });
  }
  const [first, ...successors] = roots;
  if (!first) {
    return failed("NO_ROOT_YET", "The repository has no root yet: submit the first one.");
  }
  const state = startRepository(first, now);
  if (!state.ok) return state;
  const firstRoot = [{ role: "root", version: 1, content: first }];
  return succeeded({ state: state.value, firstRoot, roots: successors });
}

const ONLINE_ROLES: ReadonlySet<string> = new Set(["root", "snapshot", "timestamp"]);

function stateOf(newest: readonly MetadataFile[]): RepositoryState {
  const byRole = new Map(newest.map(({ role, content }) => [role, content]));
  const targets = [...byRole].filter(([role]) => !ONLINE_ROLES.has(role));
  return {
    root: present(byRole.get("root"), "the published root"),
    targets: new Map(targets),
    snapshot: byRole.get("snapshot") ?? null,
    timestamp: byRole.get("timestamp") ?? null,
  };
}

/** The uploaded contents of what the submitted metadata lists; what is missing, the publication refuses. */
async function contentsOf(
  { targets }: Documents,
  { uploads }: PublisherOptions,
): Promise<Map<string, Uint8Array>> {
  const contents = new Map<string, Uint8Array>();
  for (const { path, sha256 } of listedTargets(targets)) {
    const bytes = await uploads.read(sha256);
    if (bytes) contents.set(path, bytes);
  }
  return contents;
}

/** Unreadable documents list nothing here: the publication says what is wrong with them. */
function listedTargets(documents: ReadonlyMap<string, Uint8Array>): DescribedTarget[] {
  return [...documents.values()].flatMap((bytes) => {
    const read = readEnvelope(bytes, targetsSchema, TARGETS_BYTES_MAX);
    if (!read.ok) return [];
    const { signed } = read.value;
    return [...signed.targets.keys()].flatMap((path) => {
      const target = targetOf(signed, path);
      return target.ok ? [target.value] : [];
    });
  });
}

const METADATA_NAME = /^(\d+)\.(.+)\.json$/;

function metadataFilesOf({ files, versions }: Publication): MetadataFile[] {
  return [...files].flatMap(([path, content]) => {
    if (isContent(path)) return [];
    if (path === TIMESTAMP_FILE_PATH) {
      return [{ role: "timestamp", version: versions.timestamp, content }];
    }
    const [, version, role] = METADATA_NAME.exec(path) ?? [];
    assert(role !== undefined, `${path} is no metadata file`);
    return [{ role: decodeURIComponent(role), version: Number(version), content }];
  });
}

function contentFilesOf({ files }: Publication): [string, Uint8Array][] {
  return [...files].filter(([path]) => isContent(path));
}

function isContent(path: string): boolean {
  return path.startsWith("targets/");
}

function pathOf({ role, version }: MetadataFile): string {
  const name = role === "timestamp" ? TIMESTAMP_FILE_PATH : metadataFilePath(role, version);
  return `metadata/${name}`;
}

async function newReleases(
  { state }: Publication,
  { repository }: Pick<Store, "repository">,
  now: Instant,
): Promise<Release[]> {
  const known = new Set((await repository.releases()).map(({ path }) => path));
  return listedTargets(state.targets).flatMap(({ path, sha256, length, custom }) => {
    const name = parseDriverPath(path);
    const facts = driverFactsSchema.safeParse(custom);
    if (!name || !facts.success || known.has(path)) return [];
    known.add(path);
    return [{ path, ...name, sha256, length, facts: facts.data, publishedAt: now }];
  });
}

const DIRECTOR_KEYS = /^director\/keys-(.+)\.json$/;

/** Each key set is for one tenant of this server. */
async function directorKeysOf(
  { state }: Publication,
  contents: ReadonlyMap<string, Uint8Array>,
  { store, files }: PublisherOptions,
): Promise<Result<DirectorKeySet[], PublisherCode>> {
  const tenants = await store.tenants.list();
  const sets: DirectorKeySet[] = [];
  for (const target of listedTargets(state.targets)) {
    const named = DIRECTOR_KEYS.exec(target.path)?.[1];
    if (named === undefined) continue;
    const tenant = tenants.find((known) => known === named);
    if (tenant === undefined) {
      return failed("TENANT_UNKNOWN", `This server has no tenant ${named}.`, { tenant: named });
    }
    const content = contents.get(target.path) ?? (await files.read(targetFilePath(target)));
    const keys = readDirectorKeys(content ?? new Uint8Array(0), tenant);
    if (!keys.ok) return keys;
    const { epoch } = keys.value;
    const before = await store.repository.directorKeys(tenant);
    if (before && before.epoch > epoch) {
      const message = `The director's keys of ${tenant} go back from epoch ${before.epoch} to ${epoch}.`;
      return failed("DIRECTOR_KEYS_ROLLBACK", message, { tenant, epoch });
    }
    sets.push({ tenant, epoch, content: content ?? new Uint8Array(0) });
  }
  return succeeded(sets);
}

async function restoreFiles({ store, files }: PublisherOptions): Promise<void> {
  const [roots, newest] = [await store.repository.roots(), await store.repository.newestMetadata()];
  const inOrder = [...roots, ...newest.filter(({ role }) => role !== "root")].sort(timestampLast);
  for (const file of inOrder) await files.write(pathOf(file), file.content);
}

function timestampLast(a: MetadataFile, b: MetadataFile): number {
  return Number(a.role === "timestamp") - Number(b.role === "timestamp");
}
