/** Downloads that resume: a partial file grows, its length is a limit, and only the whole has to have the hash. */
import type { Sha256 } from "../../protocol/base/brand.ts";
import { concatBytes } from "../../protocol/base/bytes.ts";
import { failed, succeeded, type Result } from "../../protocol/base/result.ts";
import { hasher } from "../../protocol/crypto/index.ts";
import type { FileSystem } from "./file-system.ts";
import { checkSpace } from "./store.ts";

export const DOWNLOADS_DIRECTORY = "downloads";
/** A power loss costs at most this much of a download. */
const PIECE_BYTES = 1 << 20;

/** Gives the bytes from `offset` on, piece by piece; stops when `onPiece` answers false. */
export type ReadFrom<Code extends string> = (
  offset: number,
  onPiece: (bytes: Uint8Array) => Promise<boolean>,
) => Promise<Result<unknown, Code>>;

export interface Wanted {
  readonly sha256: Sha256;
  readonly bytes: number;
  readonly onProgress?: ((bytes: number) => void) | undefined;
}

export type DownloadCode =
  "NO_SPACE" | "DOWNLOAD_TOO_LONG" | "DOWNLOAD_CUT_SHORT" | "DOWNLOAD_CORRUPT";

export function downloadPath(sha256: Sha256): string {
  return `${DOWNLOADS_DIRECTORY}/${sha256}`;
}

/** The whole file, verified. What came before the network failed stays for the next attempt. */
export async function download<Code extends string>(
  files: FileSystem,
  wanted: Wanted,
  readFrom: ReadFrom<Code>,
): Promise<Result<Uint8Array, Code | DownloadCode>> {
  const kept = await files.stat(downloadPath(wanted.sha256));
  const done = await attempt(files, wanted, readFrom);
  // What an earlier life left may be torn: that is the disk's doing, not the server's.
  const isDiskToBlame = kept !== undefined && !done.ok && done.code === "DOWNLOAD_CORRUPT";
  return isDiskToBlame ? attempt(files, wanted, readFrom) : done;
}

/** Leaves no bytes behind that could not be the beginning of the file. */
async function attempt<Code extends string>(
  files: FileSystem,
  wanted: Wanted,
  readFrom: ReadFrom<Code>,
): Promise<Result<Uint8Array, Code | DownloadCode>> {
  const path = downloadPath(wanted.sha256);
  const partial = await resumePartial(files, wanted);
  const missingBytes = wanted.bytes - partial.bytes();
  // The rest of the file and, unpacked from it, the driver.
  const room = await checkSpace(files, missingBytes + wanted.bytes);
  if (!room.ok) return room;
  if (missingBytes > 0) {
    const read = await readFrom(partial.bytes(), (piece) => partial.add(piece));
    await partial.flush();
    if (!read.ok) return read;
  }
  const whole = partial.whole();
  if (whole.length < wanted.bytes) {
    const details = { bytes: whole.length, bytesMax: wanted.bytes };
    return failed("DOWNLOAD_CUT_SHORT", "The download ended early.", details);
  }
  const hash = hasher("sha256");
  hash.update(whole);
  if (whole.length === wanted.bytes && hash.hex() === wanted.sha256) return succeeded(whole);
  await files.discard(path);
  if (whole.length === wanted.bytes) {
    return failed("DOWNLOAD_CORRUPT", "The download does not have the signed hash.");
  }
  return failed("DOWNLOAD_TOO_LONG", `The download has more than ${wanted.bytes} bytes.`);
}

interface Partial {
  bytes(): number;
  /** False when there are more than wanted. */
  add(piece: Uint8Array): Promise<boolean>;
  flush(): Promise<void>;
  whole(): Uint8Array;
}

async function resumePartial(files: FileSystem, wanted: Wanted): Promise<Partial> {
  const path = downloadPath(wanted.sha256);
  const kept = (await files.read(path)) ?? new Uint8Array(0);
  const isUsable = kept.length <= wanted.bytes;
  if (!isUsable) await files.discard(path);
  const parts: Uint8Array[] = isUsable ? [kept] : [];
  let bytes = isUsable ? kept.length : 0;
  let pending: Uint8Array[] = [];
  let pendingBytes = 0;
  const flush = async (): Promise<void> => {
    if (pendingBytes === 0) return;
    const piece = concatBytes(pending);
    pending = [];
    pendingBytes = 0;
    await files.appendFile(path, piece);
    parts.push(piece);
    wanted.onProgress?.(bytes);
  };
  return {
    bytes: () => bytes,
    add: async (piece) => {
      bytes += piece.length;
      pending.push(piece);
      pendingBytes += piece.length;
      if (pendingBytes >= PIECE_BYTES) await flush();
      return bytes <= wanted.bytes;
    },
    flush,
    whole: () => concatBytes(parts),
  };
}
