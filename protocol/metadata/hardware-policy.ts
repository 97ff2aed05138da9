/**
 * What the offline keys forbid for good on one hardware: a floor below which no version may run, and bundles
 * that may never run again. A top-level target, like the director's keys: no delegate and no server can lift it.
 */
import { z } from "zod";
import { isIdentifier, isSha256, type Sha256 } from "../base/brand.ts";
import { failed, succeeded, type Result } from "../base/result.ts";
import { isSemver } from "../base/semver.ts";
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
