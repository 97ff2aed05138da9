/** A hardware module as the server may meet one: keys by handle that never leave, answers that take their time, failures. */
import { generateKeyPairSync, sign, type KeyObject } from "node:crypto";
import { failed, succeeded } from "../../../protocol/base/result.ts";
import type { KeyVault, OnlineRole } from "../../../server/release/signers/vault.ts";

export interface FakeHsm extends KeyVault {
  /** Every use of a private key, by handle. */
  readonly uses: string[];
  /** Handles that are out of order. */
  readonly broken: Set<OnlineRole>;
  /** Signs with another key than it names from now on. */
  swap(role: OnlineRole): void;
}

const SLOT = "slot-0/";

export function fakeHsm(): FakeHsm {
  // Closed over: nothing that the server is given reaches the private halves.
  const keys = new Map<string, { publicKey: Uint8Array; privateKey: KeyObject }>();
  const uses: string[] = [];
  const broken = new Set<OnlineRole>();
  const keyOf = (role: OnlineRole) => {
    const known = keys.get(SLOT + role);
    if (known) return known;
    const { publicKey, privateKey } = generateKeyPairSync("ed25519");
    const { x = "" } = publicKey.export({ format: "jwk" });
    const made = { publicKey: new Uint8Array(Buffer.from(x, "base64url")), privateKey };
    keys.set(SLOT + role, made);
    return made;
  };
  return {
    uses,
    broken,
    swap: (role) => {
      const { publicKey } = keyOf(role);
      keys.set(SLOT + role, { publicKey, privateKey: generateKeyPairSync("ed25519").privateKey });
    },
    publicKey: (role) => {
      if (!broken.has(role)) return Promise.resolve(succeeded(keyOf(role).publicKey));
      return Promise.resolve(failed("SIGNER_UNAVAILABLE", "No token in the slot."));
    },
    sign: async (role, message) => {
      await new Promise((resolve) => setImmediate(resolve));
      if (broken.has(role)) throw new Error("CKR_DEVICE_REMOVED");
      uses.push(SLOT + role);
      return new Uint8Array(sign(null, message, keyOf(role).privateKey));
    },
  };
}
