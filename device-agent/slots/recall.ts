/** Recalls: what must not run any more is remembered, and left at once where it runs. */
import type { Sha256 } from "../../protocol/base/brand.ts";
import { RECALLED_MAX, type AcceptedAssignment } from "../../protocol/metadata/index.ts";
import type { DriverRef } from "../../protocol/wire/index.ts";
import { isSame, type Recalled, type SlotsState } from "./state.ts";

export interface RecallStep {
  readonly recalled: readonly Sha256[];
  /** What runs from now on: in the store already, and not recalled. */
  readonly to: DriverRef;
  readonly accepted: AcceptedAssignment;
}

/** One write: no pointer and no pin leads to a recalled driver or to a program that it compiled. */
export function recall(state: SlotsState, { recalled, to, accepted }: RecallStep): SlotsState {
  const blocked = blockedBy(state.recalled, { epoch: accepted.epoch, sha256s: recalled });
  const isBlocked = ({ sha256 }: DriverRef): boolean => blocked.sha256s.includes(sha256);
  const { current, previous, update } = state;
  const isLeft = !isSame(to, current);
  const isStopped = update.kind !== "idle" && (isLeft || isBlocked(update.candidate.driver));
  const before = isLeft ? current : previous;
  return {
    ...state,
    current: to,
    previous: before && !isBlocked(before) && !isSame(before, to) ? before : null,
    failedStarts: isLeft ? 0 : state.failedStarts,
    accepted: { ...accepted, finished: true },
    update: isStopped ? { kind: "idle" } : update,
    pins: state.pins.filter(({ driver }) => !isBlocked(driver) && !isSame(driver, to)),
    recalled: blocked,
  };
}

function blockedBy(before: Recalled, order: Recalled): Recalled {
  if (order.epoch > before.epoch) return order;
  const sha256s = [...new Set([...order.sha256s, ...before.sha256s])].slice(0, RECALLED_MAX);
  return { epoch: before.epoch, sha256s };
}
