/**
 * Online keys in files that only the server reads, one a key, numbered: the highest number of a role is its present
 * one. The offline side knows their public halves and names them in root metadata and in the director's key set.
 */
import { existsSync, mkdirSync, readdirSync, readFileSync, statSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { z } from "zod";
import { equalBytes, fromHex, hex } from "../../../protocol/base/bytes.ts";
import { failed, succeeded, unwrap, type Result } from "../../../protocol/base/result.ts";
import { nativeSigner, SEED_BYTES, type Signer } from "../../../protocol/crypto/index.ts";
import { ONLINE_ROLES, type KeyVault, type OnlineRole, type SignerCode } from "./vault.ts";

export interface FileVaultOptions {
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

/** A role's first key is made when it is asked for. */
export function fileVault(options: FileVaultOptions): KeyVault {
  const opened = new Map<OnlineRole, Signer>();
  const open = (role: OnlineRole): Result<Signer, SignerCode> => {
    const known = opened.get(role);
    const signer = known ? succeeded(known) : onlineSigner(role, options);
    if (signer.ok) opened.set(role, signer.value);
    return signer;
  };
  return {
    publicKey: (role) => {
      const signer = open(role);
      return Promise.resolve(signer.ok ? succeeded(signer.value.publicKey) : signer);
    },
    sign: async (role, message) => unwrap(open(role)).sign(message),
  };
}

/** The next key of a role, which the server signs with from its next start on; the file that holds it. */
export function makeNextKey(role: OnlineRole, options: FileVaultOptions): string {
  const number = newestNumber(role, options.folder) + 1;
  const path = join(options.folder, `${role}-${number}.key.json`);
  mkdirSync(options.folder, { recursive: true, mode: 0o700 });
  const seed = options.randomBytes(SEED_BYTES);
  const demo = options.mode === "demo";
  const { publicKey } = nativeSigner(seed);
  const halves = { public: hex(publicKey), seed: hex(seed) };
  const file: KeyFile = { format: 1, role, demo, keytype: "ed25519", ...halves };
  const text = `${JSON.stringify(file, null, 2)}\n`;
  writeFileSync(path, text, { mode: 0o600, flag: "wx", flush: true });
  return path;
}

function onlineSigner(role: OnlineRole, options: FileVaultOptions): Result<Signer, SignerCode> {
  const number = newestNumber(role, options.folder);
  const path =
    number === 0 ? makeNextKey(role, options) : join(options.folder, `${role}-${number}.key.json`);
  const read = readKey(path, role);
  if (!read.ok) return read;
  if (options.mode === "production" && read.value.demo) {
    const message = `${path} was made by a demo: a production server does not start on such keys.`;
    return failed("DEMO_KEY_IN_PRODUCTION", message, { path });
  }
  return signerOf(read.value, path);
}

/** Zero where there is none. */
function newestNumber(role: OnlineRole, folder: string): number {
  const names = existsSync(folder) ? readdirSync(folder) : [];
  const pattern = new RegExp(`^${role}-(\\d+)\\.key\\.json$`);
  return Math.max(0, ...names.map((name) => Number(pattern.exec(name)?.[1] ?? 0)));
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
