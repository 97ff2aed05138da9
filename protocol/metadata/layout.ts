/**
 * Which role may list what: one role a SoC family, one a vendor of kernels, each terminating, so that nobody is
 * asked after it. The director's keys and the hardware policies stay with the top-level role.
 */
import { isIdentifier } from "../base/brand.ts";

/** What a delegated role of ours is for. */
export type DelegatedPurpose =
  | { readonly kind: "drivers"; readonly family: string }
  | { readonly kind: "kernels"; readonly vendor: string };

export function familyRole(family: string): string {
  return `drivers-${family}`;
}

export function vendorRole(vendor: string): string {
  return `kernels-${vendor}`;
}

/** Undefined where the name is none of ours. */
export function parseDelegatedRole(name: string): DelegatedPurpose | undefined {
  const [, kind, of = ""] = /^(drivers|kernels)-(.+)$/.exec(name) ?? [];
  if (!isIdentifier(of)) return undefined;
  return kind === "drivers" ? { kind, family: of } : { kind: "kernels", vendor: of };
}

/** The path patterns that are delegated to it. */
export function delegatedPaths(purpose: DelegatedPurpose): string[] {
  return purpose.kind === "drivers"
    ? [`drivers/${purpose.family}/*`, `provenance/${purpose.family}/*`]
    : [`kernels/${purpose.vendor}/*/*`];
}

export interface KernelName {
  readonly vendor: string;
  readonly family: string;
  /** For instance `add_i8.hvx`. */
  readonly file: string;
}

export function kernelPath({ vendor, family, file }: KernelName): string {
  return `kernels/${vendor}/${family}/${file}`;
}

/** Undefined when the path is not that of a vendor's kernel. */
export function parseKernelPath(path: string): KernelName | undefined {
  const [folder, vendor = "", family = "", file = "", ...more] = path.split("/");
  const isKernel = folder === "kernels" && more.length === 0;
  return isKernel && [vendor, family, file].every(isIdentifier)
    ? { vendor, family, file }
    : undefined;
}
