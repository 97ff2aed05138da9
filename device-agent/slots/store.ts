/**
 * The version store: one unpacked bundle a folder, named by the bundle's SHA-256. A folder under its final
 * name is complete, because it gets that name by one rename after everything in it is durable.
 */
import type { Sha256 } from "../../protocol/base/brand.ts";
import { fromUtf8 } from "../../protocol/base/bytes.ts";
import { canonicalJson } from "../../protocol/base/canonical-json.ts";
import { failed, succeeded, type Result } from "../../protocol/base/result.ts";
import {
  manifestSchema,
  packBundle,
  readBundle,
  type BundleCode,
  type BundleManifest,
} from "../../protocol/bundle/index.ts";
import { sha256Hex } from "../../protocol/crypto/index.ts";
import type { FileSystem } from "./file-system.ts";

export const STORE_DIRECTORY = "store";
/** Stays free for the state file, reports and logs, whatever is staged. */
export const RESERVED_BYTES = 4 << 20;

export type StageCode = BundleCode | "NO_SPACE" | "BUNDLE_HASH_MISMATCH";
export type SlotCode = "DRIVER_MISSING" | "DRIVER_DAMAGED";

const PARTIAL_SUFFIX = ".partial";
const MANIFEST_FILE = "manifest.json";

/** Where a driver's files are. */
export function driverFilesPath(driver: Sha256): string {
  return `${STORE_DIRECTORY}/${driver}/files`;
}

/** Unpacks a bundle. A full disk leaves everything as it was. */
export async function stageBundle(
  files: FileSystem,
  archive: Uint8Array,
  sha256: Sha256,
): Promise<Result<BundleManifest, StageCode>> {
  if (sha256Hex(archive) !== sha256) {
    return failed("BUNDLE_HASH_MISMATCH", "The bundle is not the one that was assigned.");
  }
  const bundle = readBundle(archive);
  if (!bundle.ok) return bundle;
  const { manifest } = bundle.value;
  if ((await readSlot(files, sha256)).ok) return succeeded(manifest);
  const room = await checkSpace(files, archive.length);
  if (!room.ok) return room;
  const home = `${STORE_DIRECTORY}/${sha256}`;
  const partial = home + PARTIAL_SUFFIX;
  await files.discard(partial);
  await files.discard(home);
  for (const [path, bytes] of bundle.value.files) {
    await files.replaceFile(`${partial}/files/${path}`, bytes);
  }
  await files.replaceFile(`${partial}/${MANIFEST_FILE}`, canonicalJson(manifest));
  await files.move(partial, home);
  const readBack = await readSlot(files, sha256);
  return readBack.ok ? succeeded(manifest) : failed("BUNDLE_FILE_CORRUPT", readBack.message);
}

/** The manifest of a stored driver, after every byte of it has been checked against its name. */
export async function readSlot(
  files: FileSystem,
  sha256: Sha256,
): Promise<Result<BundleManifest, SlotCode>> {
  const archive = await rebuildBundle(files, sha256);
  if (!archive.ok) return archive;
  const bundle = readBundle(archive.value);
  return bundle.ok ? succeeded(bundle.value.manifest) : damaged(sha256, bundle.message);
}

/** The bundle that a stored driver was unpacked from: packing is deterministic. */
export async function rebuildBundle(
  files: FileSystem,
  sha256: Sha256,
): Promise<Result<Uint8Array, SlotCode>> {
  const home = `${STORE_DIRECTORY}/${sha256}`;
  const manifestBytes = await files.read(`${home}/${MANIFEST_FILE}`);
  if (!manifestBytes) return failed("DRIVER_MISSING", `Driver ${sha256} is not stored.`);
  const manifest = parseManifest(manifestBytes);
  if (!manifest) return damaged(sha256, "its manifest is not readable");
  const contents = new Map<string, Uint8Array>();
  for (const { path } of manifest.files) {
    const bytes = await files.read(`${home}/files/${path}`);
    if (!bytes) return damaged(sha256, `${path} is missing`);
    contents.set(path, bytes);
  }
  const { version, abi, isa, socs, kernels, builtFrom } = manifest;
  const archive = packBundle(contents, { version, abi, isa, socs, kernels, builtFrom });
  return sha256Hex(archive) === sha256 ? succeeded(archive) : damaged(sha256, "its hash differs");
}

/** Whether `bytes` more fit, with the reserve left over. */
export async function checkSpace(
  files: FileSystem,
  bytes: number,
): Promise<Result<void, "NO_SPACE">> {
  const freeBytes = await files.freeBytes();
  const neededBytes = bytes + RESERVED_BYTES;
  if (freeBytes >= neededBytes) return succeeded(undefined);
  const message = `The update needs ${neededBytes} bytes of disk, ${freeBytes} are free.`;
  return failed("NO_SPACE", message, { freeBytes, neededBytes });
}

function parseManifest(bytes: Uint8Array): BundleManifest | undefined {
  try {
    return manifestSchema.parse(JSON.parse(fromUtf8(bytes)));
  } catch {
    // Damaged: the caller says so.
    return undefined;
  }
}

function damaged(sha256: Sha256, why: string): Result<never, "DRIVER_DAMAGED"> {
  return failed("DRIVER_DAMAGED", `Driver ${sha256} is damaged: ${why}.`);
}
