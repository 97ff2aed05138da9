/**
 * The documents of an offline folder: of every role the newest that enough keys have signed, and drafts that are
 * on their way from holder to holder. `metadata/ROLE.json`, `metadata/VERSION.ROLE.draft.json`; older roots stay
 * as `metadata/VERSION.root.json`, for every root must be had for ever.
 */
import { mkdir, readdir, readFile, rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { z } from "zod";
import { failed, succeeded } from "../../protocol/base/result.ts";
import type { Result } from "../../protocol/base/result.ts";
import {
  readEnvelope,
  rootSchema,
  TARGETS_BYTES_MAX,
  targetsSchema,
} from "../../protocol/metadata/index.ts";
import type { RootJson, TargetsJson } from "../../protocol/metadata/index.ts";

export interface Draft {
  readonly role: string;
  readonly version: number;
  readonly file: string;
  readonly bytes: Uint8Array;
}

export type FolderCode = "KEYS_MISSING" | "DRAFT_PENDING" | "METADATA_INVALID";

const DRAFT = /^(\d+)\.(.+)\.draft\.json$/;
const OLD_ROOT = /^(\d+)\.root\.json$/;

function documentPath(folder: string, role: string): string {
  return join(folder, "metadata", `${role}.json`);
}

function draftPath(folder: string, role: string, version: number): string {
  return join(folder, "metadata", `${version}.${role}.draft.json`);
}

/** The role that a metadata file is of, by its name: a delegated one bears no name inside. */
export function roleOfFile(name: string): string | undefined {
  return /^(?:\d+\.)?([A-Za-z].*?)(?:\.draft)?\.json$/.exec(name)?.[1];
}

export async function readDocument(folder: string, role: string): Promise<Uint8Array | undefined> {
  return readIfThere(documentPath(folder, role));
}

export async function readDrafts(folder: string): Promise<Draft[]> {
  const drafts: Draft[] = [];
  for (const name of await namesIn(folder)) {
    const [, version, role = ""] = DRAFT.exec(name) ?? [];
    if (version === undefined) continue;
    const file = join(folder, "metadata", name);
    drafts.push({ role, version: Number(version), file, bytes: await readBytes(file) });
  }
  return drafts;
}

/** Roots by version, the newest included. */
export async function readRoots(folder: string): Promise<ReadonlyMap<number, Uint8Array>> {
  const roots = new Map<number, Uint8Array>();
  for (const name of await namesIn(folder)) {
    const version = OLD_ROOT.exec(name)?.[1];
    if (version !== undefined) {
      roots.set(Number(version), await readBytes(join(folder, "metadata", name)));
    }
  }
  const newest = await readDocument(folder, "root");
  if (newest) roots.set(versionOf(newest), newest);
  return new Map([...roots].sort(([a], [b]) => a - b));
}

/** What the next version starts from; while an earlier change waits for signatures there is none. */
export async function newestRoot(folder: string): Promise<Result<RootJson, FolderCode>> {
  const bytes = await settledDocument(folder, "root");
  return bytes.ok ? signedIn(bytes.value, rootSchema, "root") : bytes;
}

export async function newestTargets(
  folder: string,
  role = "targets",
): Promise<Result<TargetsJson, FolderCode>> {
  const bytes = await settledDocument(folder, role);
  return bytes.ok ? signedIn(bytes.value, targetsSchema, role) : bytes;
}

async function settledDocument(
  folder: string,
  role: string,
): Promise<Result<Uint8Array, FolderCode>> {
  const pending = (await readDrafts(folder)).find((draft) => draft.role === role);
  if (pending) {
    const message = `${pending.file} still waits for signatures; it comes first`;
    return failed("DRAFT_PENDING", message, { file: pending.file });
  }
  const bytes = await readDocument(folder, role);
  if (bytes) return succeeded(bytes);
  const path = documentPath(folder, role);
  return failed("KEYS_MISSING", `there is no ${path}: no ceremony was held there`, { path });
}

/** As it came, unknown fields included; that it is one, the schema says. */
function signedIn<S extends z.ZodType>(
  bytes: Uint8Array,
  schema: S,
  role: string,
): Result<z.input<S>, FolderCode> {
  const read = readEnvelope(bytes, schema, TARGETS_BYTES_MAX);
  if (!read.ok)
    return failed("METADATA_INVALID", `the folder's ${role}: ${read.message}`, { role });
  return succeeded((JSON.parse(new TextDecoder().decode(bytes)) as { signed: z.input<S> }).signed);
}

export async function writeDraft(folder: string, { role, version, bytes }: Omit<Draft, "file">) {
  const file = draftPath(folder, role, version);
  await mkdir(join(folder, "metadata"), { recursive: true });
  await writeFile(file, bytes);
  return file;
}

/** Makes a document the newest of its role; its draft goes, an older root stays under its version. */
export async function adopt(folder: string, { role, version, bytes }: Omit<Draft, "file">) {
  const file = documentPath(folder, role);
  await mkdir(join(folder, "metadata"), { recursive: true });
  const before = role === "root" ? await readDocument(folder, role) : undefined;
  if (before && versionOf(before) < version) {
    await writeFile(join(folder, "metadata", `${versionOf(before)}.root.json`), before);
  }
  await writeFile(file, bytes);
  await rm(draftPath(folder, role, version), { force: true });
  return file;
}

/** Of metadata that this folder keeps, or that was just read as metadata. */
export function versionOf(metadata: Uint8Array): number {
  return versioned.parse(JSON.parse(new TextDecoder().decode(metadata))).signed.version;
}

const versioned = z.object({ signed: z.looseObject({ version: z.int().min(1) }) });

async function namesIn(folder: string): Promise<string[]> {
  return (await readdir(join(folder, "metadata")).catch(() => [])).sort();
}

async function readBytes(path: string): Promise<Uint8Array> {
  return new Uint8Array(await readFile(path));
}

export async function readIfThere(path: string): Promise<Uint8Array | undefined> {
  try {
    return await readBytes(path);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "ENOENT") return undefined;
    throw error;
  }
}
