/** Small TUF repositories for tests: every document can be made old, expired, or signed by the wrong key. */
import { instant, type Instant } from "../../protocol/base/brand.ts";
import { utf8 } from "../../protocol/base/bytes.ts";
import { nativeSigner, type Signer } from "../../protocol/crypto/index.ts";
import {
  authorRoot,
  authorSnapshot,
  authorTargets,
  authorTimestamp,
  describeFile,
  metadataFilePath,
  signMetadata,
  type DelegationsJson,
  type ListedFile,
  type RootJson,
  type TargetFileJson,
  type TopLevelRole,
} from "../../protocol/metadata/index.ts";

export const NOW: Instant = instant(Date.UTC(2026, 5, 1));
export const LATER: Instant = instant(Date.UTC(2026, 6, 1));
export const PAST: Instant = instant(Date.UTC(2026, 4, 31));

/** A key that is the same in every run; numbers are names. */
export function testSigner(number: number): Signer {
  return nativeSigner(new Uint8Array(32).fill(number));
}

export const KEYS = {
  root: testSigner(1),
  targets: testSigner(2),
  snapshot: testSigner(3),
  timestamp: testSigner(4),
  director: testSigner(5),
  stranger: testSigner(99),
} as const;

export interface RootRecipe {
  readonly version?: number;
  readonly expires?: Instant;
  readonly keys?: Partial<Record<TopLevelRole, readonly Signer[]>>;
  readonly thresholds?: Partial<Record<TopLevelRole, number>>;
  readonly signers?: readonly Signer[];
  readonly edit?: (root: RootJson) => unknown;
}

export function makeRoot(recipe: RootRecipe = {}): Promise<Uint8Array> {
  const { version = 1, expires = LATER, keys = {}, thresholds = {}, signers, edit } = recipe;
  const role = (name: TopLevelRole) => ({
    publicKeys: (keys[name] ?? [KEYS[name]]).map(({ publicKey }) => publicKey),
    threshold: thresholds[name] ?? 1,
  });
  const root = authorRoot({
    version,
    expires,
    roles: {
      root: role("root"),
      targets: role("targets"),
      snapshot: role("snapshot"),
      timestamp: role("timestamp"),
    },
  });
  return signMetadata(edit ? edit(root) : root, signers ?? keys.root ?? [KEYS.root]);
}

export interface TargetsRecipe {
  readonly version?: number;
  readonly expires?: Instant;
  readonly targets?: ReadonlyMap<string, TargetFileJson>;
  readonly delegations?: DelegationsJson;
  readonly signers?: readonly Signer[];
}

export async function makeTargets(recipe: TargetsRecipe = {}): Promise<ListedFile> {
  const { version = 1, expires = LATER, targets = new Map(), signers = [KEYS.targets] } = recipe;
  const { delegations } = recipe;
  const options = { version, expires, targets, ...(delegations && { delegations }) };
  return { version, bytes: await signMetadata(authorTargets(options), signers) };
}

export interface SnapshotRecipe {
  readonly version?: number;
  readonly expires?: Instant;
  readonly roles?: ReadonlyMap<string, ListedFile>;
  readonly signers?: readonly Signer[];
}

export async function makeSnapshot(recipe: SnapshotRecipe = {}): Promise<ListedFile> {
  const { version = 1, expires = LATER, signers = [KEYS.snapshot] } = recipe;
  const roles = recipe.roles ?? new Map([["targets", await makeTargets()]]);
  return {
    version,
    bytes: await signMetadata(authorSnapshot({ version, expires, roles }), signers),
  };
}

export interface TimestampRecipe {
  readonly version?: number;
  readonly expires?: Instant;
  readonly snapshot?: ListedFile;
  readonly signers?: readonly Signer[];
  readonly signedAt?: Instant;
}

export async function makeTimestamp(recipe: TimestampRecipe = {}): Promise<Uint8Array> {
  const { version = 1, expires = LATER, signers = [KEYS.timestamp] } = recipe;
  const snapshot = recipe.snapshot ?? (await makeSnapshot());
  const { signedAt } = recipe;
  const options = { version, expires, snapshot, ...(signedAt !== undefined && { signedAt }) };
  return signMetadata(authorTimestamp(options), signers);
}

export interface RepositoryRecipe {
  readonly version?: number;
  readonly targets?: TargetsRecipe;
  /** Delegated roles by name. */
  readonly delegated?: ReadonlyMap<string, ListedFile>;
  readonly contents?: ReadonlyMap<string, Uint8Array>;
}

/** Everything but the roots, all of one version, by path. */
export async function makeRepository(
  recipe: RepositoryRecipe = {},
): Promise<Map<string, Uint8Array>> {
  const { version = 1, delegated = new Map<string, ListedFile>() } = recipe;
  const targets = await makeTargets({ version, ...recipe.targets });
  const roles = new Map([["targets", targets], ...delegated]);
  const snapshot = await makeSnapshot({ version, roles });
  const files = new Map<string, Uint8Array>();
  for (const [role, file] of roles) files.set(metadataFilePath(role, file.version), file.bytes);
  files.set(metadataFilePath("snapshot", version), snapshot.bytes);
  files.set("timestamp.json", await makeTimestamp({ version, snapshot }));
  return files;
}

/** A target file of some text. */
export function textTarget(text: string): TargetFileJson {
  return describeFile(utf8(text));
}
