/** `retile release publish`: a bundle, signed into the next targets metadata offline and handed to the server. */
import { readFile } from "node:fs/promises";
import { instant } from "../../protocol/base/brand.ts";
import type { TenantId } from "../../protocol/base/brand.ts";
import { failed, succeeded } from "../../protocol/base/result.ts";
import type { Result } from "../../protocol/base/result.ts";
import { readBundle } from "../../protocol/bundle/index.ts";
import { sha256Hex } from "../../protocol/crypto/index.ts";
import { buildBundle, releasedVersions, releaseSource } from "../driver/build-bundle.ts";
import type { OperatorClient } from "../operator/client.ts";
import { signBundles } from "./offline-signing.ts";

/** A bundle in a file, or a release to build from compiler/releases. */
export type BundleSource =
  | { readonly kind: "file"; readonly path: string }
  | { readonly kind: "release"; readonly version: string };

export interface ReleaseToPublish {
  readonly bundle: Uint8Array;
  readonly offline: string;
  readonly tenant: TenantId;
  readonly demo: boolean;
  /** No version below this may run any more. */
  readonly securityFloor: string;
  readonly passphrase?: string | undefined;
}

export interface PublishedRelease {
  readonly version: string;
  readonly bytes: number;
  readonly sha256: string;
  /** Of the targets metadata that lists it; null: it was published before. */
  readonly targetsVersion: number | null;
}

export async function loadBundle(source: BundleSource): Promise<Result<Uint8Array>> {
  if (source.kind === "file") return readBundleFile(source.path);
  const versions = await releasedVersions();
  if (!versions.includes(source.version)) {
    const message = `there is no release ${source.version}; there are ${versions.join(", ")}`;
    return failed("RELEASE_UNKNOWN", message);
  }
  return succeeded((await buildBundle(releaseSource(source.version))).bytes);
}

async function readBundleFile(path: string): Promise<Result<Uint8Array>> {
  try {
    return succeeded(new Uint8Array(await readFile(path)));
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    if (code !== "ENOENT" && code !== "EISDIR") throw error;
    return failed("INPUT_NOT_FOUND", `there is no bundle ${path}`, { path });
  }
}

/** Asks the server first: a version of targets is signed only when it can be published. */
export async function publishRelease(
  client: OperatorClient,
  release: ReleaseToPublish,
): Promise<Result<PublishedRelease>> {
  const { bundle, offline, tenant, demo, securityFloor, passphrase } = release;
  const read = readBundle(bundle);
  if (!read.ok) return read;
  const { version } = read.value.manifest;
  const facts = { version, bytes: bundle.length, sha256: sha256Hex(bundle) };
  const isThere = await isPublished(client, facts);
  if (!isThere.ok) return isThere;
  if (isThere.value) return succeeded({ ...facts, targetsVersion: null });
  const ceremony = { offline, tenant, demo, passphrase, now: instant(Date.now()) };
  const signed = await signBundles(ceremony, [bundle], securityFloor);
  if (!signed.ok) return signed;
  const reply = await client.publish({ roots: [], signed: signed.value });
  if (!reply.ok) return reply;
  return succeeded({ ...facts, targetsVersion: reply.value.versions.targets });
}

async function isPublished(
  client: OperatorClient,
  { version, sha256 }: Pick<PublishedRelease, "version" | "sha256">,
): Promise<Result<boolean>> {
  const metadata = await client.metadataVersions();
  if (!metadata.ok) return metadata;
  if (!metadata.value.has("root")) {
    return failed("NO_ROOT_YET", "the server publishes no root metadata yet");
  }
  const releases = await client.releases();
  if (!releases.ok) return releases;
  const same = releases.value.find((other) => other.version === version);
  if (same === undefined || same.sha256 === sha256) return succeeded(same !== undefined);
  const message = `release ${version} is published with other bytes; give yours another version`;
  return failed("RELEASE_EXISTS", message, { version, published: same.sha256, given: sha256 });
}
