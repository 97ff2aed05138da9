/**
 * What the offline keys forbid for good on one hardware: a floor below which no version may run, and bundles
 * that may never run again. A top-level target, like the director's keys: no delegate and no server can lift it.
 */
import { z } from "zod";
import { isIdentifier, isSha256, type Sha256 } from "../base/brand.ts";
import { failed, succeeded, type Failure, type Result } from "../base/result.ts";
import { compareSemver, isSemver } from "../base/semver.ts";
import { parseJson } from "./json.ts";
import { HARDWARE_POLICY_BYTES_MAX, RECALLED_MAX } from "./limits.ts";

const hardwarePolicySchema = z.object({
  _type: z.literal("hardware-policy"),
  /** The SoC family, which is its hardware id. */
  family: z.string().refine(isIdentifier),
  securityFloor: z.string().refine(isSemver, "not a semantic version"),
  revoked: z
    .array(z.custom<Sha256>((text) => typeof text === "string" && isSha256(text)))
    .max(RECALLED_MAX),
  /** No new driver is tried on this hardware in a sandbox that is only degraded. */
  sandboxMin: z.literal("strong").optional(),
});
export type HardwarePolicy = z.output<typeof hardwarePolicySchema>;
export type HardwarePolicyJson = z.input<typeof hardwarePolicySchema>;

export type HardwarePolicyCode = "HARDWARE_POLICY_MALFORMED";

export function hardwarePolicyPath(family: string): string {
  return `policy/${family}.json`;
}

/** The family whose policy lies there; undefined when the path is none of a policy. */
export function parseHardwarePolicyPath(path: string): string | undefined {
  const family = /^policy\/(.+)\.json$/.exec(path)?.[1];
  return family !== undefined && isIdentifier(family) ? family : undefined;
}

/** Reads the target at `hardwarePolicyPath(family)`, whose hash has been checked already. */
export function readHardwarePolicy(
  bytes: Uint8Array,
  family: string,
): Result<HardwarePolicy, HardwarePolicyCode> {
  const json = bytes.length > HARDWARE_POLICY_BYTES_MAX ? undefined : parseJson(bytes);
  const policy = hardwarePolicySchema.safeParse(json?.kind === "json" ? json.value : undefined);
  if (policy.success && policy.data.family === family) return succeeded(policy.data);
  const message = `The policy for ${family} is not readable, or another hardware's.`;
  return failed("HARDWARE_POLICY_MALFORMED", message, { family });
}

export const FORBIDDEN_CODES = [
  "BELOW_SECURITY_FLOOR",
  "IMAGE_REVOKED",
  "SANDBOX_TOO_WEAK",
] as const;
export type ForbiddenCode = (typeof FORBIDDEN_CODES)[number];

/** What the offline keys say about the drivers of one role for one hardware. */
export interface DriverRules {
  /** Stated by the role that lists the driver. */
  readonly roleFloor: string | undefined;
  readonly policy: HardwarePolicy | undefined;
}

/** Why a driver may not run. The server asks before it assigns one, the device before it takes one. */
export function forbiddenDriver(
  { version, sha256 }: { readonly version: string; readonly sha256: Sha256 },
  { roleFloor, policy }: DriverRules,
): Failure<ForbiddenCode> | undefined {
  const floors = [roleFloor, policy?.securityFloor];
  const floor = floors.find((one) => one !== undefined && compareSemver(version, one) < 0);
  if (floor !== undefined) {
    const message = `Driver ${version} is below the security floor ${floor}.`;
    return failed("BELOW_SECURITY_FLOOR", message, { version, floor });
  }
  if (!policy?.revoked.includes(sha256)) return undefined;
  const message = `The offline keys have revoked driver ${version} for good.`;
  return failed("IMAGE_REVOKED", message, { version, sha256 });
}

/** Why a device may not try a new driver, whichever it is. */
export function forbiddenSandbox(
  sandbox: "strong" | "degraded",
  policy: HardwarePolicy | undefined,
): Failure<ForbiddenCode> | undefined {
  if (policy?.sandboxMin !== "strong" || sandbox === "strong") return undefined;
  const message = "The offline keys ask for a strong sandbox, and this device has none.";
  return failed("SANDBOX_TOO_WEAK", message);
}
