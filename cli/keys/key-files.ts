/** Offline signing keys in files, one a key, readable by their owner alone and sealed with a passphrase. */
import { randomBytes } from "node:crypto";
import { mkdir, readdir, readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { z } from "zod";
import { fromHex, hex } from "../../protocol/base/bytes.ts";
import { failed, succeeded } from "../../protocol/base/result.ts";
import type { Result } from "../../protocol/base/result.ts";
import {
  keyIdOf,
  memorySigner,
  NONCE_BYTES,
  SALT_BYTES,
  SCRYPT_COST,
  seal,
  unseal,
} from "../../protocol/crypto/index.ts";
import type { ScryptCost, Signer } from "../../protocol/crypto/index.ts";
import { parseDelegatedRole } from "../../protocol/metadata/index.ts";

/** Roles whose keys never leave an offline folder: root, targets and delegated ones; the online are the server's. */
export function isOfflineRole(role: string): boolean {
  return role === "root" || role === "targets" || parseDelegatedRole(role) !== undefined;
}

export type KeyFileCode =
  "KEYS_MISSING" | "KEY_FILE_INVALID" | "KEYS_EXIST" | "PASSPHRASE_MISSING" | "PASSPHRASE_WRONG";

const digits = z.string().regex(/^([0-9a-f]{2})*$/);
const common = {
  role: z.string().refine(isOfflineRole, "not a role with offline keys"),
  /** Made for a demonstration: no production server starts on it. */
  demo: z.boolean(),
  keytype: z.literal("ed25519"),
  public: digits,
};
const cost = z.strictObject({ N: z.int(), r: z.int(), p: z.int() });

const keyFileSchema = z.discriminatedUnion("format", [
  /** In the clear: for demonstrations. */
  z.strictObject({ format: z.literal(1), ...common, seed: z.string().regex(/^[0-9a-f]{64}$/) }),
  z.strictObject({
    format: z.literal(2),
    ...common,
    sealed: z.strictObject({
      kdf: z.literal("scrypt"),
      cost,
      salt: digits,
      nonce: digits,
      box: digits,
    }),
  }),
]);
type KeyFile = z.output<typeof keyFileSchema>;

/** Where keys are, and what opens them. */
export interface KeyFolder {
  readonly folder: string;
  /** Undefined: only keys of demonstrations are made and read, in the clear. */
  readonly passphrase?: string | undefined;
}

export interface NewKeys extends KeyFolder {
  readonly role: string;
  readonly count: number;
  readonly demo: boolean;
  readonly cost?: ScryptCost;
}

/** Draws fresh keys from the system's randomness, numbered after those that are there; writes over none. */
export async function createKeys(options: NewKeys): Promise<Result<Signer[], KeyFileCode>> {
  const { folder, role, count, demo, passphrase } = options;
  if (!demo && passphrase === undefined) {
    return failed(
      "PASSPHRASE_MISSING",
      "keys that are no demonstration are sealed: give a passphrase",
    );
  }
  await mkdir(folder, { recursive: true, mode: 0o700 });
  const first = (await keyNames(folder, role)).length + 1;
  const signers: Signer[] = [];
  for (let index = first; index < first + count; index++) {
    const seed = new Uint8Array(randomBytes(32));
    const signer = memorySigner(seed);
    const text = `${JSON.stringify(fileOf(seed, signer, options), null, 2)}\n`;
    const path = join(folder, `${role}-${index}.key.json`);
    try {
      await writeFile(path, text, { mode: 0o600, flag: "wx" });
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== "EEXIST") throw error;
      return failed("KEYS_EXIST", `${path} exists; keys are never written over`);
    }
    signers.push(signer);
  }
  return succeeded(signers);
}

function fileOf(
  seed: Uint8Array,
  signer: Signer,
  { role, demo, passphrase, cost = SCRYPT_COST }: NewKeys,
): KeyFile {
  const facts = { role, demo, keytype: "ed25519", public: hex(signer.publicKey) } as const;
  if (passphrase === undefined) return { format: 1, ...facts, seed: hex(seed) };
  const [salt, nonce] = [SALT_BYTES, NONCE_BYTES].map(
    (count) => new Uint8Array(randomBytes(count)),
  );
  const fresh = { salt: salt ?? new Uint8Array(0), nonce: nonce ?? new Uint8Array(0) };
  const { box } = seal(seed, { passphrase, cost, ...fresh });
  const sealed = { salt: hex(fresh.salt), nonce: hex(fresh.nonce), box: hex(box) };
  return { format: 2, ...facts, sealed: { kdf: "scrypt", cost, ...sealed } };
}

/** Keys of a role in a folder, in the order of the file names; with ids only those are opened, which takes a passphrase and its time. */
export async function keysThere(
  { folder, passphrase }: KeyFolder,
  role: string,
  only?: ReadonlySet<string>,
): Promise<Result<Signer[], KeyFileCode>> {
  const signers: Signer[] = [];
  for (const name of await keyNames(folder, role)) {
    const path = join(folder, name);
    const parsed = keyFileSchema.safeParse(parseJson(await readFile(path, "utf8")));
    if (!parsed.success || parsed.data.role !== role) {
      return failed("KEY_FILE_INVALID", `${path} is no key file of role ${role}`);
    }
    const publicKey = fromHex(parsed.data.public) ?? new Uint8Array(0);
    if (only && !only.has(keyIdOf(publicKey))) continue;
    const seed = seedOf(parsed.data, path, passphrase);
    if (!seed.ok) return seed;
    const signer = memorySigner(seed.value);
    if (hex(signer.publicKey) !== parsed.data.public) {
      return failed("KEY_FILE_INVALID", `${path} holds two halves of different keys`);
    }
    signers.push(signer);
  }
  return succeeded(signers);
}

/** The public halves alone, of one role or of all: they need no passphrase. */
export async function readPublicKeys(folder: string, role?: string): Promise<Uint8Array[]> {
  const keys: Uint8Array[] = [];
  for (const name of await keyNames(folder, role)) {
    const parsed = keyFileSchema.safeParse(parseJson(await readFile(join(folder, name), "utf8")));
    const key = parsed.success ? fromHex(parsed.data.public) : undefined;
    if (key) keys.push(key);
  }
  return keys;
}

function seedOf(
  file: KeyFile,
  path: string,
  passphrase: string | undefined,
): Result<Uint8Array, KeyFileCode> {
  const bytes = (text: string): Uint8Array => fromHex(text) ?? new Uint8Array(0);
  if (file.format === 1) return succeeded(bytes(file.seed));
  if (passphrase === undefined) {
    return failed("PASSPHRASE_MISSING", `${path} is sealed: give its passphrase`, { path });
  }
  const { salt, nonce, box } = file.sealed;
  const sealed = { salt: bytes(salt), nonce: bytes(nonce), box: bytes(box) };
  const seed = unseal({ cost: file.sealed.cost, ...sealed }, passphrase);
  if (seed?.length === 32) return succeeded(seed);
  return failed("PASSPHRASE_WRONG", `${path} does not open with this passphrase`, { path });
}

const KEY_FILE = /^(.+)-(\d+)\.key\.json$/;

async function keyNames(folder: string, role?: string): Promise<string[]> {
  const names = await readdir(folder).catch(() => []);
  return names
    .filter((name) => {
      const of = KEY_FILE.exec(name)?.[1];
      return of !== undefined && (role === undefined || of === role);
    })
    .sort((a, b) => numberOf(a) - numberOf(b));
}

function numberOf(name: string): number {
  return Number(KEY_FILE.exec(name)?.[2] ?? 0);
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
