/** A recipe, signed: the files that a repository serves and the order that a director sends. */
import { sha256Hex, type Signer } from "../../../protocol/crypto/index.ts";
import {
  authorSnapshot,
  authorTimestamp,
  metadataFilePath,
  signMetadata,
  targetFilePath,
  TIMESTAMP_FILE_PATH,
  type ListedFile,
} from "../../../protocol/metadata/index.ts";
import { LATER } from "../../support/signed-metadata.ts";
import { DELEGATE_NAME, honestRecipe, KEYS, rootJson, type Draft, type Recipe } from "./recipe.ts";

export interface World {
  /** By path in the repository. */
  readonly files: Map<string, Uint8Array>;
  /** The director's order as the server sends it. */
  order: Uint8Array;
  /** What the device is given where it has no server; default: the order and the files. */
  stick?: Uint8Array;
  /** Metadata that the device has kept, by role. */
  readonly kept: Map<string, Uint8Array>;
}

/** Signing is what a case costs most, and most documents of a case are the honest ones. */
const signed = new WeakMap<object, Map<readonly Signer[], Uint8Array>>();

async function sign({ json, signers }: Draft<unknown>): Promise<Uint8Array> {
  if (typeof json !== "object" || json === null) return signMetadata(json, signers);
  const known = signed.get(json) ?? new Map<readonly Signer[], Uint8Array>();
  signed.set(json, known);
  const bytes = known.get(signers) ?? (await signMetadata(json, signers));
  known.set(signers, bytes);
  return bytes;
}

/** A document that lost its version is listed under the honest one. */
async function listed(draft: Draft<{ version: number }>): Promise<ListedFile> {
  const { version } = draft.json;
  return { version: Number.isSafeInteger(version) ? version : 3, bytes: await sign(draft) };
}

/** Files by path: what lies under a version's name is what the recipe says, right or wrong. */
async function publish(recipe: Recipe): Promise<Map<string, Uint8Array>> {
  const files = new Map<string, Uint8Array>();
  for (const [path, bytes] of recipe.contents) {
    files.set(targetFilePath({ path, sha256: sha256Hex(bytes) }), bytes);
  }
  if (recipe.root) files.set("3.root.json", await sign(recipe.root));
  const roles = new Map([
    ["targets", await listed(recipe.targets)],
    [DELEGATE_NAME, await listed(recipe.delegate)],
  ]);
  for (const [role, file] of roles) files.set(metadataFilePath(role, file.version), file.bytes);
  const { snapshotVersion: version } = recipe;
  const snapshotJson = authorSnapshot({ version, expires: LATER, roles });
  const { edit, signers } = recipe.snapshot;
  const snapshot = { version, bytes: await signMetadata(edit(snapshotJson), signers) };
  files.set(metadataFilePath("snapshot", version), snapshot.bytes);
  const timestampJson = authorTimestamp({ version, expires: LATER, snapshot });
  const timestamp = recipe.timestamp.edit(timestampJson);
  files.set(TIMESTAMP_FILE_PATH, await signMetadata(timestamp, recipe.timestamp.signers));
  return files;
}

/** What a device keeps that has refreshed at version 2. */
async function keptAtTwo(): Promise<ReadonlyMap<string, Uint8Array>> {
  const files = await publish(honestRecipe(2));
  const of = (path: string): Uint8Array => files.get(path) as Uint8Array;
  return new Map([
    ["root", await sign({ json: rootJson(2), signers: KEYS.root })],
    ["timestamp", of(TIMESTAMP_FILE_PATH)],
    ["snapshot", of("2.snapshot.json")],
    ["targets", of("2.targets.json")],
    [DELEGATE_NAME, of(metadataFilePath(DELEGATE_NAME, 2))],
  ]);
}

export const KEPT: ReadonlyMap<string, Uint8Array> = await keptAtTwo();
/** What was published before: for replays and mixes. */
export const OLD_FILES: ReadonlyMap<string, Uint8Array> = await publish(honestRecipe(2));
export const HONEST_FILES: ReadonlyMap<string, Uint8Array> = await publish(honestRecipe());

export async function worldOf(recipe: Recipe): Promise<World> {
  return { files: await publish(recipe), order: await sign(recipe.order), kept: new Map(KEPT) };
}
