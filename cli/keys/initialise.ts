/** `retile keys init` and `publish`: the ceremony, and handing its metadata to the server. */
import { instant } from "../../protocol/base/brand.ts";
import type { TenantId } from "../../protocol/base/brand.ts";
import { failed, succeeded } from "../../protocol/base/result.ts";
import type { Result } from "../../protocol/base/result.ts";
import type { OperatorClient, PublicationReply } from "../operator/client.ts";
import { holdCeremony } from "./offline-signing.ts";
import { keepContents, readOutgoing } from "./outgoing.ts";
import type { Outgoing } from "./outgoing.ts";

export interface Initialisation {
  readonly offline: string;
  readonly tenant: TenantId;
  readonly demo: boolean;
  readonly publish: boolean;
  readonly passphrase?: string | undefined;
}

/** Undefined versions: signed, and left for `keys publish`. */
export async function initialiseKeys(
  client: OperatorClient,
  { offline, tenant, demo, publish, passphrase }: Initialisation,
): Promise<Result<PublicationReply["versions"] | undefined>> {
  const published = await client.metadataVersions();
  if (!published.ok) return published;
  if (publish && published.value.has("root")) {
    const message = "the server already publishes metadata; its own root keys sign what follows";
    return failed("REPOSITORY_EXISTS", message);
  }
  const online = await client.onlineKeys();
  if (!online.ok) return online;
  const now = instant(Date.now());
  const held = await holdCeremony({ offline, tenant, demo, now, passphrase }, online.value);
  if (!held.ok) return held;
  const { root, first } = held.value;
  await keepContents(offline, first.contents.values());
  if (!publish) return succeeded(undefined);
  return handIn(client, { roots: new Map([[1, root]]), signed: first });
}

/** The newest signed metadata, whatever the server has by now. */
export async function publishKept(
  client: OperatorClient,
  offline: string,
): Promise<Result<PublicationReply["versions"]>> {
  const outgoing = await readOutgoing(offline);
  if (!outgoing.ok) return outgoing;
  return handIn(client, outgoing.value);
}

async function handIn(
  client: OperatorClient,
  { roots: kept, signed }: Outgoing,
): Promise<Result<PublicationReply["versions"]>> {
  const published = await client.metadataVersions();
  if (!published.ok) return published;
  const known = published.value.get("root") ?? 0;
  const roots = [...kept].filter(([version]) => version > known).map(([, bytes]) => bytes);
  const reply = await client.publish({ roots, signed });
  return reply.ok ? succeeded(reply.value.versions) : reply;
}
