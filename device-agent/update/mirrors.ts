/**
 * Several mirrors of one repository. None of them can keep the device from what another has: every mirror is
 * asked, and since metadata never goes back, the last one that had something valid to say had the newest.
 */
import type { Result } from "../../protocol/base/result.ts";
import { succeeded } from "../../protocol/base/result.ts";
import type { TrustedSet } from "../../protocol/metadata/index.ts";
import type { Fetch } from "./ports.ts";
import { refresh, type RefreshCode, type RefreshPorts } from "./refresh.ts";

export interface MirroredTrust {
  readonly trusted: TrustedSet;
  /** The ports of the mirror that it came from. */
  readonly ports: RefreshPorts;
}

/** The first mirror's failure where every one failed. */
export async function refreshFromMirrors(
  mirrors: readonly [Fetch, ...Fetch[]],
  ports: Omit<RefreshPorts, "fetch">,
): Promise<Result<MirroredTrust, RefreshCode>> {
  const attempts: Result<MirroredTrust, RefreshCode>[] = [];
  for (const fetch of mirrors) {
    const mirrored: RefreshPorts = { ...ports, fetch };
    const trusted = await refresh(mirrored);
    attempts.push(trusted.ok ? succeeded({ trusted: trusted.value, ports: mirrored }) : trusted);
  }
  const good = attempts.filter((attempt) => attempt.ok).at(-1);
  return good ?? (attempts[0] as Result<MirroredTrust, RefreshCode>);
}
