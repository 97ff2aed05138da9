/** `retile keys init`: the ceremony over the server's own keys, handed in at once unless it is to wait. */
import { failed, succeeded } from "../../protocol/base/result.ts";
import type { Result } from "../../protocol/base/result.ts";
import type { OperatorClient, PublicationReply } from "../operator/client.ts";
import { holdCeremony } from "./ceremony.ts";
import type { Ceremony } from "./ceremony.ts";
import { publishFolder } from "./outgoing.ts";
import type { SignedDocument } from "./sign-next.ts";

export interface Initialised {
  readonly signed: readonly SignedDocument[];
  /** Undefined: signed, and left for `keys publish`. */
  readonly versions: PublicationReply["versions"] | undefined;
}

export async function initialiseKeys(
  client: OperatorClient,
  ceremony: Ceremony,
  publish: boolean,
): Promise<Result<Initialised>> {
  const published = await client.metadataVersions();
  if (!published.ok) return published;
  if (publish && published.value.has("root")) {
    const message = "the server already publishes metadata; its own root keys sign what follows";
    return failed("REPOSITORY_EXISTS", message);
  }
  const online = await client.onlineKeys();
  if (!online.ok) return online;
  const signed = await holdCeremony(ceremony, online.value);
  if (!signed.ok) return signed;
  if (!publish) return succeeded({ signed: signed.value, versions: undefined });
  const versions = await publishFolder(client, ceremony.folder);
  return versions.ok ? succeeded({ signed: signed.value, versions: versions.value }) : versions;
}
