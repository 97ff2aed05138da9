/** A chip by the name that a person gave. */
import { SOCS, socNamed } from "../device-agent/soc/index.ts";
import { failed, succeeded } from "../protocol/base/result.ts";
import type { Result } from "../protocol/base/result.ts";
import type { SocDescription } from "../protocol/isa/index.ts";

export function findSoc(name: string): Result<SocDescription, "SOC_UNKNOWN"> {
  const soc = socNamed(name);
  if (soc !== undefined) return succeeded(soc);
  const known = SOCS.map((other) => other.name).join(", ");
  return failed("SOC_UNKNOWN", `there is no chip "${name}"; there are ${known}`);
}

/** Comma-separated SoC families; without any, those of every known chip. */
export function familiesFrom(text: string | undefined): readonly string[] {
  return text?.split(",") ?? SOCS.map(({ name }) => name);
}
