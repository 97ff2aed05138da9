/** What a device says of itself, read from its disk: starts nothing. */
import type { DeviceId, ModelId, TenantId } from "../../protocol/base/brand.ts";
import type { DriverRef, SandboxLevel } from "../../protocol/wire/index.ts";
import { scoreOf } from "../benchmark/index.ts";
import { sandboxLevel } from "../host/index.ts";
import { driverFor, type Pin, type UpdateStep } from "../slots/index.ts";
import { possiblePrograms, readModels, type Workshop } from "../workload/index.ts";
import type { AgentState } from "./agent-state.ts";
import { readOwnerSettings, type OwnerSettings } from "./owner-settings.ts";
import type { Machine } from "./options.ts";
import type { UpdateSummary } from "./update-summary.ts";

export interface AgentStatus {
  readonly tenant: TenantId;
  readonly device: DeviceId;
  readonly soc: string;
  readonly sandbox: SandboxLevel;
  /** Null while the settings are damaged. */
  readonly owner: OwnerSettings | null;
  readonly isEnrolled: boolean;
  readonly current: DriverRef;
  readonly previous: DriverRef | null;
  readonly recovery: DriverRef;
  readonly update: UpdateStep["kind"];
  readonly pins: readonly Pin[];
  readonly pendingReports: number;
  readonly pollIntervalSeconds: number;
  readonly lastUpdate: UpdateSummary | null;
  readonly models: readonly { readonly id: ModelId; readonly microseconds: number | null }[];
  /** 1000 at registration (scoreOf); null without models, or when one has no program yet. */
  readonly score: number | null;
}

export async function statusOf(
  state: AgentState,
  ports: Machine,
  workshop: Workshop,
): Promise<AgentStatus> {
  const { tenant, device, slots, outbox, lastUpdate, pollIntervalSeconds } = state;
  const times: { id: ModelId; microseconds: number | null; referenceMicroseconds: number }[] = [];
  for (const model of await readModels(ports.files)) {
    const { id, referenceMicroseconds } = model;
    const candidates = possiblePrograms(model, driverFor(slots, id).sha256, ports.soc);
    const known = await Promise.all(
      candidates.map((facts) => workshop.programs.microseconds(facts)),
    );
    const microseconds = known.find((time) => time !== undefined) ?? null;
    times.push({ id, microseconds, referenceMicroseconds });
  }
  const known = times.flatMap(({ microseconds, referenceMicroseconds }) =>
    microseconds === null ? [] : [{ microseconds, referenceMicroseconds }],
  );
  const owner = await readOwnerSettings(ports.files);
  return {
    ...{ tenant, device, soc: ports.soc.name, sandbox: sandboxLevel(ports.tools) },
    owner: owner.ok ? owner.value : null,
    isEnrolled: outbox.epoch > 0,
    ...{ current: slots.current, previous: slots.previous, recovery: slots.recovery },
    ...{ update: slots.update.kind, pins: slots.pins, lastUpdate, pollIntervalSeconds },
    pendingReports: outbox.reports.length,
    models: times.map(({ id, microseconds }) => ({ id, microseconds })),
    score: known.length === times.length ? (scoreOf(known) ?? null) : null,
  };
}
