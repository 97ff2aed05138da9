/** The bundle manifest: what a driver is, what it fits and which files it consists of. */
import { z } from "zod";
import { isIdentifier, isSha256, type Sha256 } from "../base/brand.ts";
import { isSemver } from "../base/semver.ts";
import { BUNDLE_BYTES_MAX, BUNDLE_FILES_MAX, PATH_LENGTH_MAX, SOCS_MAX } from "./limits.ts";

export const BUNDLE_NAME = "retile-htp-driver";
export const ENTRY_PATH = "driver.js";

const interfaceVersion = z
  .strictObject({ major: z.int().min(0).max(9999), minor: z.int().min(0).max(9999) })
  .readonly();
/** Equal majors understand each other; the side with the higher minor knows more. */
export type InterfaceVersion = z.infer<typeof interfaceVersion>;

const identifier = z.string().refine(isIdentifier, "not an identifier");
const sha256 = z.custom<Sha256>((text) => typeof text === "string" && isSha256(text));
const path = z.string().refine(isSafePath, "not a safe relative path");

const bundleFile = z
  .strictObject({ path, length: z.int().min(0).max(BUNDLE_BYTES_MAX), sha256 })
  .readonly();
export type BundleFile = z.infer<typeof bundleFile>;

export const manifestSchema = z
  .strictObject({
    format: z.literal(1),
    name: z.literal(BUNDLE_NAME),
    version: z.string().refine(isSemver, "not a semantic version"),
    abi: interfaceVersion,
    isa: interfaceVersion,
    /** Hardware ids that the driver compiles for, for instance `sm8650`. */
    socs: z.array(identifier).min(1).max(SOCS_MAX).readonly(),
    entry: z.literal(ENTRY_PATH),
    /** Which of the files are kernels. */
    kernels: z.array(path).max(BUNDLE_FILES_MAX).readonly(),
    /** Sorted by path. */
    files: z.array(bundleFile).min(1).max(BUNDLE_FILES_MAX).readonly(),
    /** What produced it: equal inputs give equal bytes, so no times and no machine. */
    builtFrom: z.strictObject({ recipe: identifier, sourceSha256: sha256 }).readonly(),
  })
  .readonly();
export type BundleManifest = z.infer<typeof manifestSchema>;

/** What the packer is told; the rest follows from the files. */
export type ManifestFields = Omit<BundleManifest, "format" | "name" | "entry" | "files">;

/** Relative, forward slashes, plain names: nothing that a file system could read as a way out. */
export function isSafePath(candidate: string): boolean {
  if (candidate.length === 0 || candidate.length > PATH_LENGTH_MAX) return false;
  return candidate.split("/").every((segment) => SEGMENT.test(segment));
}

/** No leading dot or dash, no trailing dot. */
const SEGMENT = /^[A-Za-z0-9_](?:[A-Za-z0-9._-]*[A-Za-z0-9_-])?$/;
