/**
 * Who holds the server's own keys: files, or a PKCS#11 token or KMS behind a command. A key goes by its handle;
 * nothing but public halves and signatures comes out, and no signature is used before it has been verified.
 */
import { CodedError, succeeded, type Result } from "../../../protocol/base/result.ts";
import {
  decodePublicKey,
  keyIdOf,
  verifyWith,
  type Signer,
} from "../../../protocol/crypto/index.ts";

export const ONLINE_ROLES = ["snapshot", "timestamp", "director"] as const;
export type OnlineRole = (typeof ONLINE_ROLES)[number];

export type SignerCode =
  | "DEMO_KEY_IN_PRODUCTION"
  | "KEY_FILE_OPEN_TO_OTHERS"
  | "KEY_FILE_MALFORMED"
  | "SIGNER_UNAVAILABLE"
  | "SIGNER_WRONG";

export interface KeyVault {
  /** Of the role's present key, 32 bytes of Ed25519; asked once, when the server starts. */
  publicKey(role: OnlineRole): Promise<Result<Uint8Array, SignerCode>>;
  /** 64 bytes over the message; throws where the vault does not answer. */
  sign(role: OnlineRole, message: Uint8Array): Promise<Uint8Array>;
}

/** A vault that does not answer in this time is down; a device that waits for its answer comes again. */
const SIGN_MS_MAX = 10_000;

/** The signer of a role; what it throws is a CodedError. */
export async function openSigner(
  vault: KeyVault,
  role: OnlineRole,
): Promise<Result<Signer, SignerCode>> {
  const opened = await vault.publicKey(role);
  if (!opened.ok) return opened;
  const publicKey = opened.value;
  const key = decodePublicKey(publicKey);
  if (!key)
    throw new CodedError("SIGNER_WRONG", `The vault's ${role} key is no Ed25519 key.`, { role });
  return succeeded({
    keyId: keyIdOf(publicKey),
    publicKey,
    sign: async (message) => {
      const signature = await inTime(role, vault.sign(role, message));
      if (verifyWith(key, message, signature)) return signature;
      const why = `The vault's ${role} key signs with another key than it names.`;
      throw new CodedError("SIGNER_WRONG", why, { role });
    },
  });
}

async function inTime(role: OnlineRole, signing: Promise<Uint8Array>): Promise<Uint8Array> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<never>((_, reject) => {
    timer = setTimeout(() => reject(new Error("it does not answer")), SIGN_MS_MAX);
  });
  try {
    return await Promise.race([signing, late]);
  } catch (error) {
    if (error instanceof CodedError) throw error;
    const message = `The vault does not sign with the ${role} key: ${(error as Error).message}.`;
    throw new CodedError("SIGNER_UNAVAILABLE", message, { role }).because(error);
  } finally {
    clearTimeout(timer);
  }
}
