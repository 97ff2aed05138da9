/** What a device says of itself when it asks what to do. */
import { z } from "zod";
import { readEnvelope } from "../../protocol/metadata/index.ts";
import type { CheckInRequest, MetadataVersions } from "../../protocol/wire/index.ts";
import { sandboxLevel } from "../host/index.ts";
import { acknowledgedSequence } from "../report/index.ts";
import { readModels } from "../workload/index.ts";
import type { Context } from "./context.ts";
import { metadataStore } from "./metadata-store.ts";

export const AGENT_VERSION = "1.0.0";

export async function checkInRequest({ ports, journal }: Context): Promise<CheckInRequest> {
  const { tenant, device, slots, outbox } = journal.state;
  const models = await readModels(ports.files);
  return {
    tenant,
    device,
    soc: ports.soc.name,
    agentVersion: AGENT_VERSION,
    current: slots.current,
    previous: slots.previous,
    recovery: slots.recovery,
    metadata: await trustedVersions(ports),
    models: models.map(({ id, sha256 }) => ({ model: id, sha256 })),
    reportEpoch: outbox.epoch,
    acknowledgedSequence: acknowledgedSequence(outbox),
    assignment: {
      epoch: slots.accepted?.epoch ?? 0,
      sequence: slots.accepted?.sequence ?? 0,
    },
    assignmentSha256: slots.accepted?.contentSha256 ?? null,
    sandbox: sandboxLevel(ports.tools),
    refusedOrder: journal.state.refusedOrder,
  };
}

/** For the server to see how far behind a device is: read from the kept files, decisive for nothing. */
async function trustedVersions({ files }: Context["ports"]): Promise<MetadataVersions> {
  const store = metadataStore(files);
  const version = async (role: string): Promise<number> => {
    const bytes = await store.get(role);
    const read = bytes && readEnvelope(bytes, versionedSchema, bytes.length);
    return read?.ok ? read.value.signed.version : 0;
  };
  return {
    root: await version("root"),
    timestamp: await version("timestamp"),
    snapshot: await version("snapshot"),
    targets: await version("targets"),
  };
}

const versionedSchema = z.looseObject({ version: z.int().min(1) });
