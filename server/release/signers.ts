/**
 * The online keys (snapshot, timestamp, director) in files that only the server reads, one a key. The offline
 * side knows their public halves and names them in root metadata and in the director's key set.
 */
import { existsSync, mkdirSync, readFileSync, statSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { z } from "zod";
import { equalBytes, fromHex, hex } from "../../protocol/base/bytes.ts";
import { failed, succeeded, type Result } from "../../protocol/base/result.ts";
import { nativeSigner, SEED_BYTES, type Signer } from "../../protocol/crypto/index.ts";

export type SignerCode =
  "DEMO_KEY_IN_PRODUCTION" | "KEY_FILE_OPEN_TO_OTHERS" | "KEY_FILE_MALFORMED";

export const ONLINE_ROLES = ["snapshot", "timestamp", "director"] as const;
export type OnlineRole = (typeof ONLINE_ROLES)[number];

export interface OnlineSignerOptions {
  readonly folder: string;
  readonly mode: "production" | "demo";
  readonly randomBytes: (count: number) => Uint8Array;
}

const keyFileSchema = z.strictObject({
  format: z.literal(1),
  role: z.enum(ONLINE_ROLES),
  /** Made for a demonstration: a production server refuses to start on it. */
  demo: z.boolean(),
  keytype: z.literal("ed25519"),
  public: z.string().regex(/^[0-9a-f]{64}$/),
  seed: z.string().regex(/^[0-9a-f]{64}$/),
});
type KeyFile = z.infer<typeof keyFileSchema>;

/** The key of a role; made when there is none. */
export function onlineSigner(
  role: OnlineRole,
  options: OnlineSignerOptions,
): Result<Signer, SignerCode> {
  const path = join(options.folder, `${role}-1.key.json`);
  if (!existsSync(path)) makeKey(path, role, options);
  const read = readKey(path, role);
  if (!read.ok) return read;
  if (options.mode === "production" && read.value.demo) {
    const message = `${path} was made by a demo: a production server does not start on such keys.`;
    return failed("DEMO_KEY_IN_PRODUCTION", message, { path });
  }
  return signerOf(read.value, path);
}

function makeKey(path: string, role: OnlineRole, options: OnlineSignerOptions): void {
  mkdirSync(options.folder, { recursive: true, mode: 0o700 });
  const seed = options.randomBytes(SEED_BYTES);
  const demo = options.mode === "demo";
  const { publicKey } = nativeSigner(seed);
  const halves = { public: hex(publicKey), seed: hex(seed) };
  const file: KeyFile = { format: 1, role, demo, keytype: "ed25519", ...halves };
  const text = `${JSON.stringify(file, null, 2)}\n`;
  writeFileSync(path, text, { mode: 0o600, flag: "wx", flush: true });
}

function readKey(path: string, role: OnlineRole): Result<KeyFile, SignerCode> {
  if ((statSync(path).mode & 0o077) !== 0) {
    const message = `${path} is open to other users: its mode must be 600.`;
    return failed("KEY_FILE_OPEN_TO_OTHERS", message, { path });
  }
  try {
    const file = keyFileSchema.parse(JSON.parse(readFileSync(path, "utf8")));
    if (file.role === role) return succeeded(file);
  } catch {
    // Not readable as a key, whatever it is: the answer is the same.
  }
  return failed("KEY_FILE_MALFORMED", `${path} does not hold a ${role} key.`, { path });
}

function signerOf(file: KeyFile, path: string): Result<Signer, SignerCode> {
  const seed = fromHex(file.seed);
  const signer = seed && nativeSigner(seed);
  const named = fromHex(file.public);
  if (signer && named && equalBytes(signer.publicKey, named)) return succeeded(signer);
  return failed("KEY_FILE_MALFORMED", `${path} holds two halves of different keys.`, { path });
}
