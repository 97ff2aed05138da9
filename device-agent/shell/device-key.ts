/** The device's own key: 32 secret bytes in a file that only the agent's user reads. */
import { nativeSigner, SEED_BYTES, type Signer } from "../../protocol/crypto/index.ts";
import type { FileSystem } from "../slots/index.ts";

const KEY_FILE = "device.key";

export async function readDeviceKey(files: FileSystem): Promise<Signer | undefined> {
  const seed = await files.read(KEY_FILE);
  return seed?.length === SEED_BYTES ? nativeSigner(new Uint8Array(seed)) : undefined;
}

/** The same key for ever: an enrolment that is repeated is the same device's. */
export async function ensureDeviceKey(
  files: FileSystem,
  randomBytes: (count: number) => Uint8Array,
): Promise<Signer> {
  const kept = await readDeviceKey(files);
  if (kept) return kept;
  const seed = randomBytes(SEED_BYTES);
  await files.replaceFile(KEY_FILE, seed);
  return nativeSigner(seed);
}
