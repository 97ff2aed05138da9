/**
 * `retile keys director`: the next key set of the director, a top-level target. Other keys or a stolen one make a
 * new epoch: whatever was signed in an earlier one is void on every device.
 */
import type { Instant, TenantId } from "../../protocol/base/brand.ts";
import { brand, instant } from "../../protocol/base/brand.ts";
import { failed, succeeded } from "../../protocol/base/result.ts";
import type { Result } from "../../protocol/base/result.ts";
import { utf8 } from "../../protocol/base/bytes.ts";
import { keyIdOf, keyObject } from "../../protocol/crypto/index.ts";
import {
  authorDirectorKeys,
  dateTime,
  directorKeysPath,
  readDirectorKeys,
} from "../../protocol/metadata/index.ts";
import { readListed, signTopTarget } from "./top-targets.ts";
import type { SignedDocument, Signing } from "./sign-next.ts";

const DAY_MS = 24 * 3600 * 1000;
const DIRECTOR_DAYS = 90;

export interface KeySetOptions {
  readonly tenant: TenantId;
  readonly epoch: number;
  readonly publicKey: Uint8Array;
  readonly now: Instant;
  readonly days?: number;
}

export function authorKeySet({ tenant, epoch, publicKey, now, days }: KeySetOptions): Uint8Array {
  const document = authorDirectorKeys({
    tenant,
    epoch,
    threshold: 1,
    keys: new Map([[keyIdOf(publicKey), keyObject(publicKey)]]),
    // Devices whose clocks are a little behind are not to wait for it.
    validFrom: instant(now - DAY_MS),
    validUntil: instant(now + (days ?? DIRECTOR_DAYS) * DAY_MS),
  });
  return utf8(JSON.stringify(document));
}

export interface NextKeySet {
  readonly tenant: TenantId;
  /** The server's director key as it is now. */
  readonly publicKey: Uint8Array;
  readonly days: number;
  /** The key was stolen, or a backup restored: void what it signed, though the key stays. */
  readonly newEpoch: boolean;
}

export interface SignedKeySet {
  readonly signed: SignedDocument;
  readonly epoch: number;
  readonly epochBefore: number;
  readonly validUntil: string;
}

export async function signKeySet(
  signing: Signing,
  { tenant, publicKey, days, newEpoch }: NextKeySet,
): Promise<Result<SignedKeySet>> {
  const path = directorKeysPath(tenant);
  const listed = await readListed(signing.folder, path);
  if (!listed.ok) return listed;
  const before = listed.value ? readDirectorKeys(listed.value, brand<TenantId>(tenant)) : undefined;
  if (before && !before.ok) return before;
  const epochBefore = before?.value.epoch ?? 0;
  const isSame = before?.value.keys.size === 1 && before.value.keys.has(keyIdOf(publicKey));
  if (days < 1) return failed("USAGE", "a key set is valid for a day at least");
  const epoch = isSame && !newEpoch ? epochBefore : epochBefore + 1;
  const content = authorKeySet({ tenant, epoch, publicKey, now: signing.now, days });
  const signed = await signTopTarget(signing, path, content);
  if (!signed.ok) return signed;
  const validUntil = dateTime(instant(signing.now + days * DAY_MS));
  return succeeded({ signed: signed.value, epoch, epochBefore, validUntil });
}
