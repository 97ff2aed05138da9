/**
 * The online keys: snapshot, timestamp and one director key a tenant, in files that only the server reads.
 * They are made here and never leave; the offline side learns the public halves and names them in root
 * metadata and director key sets.
 */
import { existsSync, mkdirSync, readFileSync, renameSync, statSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { z } from "zod";
import { fromHex, hex } from "../../protocol/base/bytes.ts";
import type { TenantId } from "../../protocol/base/brand.ts";
import { failed, succeeded, type Result } from "../../protocol/base/result.ts";
import { equalBytes } from "../../protocol/base/bytes.ts";
import { nativeSigner, SEED_BYTES, type Signer } from "../../protocol/crypto/index.ts";

export type SignerCode =
  "DEMO_KEY_IN_PRODUCTION" | "KEY_FILE_OPEN_TO_OTHERS" | "KEY_FILE_MALFORMED";

export interface OnlineSignerOptions {
  readonly folder: string;
  readonly mode: "production" | "demo";
  readonly randomBytes: (count: number) => Uint8Array;
}

export type OnlineRole = "snapshot" | "timestamp" | { readonly directorOf: TenantId };

/** Marks keys that a demo made: a production server refuses to start on them. */
const keyFileSchema = z.strictObject({
  scheme: z.literal("ed25519"),
  role: z.string(),
  demo: z.boolean(),
  seed: z.string().regex(/^[0-9a-f]{64}$/),
  public: z.string().regex(/^[0-9a-f]{64}$/),
});
type KeyFile = z.infer<typeof keyFileSchema>;

/** The key of a role; made when there is none. */
export function onlineSigner(
  role: OnlineRole,
  options: OnlineSignerOptions,
): Result<Signer, SignerCode> {
  const name = typeof role === "string" ? role : `director-${role.directorOf}`;
  const path = join(options.folder, `${name}.json`);
  if (!existsSync(path)) makeKey(path, name, options);
  const read = readKey(path);
  if (!read.ok) return read;
  if (options.mode === "production" && read.value.demo) {
    const message = `${path} was made by a demo: a production server does not start on such keys.`;
    return failed("DEMO_KEY_IN_PRODUCTION", message, { path });
  }
  return signerOf(read.value, path);
}

function makeKey(path: string, name: string, options: OnlineSignerOptions): void {
  mkdirSync(options.folder, { recursive: true, mode: 0o700 });
  const seed = options.randomBytes(SEED_BYTES);
  const file: KeyFile = {
    scheme: "ed25519",
    role: name,
    demo: options.mode === "demo",
    seed: hex(seed),
    public: hex(nativeSigner(seed).publicKey),
  };
  writeFileSync(`${path}.new`, JSON.stringify(file, null, 2), { mode: 0o600, flush: true });
  renameSync(`${path}.new`, path);
}

function readKey(path: string): Result<KeyFile, SignerCode> {
  if ((statSync(path).mode & 0o077) !== 0) {
    const message = `${path} is open to other users: its mode must be 600.`;
    return failed("KEY_FILE_OPEN_TO_OTHERS", message, { path });
  }
  try {
    return succeeded(keyFileSchema.parse(JSON.parse(readFileSync(path, "utf8"))));
  } catch {
    return failed("KEY_FILE_MALFORMED", `${path} does not hold a key.`, { path });
  }
}

function signerOf(file: KeyFile, path: string): Result<Signer, SignerCode> {
  const seed = fromHex(file.seed);
  const signer = seed && nativeSigner(seed);
  const named = fromHex(file.public);
  if (signer && named && equalBytes(signer.publicKey, named)) return succeeded(signer);
  return failed("KEY_FILE_MALFORMED", `${path} holds two halves of different keys.`, { path });
}
