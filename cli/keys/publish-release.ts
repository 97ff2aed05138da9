/** `retile release publish`: a bundle and where it comes from, signed into its families' roles and handed in. */
import { failed, succeeded } from "../../protocol/base/result.ts";
import type { Result } from "../../protocol/base/result.ts";
import { readBundle } from "../../protocol/bundle/index.ts";
import { sha256Hex } from "../../protocol/crypto/index.ts";
import { readStatement } from "../../protocol/metadata/index.ts";
import type { ProvenanceStatement } from "../../protocol/metadata/index.ts";
import { buildBundle, releasedVersions, releaseSource } from "../driver/build-bundle.ts";
import type { Kernels } from "../driver/build-bundle.ts";
import { stateProvenance, statementPath } from "../driver/provenance.ts";
import type { OperatorClient, PublicationReply } from "../operator/client.ts";
import { readInput } from "../read-input.ts";
import { dropContents, publishFolder } from "./outgoing.ts";
import { signRelease } from "./release-targets.ts";
import type { SignedDocument, Signing } from "./sign-next.ts";

/** A bundle in a file with its statement beside it, or a release to build from compiler/releases. */
export type BundleSource =
  | { readonly kind: "file"; readonly path: string; readonly provenance?: string | undefined }
  | { readonly kind: "release"; readonly version: string; readonly kernels?: Kernels | undefined };

export interface LoadedBundle {
  readonly bundle: Uint8Array;
  readonly statement: ProvenanceStatement;
}

export interface PublishedRelease {
  readonly version: string;
  readonly bytes: number;
  readonly sha256: string;
  /** Empty: it was listed before. */
  readonly signed: readonly SignedDocument[];
  /** Families that somebody else's keys are to sign for. */
  readonly left: readonly string[];
  /** Undefined: other holders are to sign first, or there was nothing new. */
  readonly versions: PublicationReply["versions"] | undefined;
}

export async function loadBundle(source: BundleSource): Promise<Result<LoadedBundle>> {
  if (source.kind === "file") return readBundleFile(source.path, source.provenance);
  const versions = await releasedVersions();
  if (!versions.includes(source.version)) {
    const message = `there is no release ${source.version}; there are ${versions.join(", ")}`;
    return failed("RELEASE_UNKNOWN", message);
  }
  const { bytes } = await buildBundle(releaseSource(source.version, source.kernels));
  return succeeded({ bundle: bytes, statement: await stateProvenance(bytes, source.kernels) });
}

async function readBundleFile(
  path: string,
  provenance = statementPath(path),
): Promise<Result<LoadedBundle>> {
  const bundle = await readInput(path);
  if (!bundle.ok) return bundle;
  const text = await readInput(provenance);
  if (!text.ok) {
    const message = `there is no ${provenance}, which says where the bundle comes from`;
    return failed("PROVENANCE_MISSING", message, { path: provenance });
  }
  const statement = readStatement(parseJson(text.value));
  return statement.ok ? succeeded({ bundle: bundle.value, statement: statement.value }) : statement;
}

function parseJson(bytes: Uint8Array): unknown {
  try {
    return JSON.parse(new TextDecoder().decode(bytes));
  } catch {
    // No JSON is no statement: the reader of statements says so.
    return undefined;
  }
}

export interface ReleaseToPublish extends LoadedBundle {
  readonly securityFloor: string;
  readonly families?: readonly string[] | undefined;
}

/** Asks the server first: nothing is signed that cannot be published. */
export async function publishRelease(
  client: OperatorClient,
  signing: Signing,
  release: ReleaseToPublish,
): Promise<Result<PublishedRelease>> {
  const read = readBundle(release.bundle);
  if (!read.ok) return read;
  const { version } = read.value.manifest;
  const facts = { version, bytes: release.bundle.length, sha256: sha256Hex(release.bundle) };
  const fits = await checkPublished(client, facts);
  if (!fits.ok) return fits;
  const done = await signRelease(signing, release);
  if (!done.ok) return done;
  const { signed, left, contents } = done.value;
  if (signed.some(({ isComplete }) => !isComplete)) {
    return succeeded({ ...facts, signed, left, versions: undefined });
  }
  const versions = await publishFolder(client, signing.folder);
  if (!versions.ok) return versions;
  if (signed.length > 0) await dropContents(signing.folder, contents);
  return succeeded({ ...facts, signed, left, versions: versions.value });
}

async function checkPublished(
  client: OperatorClient,
  { version, sha256 }: Pick<PublishedRelease, "version" | "sha256">,
): Promise<Result<void>> {
  const metadata = await client.metadataVersions();
  if (!metadata.ok) return metadata;
  if (!metadata.value.has("root")) {
    return failed("NO_ROOT_YET", "the server publishes no root metadata yet");
  }
  const releases = await client.releases();
  if (!releases.ok) return releases;
  const same = releases.value.find((other) => other.version === version);
  if (same === undefined || same.sha256 === sha256) return succeeded(undefined);
  const message = `release ${version} is published with other bytes; give yours another version`;
  return failed("RELEASE_EXISTS", message, { version, published: same.sha256, given: sha256 });
}
