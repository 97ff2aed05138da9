/** The agent's one state file: pointers, update, outbox and last results change together or not at all. */
import { z } from "zod";
import { isIdentifier, type DeviceId, type TenantId } from "../../protocol/base/brand.ts";
import { fromUtf8, utf8 } from "../../protocol/base/bytes.ts";
import { failed, succeeded, type Result } from "../../protocol/base/result.ts";
import { outboxSchema, type Outbox } from "../report/index.ts";
import { slotsStateSchema, type FileSystem, type SlotsState } from "../slots/index.ts";
import { updateSummarySchema, type UpdateSummary } from "./update-summary.ts";

export interface AgentState {
  readonly format: 1;
  readonly tenant: TenantId;
  readonly device: DeviceId;
  readonly slots: SlotsState;
  readonly outbox: Outbox;
  /** What the server asked for last. */
  readonly pollIntervalSeconds: number;
  /** Of the last update that came as far as measuring. */
  readonly lastUpdate: UpdateSummary | null;
  /** Why the last order of the director was not taken; told at the next check-in. */
  readonly refusedOrder: string | null;
}

export type StateCode = "NOT_INITIALISED" | "STATE_DAMAGED";

const STATE_FILE = "state.json";

const identifier = <T extends string>() =>
  z.custom<T>((text) => typeof text === "string" && isIdentifier(text));

const agentStateSchema: z.ZodType<AgentState> = z.strictObject({
  format: z.literal(1),
  tenant: identifier<TenantId>(),
  device: identifier<DeviceId>(),
  slots: slotsStateSchema,
  outbox: outboxSchema,
  pollIntervalSeconds: z.int().min(0),
  lastUpdate: updateSummarySchema.nullable(),
  refusedOrder: z.string().nullable().default(null),
});

export async function readState(files: FileSystem): Promise<Result<AgentState, StateCode>> {
  const bytes = await files.read(STATE_FILE);
  if (!bytes) return failed("NOT_INITIALISED", "The agent has no factory driver: run init first.");
  try {
    return succeeded(agentStateSchema.parse(JSON.parse(fromUtf8(bytes))));
  } catch (error) {
    const why = error instanceof Error ? error.message : String(error);
    return failed("STATE_DAMAGED", `The agent's state file is damaged: ${why}`);
  }
}

export async function writeState(files: FileSystem, state: AgentState): Promise<void> {
  // It tells of what came before, which is durable first.
  await files.settle();
  await files.replaceFile(STATE_FILE, utf8(JSON.stringify(state, spellInfinity)));
}

/** JSON has no infinity, and outputs that equal their goldens have that ratio. */
function spellInfinity(_name: string, value: unknown): unknown {
  return value === Infinity || value === -Infinity ? String(value) : value;
}
