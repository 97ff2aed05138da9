/** What a device is told now, as far as the rollouts go: asked at its check-in, for a stick, and by whoever wonders why. */
import type { Instant } from "../../protocol/base/brand.ts";
import type { DirectorKeys } from "../../protocol/metadata/index.ts";
import type { DriverRef, ModelFact, SandboxLevel } from "../../protocol/wire/index.ts";
import type { FleetView } from "../jobs/fleet.ts";
import {
  decideCheckIn,
  type AssignmentFact,
  type CheckInAnswer,
  type FleetSnapshot,
} from "../rollout/index.ts";
import type { Device, Recall } from "../store/index.ts";
import type { ServerContext } from "./context.ts";

export interface Asker {
  readonly device: Device;
  readonly current: DriverRef;
  readonly sandbox: SandboxLevel | null;
  readonly models: readonly ModelFact[];
  readonly assignments: readonly AssignmentFact[];
}

export interface Answered {
  readonly answer: CheckInAnswer;
  readonly snapshot: FleetSnapshot;
  readonly recalls: readonly Recall[];
  /** Undefined where nothing that this server signs would be believed. */
  readonly directorKeys: DirectorKeys | undefined;
}

export async function answerFor(
  { device, current, sandbox, models, assignments }: Asker,
  context: ServerContext,
): Promise<Answered> {
  const { tenant } = device;
  const view = await context.fleet.view(tenant);
  const { snapshot } = view;
  const recalls = await context.store.orders.recalls(tenant);
  const updates = assignments.filter(({ purpose }) => purpose === "update");
  const state = {
    ...{ device: device.device, hardwareClass: device.soc, status: device.status },
    ...{ current, sandbox, models: models.map(({ model }) => model) },
    assignments: new Map(updates.map((fact) => [fact.rollout, fact])),
  };
  const answer = withoutRecalled(decideCheckIn(state, snapshot), recalls);
  const directorKeys = usableKeys(view, context, context.clock());
  return { answer, snapshot, recalls, directorKeys };
}

/** Whatever a rollout says, nobody is sent a version that was recalled. */
function withoutRecalled(answer: CheckInAnswer, recalls: readonly Recall[]): CheckInAnswer {
  if (answer.kind !== "assign") return answer;
  const recall = recalls.find(({ sha256s }) => sha256s.includes(answer.target.sha256));
  if (!recall) return answer;
  const explanation = `Driver ${recall.version} has been recalled: ${recall.reason}`;
  return { kind: "hold", code: "RELEASE_RECALLED", explanation };
}

/** The published key set, provided that our key is in it and that it is valid now. */
function usableKeys(
  { snapshot, directorKeys }: FleetView,
  { keys }: ServerContext,
  now: Instant,
): DirectorKeys | undefined {
  const signer = keys.director(snapshot.tenant);
  if (!signer || !directorKeys?.keys.has(signer.keyId)) return undefined;
  const { validFrom, validUntil } = directorKeys;
  return validFrom <= now && now < validUntil ? directorKeys : undefined;
}
