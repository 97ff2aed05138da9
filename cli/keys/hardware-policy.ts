/**
 * `retile keys policy`: what the offline keys forbid for good on one hardware. It only grows: what is revoked stays
 * revoked, a floor never falls, and what asks for a strong sandbox goes on asking.
 */
import { canonicalJson } from "../../protocol/base/canonical-json.ts";
import { failed, succeeded } from "../../protocol/base/result.ts";
import type { Result } from "../../protocol/base/result.ts";
import { compareSemver, isSemver } from "../../protocol/base/semver.ts";
import { isSha256 } from "../../protocol/base/brand.ts";
import type { Sha256 } from "../../protocol/base/brand.ts";
import {
  driverPath,
  familyRole,
  hardwarePolicyPath,
  RECALLED_MAX,
  readHardwarePolicy,
} from "../../protocol/metadata/index.ts";
import type { HardwarePolicy, HardwarePolicyJson } from "../../protocol/metadata/index.ts";
import { newestTargets, readDocument } from "./offline-folder.ts";
import { readListed, signTopTarget } from "./top-targets.ts";
import type { SignedDocument, Signing } from "./sign-next.ts";

export interface PolicyChange {
  readonly family: string;
  /** Versions of the family's drivers, or SHA-256s of bundles. */
  readonly revoke: readonly string[];
  readonly securityFloor?: string | undefined;
  readonly sandbox?: string | undefined;
}

export interface SignedPolicy {
  readonly policy: HardwarePolicyJson;
  readonly signed: SignedDocument;
}

const NO_FLOOR = "0.0.0";

export async function signPolicy(
  signing: Signing,
  change: PolicyChange,
): Promise<Result<SignedPolicy>> {
  const { family } = change;
  const path = hardwarePolicyPath(family);
  const listed = await readListed(signing.folder, path);
  if (!listed.ok) return listed;
  const before = listed.value ? readHardwarePolicy(listed.value, family) : succeeded(undefined);
  if (!before.ok) return before;
  const revoked = await bundlesOf(signing.folder, change);
  if (!revoked.ok) return revoked;
  const policy = nextPolicy(before.value, change, revoked.value);
  if (!policy.ok) return policy;
  const content = canonicalJson(policy.value);
  const readable = readHardwarePolicy(content, family);
  if (!readable.ok) return readable;
  const signed = await signTopTarget(signing, path, content);
  return signed.ok ? succeeded({ policy: policy.value, signed: signed.value }) : signed;
}

/** By what the family's role lists; a hash may be of a bundle that it never listed. */
async function bundlesOf(
  folder: string,
  { family, revoke }: PolicyChange,
): Promise<Result<Sha256[]>> {
  const isListed = (await readDocument(folder, familyRole(family))) !== undefined;
  const role = isListed ? await newestTargets(folder, familyRole(family)) : undefined;
  if (role && !role.ok) return role;
  const found: Sha256[] = [];
  for (const named of revoke) {
    const listed = role?.value.targets[driverPath({ family, version: named })]?.hashes["sha256"];
    const sha256 = listed ?? named;
    if (!isSha256(sha256)) {
      const message = `${familyRole(family)} lists no driver ${named}, and it is no SHA-256 either`;
      return failed("RELEASE_UNKNOWN", message, { family });
    }
    found.push(sha256);
  }
  return succeeded(found);
}

function nextPolicy(
  before: HardwarePolicy | undefined,
  { family, securityFloor, sandbox }: PolicyChange,
  revoke: readonly Sha256[],
): Result<HardwarePolicyJson> {
  const floorBefore = before?.securityFloor ?? NO_FLOOR;
  const floor = securityFloor ?? floorBefore;
  if (!isSemver(floor)) return failed("USAGE", `--security-floor ${floor} is no semantic version`);
  if (compareSemver(floor, floorBefore) < 0) {
    const message = `the floor of ${family} is ${floorBefore} and cannot fall to ${floor}`;
    return failed("POLICY_WEAKER", message, { family });
  }
  const revoked = [...new Set([...(before?.revoked ?? []), ...revoke])];
  if (revoked.length > RECALLED_MAX) {
    const message = `a policy revokes ${RECALLED_MAX} bundles at most: raise the floor above the oldest`;
    return failed("POLICY_TOO_LONG", message, { family });
  }
  const sandboxMin = sandbox ?? before?.sandboxMin;
  if (sandboxMin !== undefined && sandboxMin !== "strong") {
    return failed("USAGE", `--sandbox ${sandboxMin}: a policy can only ask for a strong one`);
  }
  return succeeded({
    _type: "hardware-policy",
    ...{ family, securityFloor: floor, revoked },
    ...(sandboxMin !== undefined && { sandboxMin }),
  });
}
