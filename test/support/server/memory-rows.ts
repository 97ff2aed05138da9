/** What the store in memory keeps of one tenant. */
import type { DeviceId, RolloutId, TenantId } from "../../../protocol/base/brand.ts";
import type { AssignmentOrder, ModelFact } from "../../../protocol/wire/index.ts";
import type { AssignmentProgress } from "../../../server/ingest/index.ts";
import type { GateCell, Rollout } from "../../../server/rollout/index.ts";
import type {
  AuditEntry,
  DecisionRecord,
  Device,
  EnrolmentToken,
  IssuedOrder,
  Recall,
  StoredAssignment,
  StoredOutcome,
} from "../../../server/store/index.ts";

export type Settled = StoredAssignment & Pick<AssignmentProgress, "settledAt">;

export interface KeptDevice extends Device {
  readonly assignmentOrder: AssignmentOrder;
  readonly confirmedOrder: AssignmentOrder;
}

/** Everything of one tenant. */
export interface Rows {
  readonly tokens: Map<string, EnrolmentToken>;
  readonly devices: Map<DeviceId, KeptDevice>;
  readonly models: Map<DeviceId, readonly ModelFact[]>;
  readonly rollouts: Map<RolloutId, Rollout>;
  readonly decisions: Map<RolloutId, DecisionRecord[]>;
  readonly assignments: Map<string, Settled>;
  readonly outcomes: Map<string, StoredOutcome>;
  readonly cells: Map<string, GateCell & { readonly rollout: RolloutId; readonly stage: number }>;
  readonly audit: AuditEntry[];
  readonly orders: (IssuedOrder & { readonly device: DeviceId })[];
  readonly recalls: Recall[];
  batches: number;
}

export type RowsOf = (tenant: TenantId) => Rows;

export function emptyRows(): Rows {
  return {
    tokens: new Map(),
    devices: new Map(),
    models: new Map(),
    rollouts: new Map(),
    decisions: new Map(),
    assignments: new Map(),
    outcomes: new Map(),
    cells: new Map(),
    audit: [],
    orders: [],
    recalls: [],
    batches: 0,
  };
}
