/** Offline signing keys in files, one a key, readable by their owner alone. */
import { randomBytes } from "node:crypto";
import { mkdir, readdir, readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { z } from "zod";
import { fromHex, hex } from "../../protocol/base/bytes.ts";
import { failed, succeeded } from "../../protocol/base/result.ts";
import type { Result } from "../../protocol/base/result.ts";
import { memorySigner } from "../../protocol/crypto/index.ts";
import type { Signer } from "../../protocol/crypto/index.ts";

/** Roles whose keys never leave the offline folder; the online ones are the server's own. */
export const OFFLINE_ROLES = ["root", "targets"] as const;
export type OfflineRole = (typeof OFFLINE_ROLES)[number];

export type KeyFileCode = "KEYS_MISSING" | "KEY_FILE_INVALID" | "KEYS_EXIST";

const keyFileSchema = z.strictObject({
  format: z.literal(1),
  role: z.enum(OFFLINE_ROLES),
  /** Made for a demonstration: no production server starts on it. */
  demo: z.boolean(),
  keytype: z.literal("ed25519"),
  public: z.string(),
  seed: z.string().regex(/^[0-9a-f]{64}$/),
});

export interface NewKeys {
  readonly folder: string;
  readonly role: OfflineRole;
  readonly count: number;
  readonly demo: boolean;
}

/** Draws fresh keys from the system's randomness; refuses to write over any. */
export async function createKeys(options: NewKeys): Promise<Result<Signer[], KeyFileCode>> {
  const { folder, role, count, demo } = options;
  await mkdir(folder, { recursive: true, mode: 0o700 });
  const signers: Signer[] = [];
  for (let index = 1; index <= count; index++) {
    const seed = new Uint8Array(randomBytes(32));
    const signer = memorySigner(seed);
    const file = { format: 1, role, demo, keytype: "ed25519", public: hex(signer.publicKey) };
    const text = `${JSON.stringify({ ...file, seed: hex(seed) }, null, 2)}\n`;
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

/** Every key of a role in a folder, in the order of the file names. */
export async function readKeys(
  folder: string,
  role: OfflineRole,
): Promise<Result<Signer[], KeyFileCode>> {
  const names = await readdir(folder).catch(() => []);
  const mine = names.filter((name) => name.startsWith(`${role}-`) && name.endsWith(".key.json"));
  const signers: Signer[] = [];
  for (const name of mine.sort()) {
    const parsed = keyFileSchema.safeParse(parseJson(await readFile(join(folder, name), "utf8")));
    const seed = parsed.success ? fromHex(parsed.data.seed) : undefined;
    if (!parsed.success || seed === undefined || parsed.data.role !== role) {
      return failed("KEY_FILE_INVALID", `${join(folder, name)} is no key file of role ${role}`);
    }
    signers.push(memorySigner(seed));
  }
  if (signers.length > 0) return succeeded(signers);
  return failed("KEYS_MISSING", `there is no ${role} key in ${folder}`, { folder, role });
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
