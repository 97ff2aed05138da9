/**
 * The bundle file. Deterministic and uncompressed (transport compresses), so that equal sources give
 * equal bytes on every machine:
 *
 *     "RTLBNDL1" | manifest length, u32 little-endian | SHA-256 of the manifest | manifest | files
 *
 * The manifest is canonical JSON and lists the files, sorted by path, in the order in which their bytes
 * follow. Every byte is covered by a check: a flipped one is a failure with a code.
 */
import { assert } from "../base/assert.ts";
import { concatBytes, equalBytes, fromUtf8, utf8 } from "../base/bytes.ts";
import { canonicalJson } from "../base/canonical-json.ts";
import { failed, succeeded, type Result } from "../base/result.ts";
import { sha256, sha256Hex } from "../crypto/hash.ts";
import { BUNDLE_BYTES_MAX, MANIFEST_BYTES_MAX } from "./limits.ts";
import {
  BUNDLE_NAME,
  ENTRY_PATH,
  manifestSchema,
  type BundleFile,
  type BundleManifest,
  type ManifestFields,
} from "./manifest.ts";

export type BundleCode =
  | "BUNDLE_TOO_LARGE"
  | "BUNDLE_TRUNCATED"
  | "BUNDLE_NOT_A_BUNDLE"
  | "BUNDLE_MANIFEST_CORRUPT"
  | "BUNDLE_MANIFEST_INVALID"
  | "BUNDLE_PATHS_CLASH"
  | "BUNDLE_LENGTH_MISMATCH"
  | "BUNDLE_FILE_CORRUPT";

export interface Bundle {
  readonly manifest: BundleManifest;
  /** By path; views into the archive's bytes. */
  readonly files: ReadonlyMap<string, Uint8Array>;
}

const MAGIC = utf8("RTLBNDL1");
const LENGTH_OFFSET = MAGIC.length;
const HASH_OFFSET = LENGTH_OFFSET + 4;
const MANIFEST_OFFSET = HASH_OFFSET + 32;

/** The archive of these files. Files that no device would accept are a bug of the caller: it throws. */
export function packBundle(
  files: ReadonlyMap<string, Uint8Array>,
  fields: ManifestFields,
): Uint8Array {
  const paths = [...files.keys()].sort(byCodeUnits);
  const contents = paths.map((path) => files.get(path) ?? new Uint8Array(0));
  const manifest: BundleManifest = manifestSchema.parse({
    format: 1,
    name: BUNDLE_NAME,
    entry: ENTRY_PATH,
    ...fields,
    kernels: [...fields.kernels].sort(byCodeUnits),
    socs: [...fields.socs].sort(byCodeUnits),
    files: contents.map((bytes, index) => ({
      path: paths[index],
      length: bytes.length,
      sha256: sha256Hex(bytes),
    })),
  });
  const manifestBytes = canonicalJson(manifest);
  const header = new Uint8Array(MANIFEST_OFFSET);
  header.set(MAGIC);
  new DataView(header.buffer).setUint32(LENGTH_OFFSET, manifestBytes.length, true);
  header.set(sha256(manifestBytes), HASH_OFFSET);
  const archive = concatBytes([header, manifestBytes, ...contents]);
  const readBack = readBundle(archive);
  assert(readBack.ok, readBack.ok ? "" : `packed an unreadable bundle: ${readBack.message}`);
  return archive;
}

/** The manifest and files of an archive, every length, hash and path checked. */
export function readBundle(archive: Uint8Array): Result<Bundle, BundleCode> {
  const manifestRead = readBundleManifest(archive);
  if (!manifestRead.ok) return manifestRead;
  const { manifest, contentOffset } = manifestRead.value;
  const contentLength = manifest.files.reduce((total, file) => total + file.length, 0);
  if (archive.length !== contentOffset + contentLength) {
    const details = { bytes: archive.length, bytesListed: contentOffset + contentLength };
    return failed("BUNDLE_LENGTH_MISMATCH", "The bundle is not as long as it says.", details);
  }
  const files = new Map<string, Uint8Array>();
  let offset = contentOffset;
  for (const file of manifest.files) {
    const bytes = archive.subarray(offset, offset + file.length);
    if (sha256Hex(bytes) !== file.sha256) {
      const details = { path: file.path };
      return failed(
        "BUNDLE_FILE_CORRUPT",
        `The file ${file.path} is not what was packed.`,
        details,
      );
    }
    files.set(file.path, bytes);
    offset += file.length;
  }
  return succeeded({ manifest, files });
}

/** Only the manifest, from the archive or a beginning of it that is long enough. */
export function readBundleManifest(
  archive: Uint8Array,
): Result<{ manifest: BundleManifest; contentOffset: number }, BundleCode> {
  if (archive.length > BUNDLE_BYTES_MAX) {
    const details = { bytes: archive.length, bytesMax: BUNDLE_BYTES_MAX };
    return failed("BUNDLE_TOO_LARGE", "The bundle is larger than any bundle may be.", details);
  }
  if (archive.length < MANIFEST_OFFSET) return truncated(archive.length);
  if (!equalBytes(archive.subarray(0, MAGIC.length), MAGIC)) {
    return failed("BUNDLE_NOT_A_BUNDLE", "The file does not begin as a driver bundle does.");
  }
  const view = new DataView(archive.buffer, archive.byteOffset, archive.byteLength);
  const manifestLength = view.getUint32(LENGTH_OFFSET, true);
  if (manifestLength > MANIFEST_BYTES_MAX) {
    return failed("BUNDLE_TOO_LARGE", "The manifest is larger than any manifest may be.");
  }
  const contentOffset = MANIFEST_OFFSET + manifestLength;
  if (archive.length < contentOffset) return truncated(archive.length);
  const bytes = archive.subarray(MANIFEST_OFFSET, contentOffset);
  if (!equalBytes(sha256(bytes), archive.subarray(HASH_OFFSET, MANIFEST_OFFSET))) {
    return failed("BUNDLE_MANIFEST_CORRUPT", "The manifest is not what was packed.");
  }
  const manifest = parseManifest(bytes);
  return manifest.ok ? succeeded({ manifest: manifest.value, contentOffset }) : manifest;
}

function truncated(bytes: number) {
  return failed("BUNDLE_TRUNCATED", `The bundle ends after ${bytes} bytes.`, { bytes });
}

function parseManifest(bytes: Uint8Array): Result<BundleManifest, BundleCode> {
  let json: unknown;
  try {
    json = JSON.parse(fromUtf8(bytes));
  } catch (error) {
    return failed("BUNDLE_MANIFEST_INVALID", `The manifest is not JSON: ${String(error)}.`);
  }
  const parsed = manifestSchema.safeParse(json);
  if (!parsed.success) {
    const [issue] = parsed.error.issues;
    const where = issue?.path.join(".") ?? "";
    const message = `The manifest is not valid at "${where}": ${issue?.message ?? ""}.`;
    return failed("BUNDLE_MANIFEST_INVALID", message, { where });
  }
  const clash = pathClash(parsed.data);
  if (clash !== undefined) {
    return failed("BUNDLE_PATHS_CLASH", `The manifest's paths clash: ${clash}.`);
  }
  return succeeded(parsed.data);
}

/** Why these paths cannot lie in one folder on any file system, or are not the ones referred to. */
function pathClash(manifest: BundleManifest): string | undefined {
  const { files, kernels, entry } = manifest;
  const paths = new Set(files.map((file) => file.path));
  const folded = new Set(files.map((file) => file.path.toLowerCase()));
  const unsorted = files.findIndex((file, index) => index > 0 && !isAfter(files[index - 1], file));
  if (unsorted >= 0) return "the files are not sorted, or one is listed twice";
  if (folded.size !== files.length) return "two differ only in case";
  const inFile = files.find((file) =>
    parentsOf(file.path.toLowerCase()).some((p) => folded.has(p)),
  );
  if (inFile) return `${inFile.path} lies inside another file`;
  const missing = [entry, ...kernels].find((path) => !paths.has(path));
  return missing === undefined ? undefined : `${missing} is not among the files`;
}

function isAfter(before: BundleFile | undefined, file: BundleFile): boolean {
  return before !== undefined && byCodeUnits(before.path, file.path) < 0;
}

function parentsOf(path: string): string[] {
  const segments = path.split("/");
  return segments.slice(1).map((_, index) => segments.slice(0, index + 1).join("/"));
}

/** Not the locale's order, which differs between machines. */
function byCodeUnits(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0;
}
