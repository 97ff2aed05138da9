/** A step of the update under way, and its end without a switch. */
import type { Failure } from "../../protocol/base/result.ts";
import type { LifecycleStage } from "../../protocol/wire/index.ts";
import { giveUp, type Candidate, type SlotsState } from "../slots/index.ts";
import { persist, type Context } from "./context.ts";
import type { PollOutcome } from "./poll-outcome.ts";

/** Ends the update; what was current stays current. */
export async function abandon(
  context: Context,
  candidate: Candidate,
  why: Pick<Failure, "code" | "message">,
): Promise<Extract<PollOutcome, { kind: "refused" }>> {
  const { slots, lastUpdate } = context.journal.state;
  const { code, message } = why;
  const isInstalled = ["staged", "compiled", "measured"].includes(slots.update.kind);
  const isMeasured = slots.update.kind === "measured";
  const kind = isInstalled ? "rolled_back" : "install_failed";
  await step(context, candidate, { slots: giveUp(slots), stage: { kind, code, message } });
  const summary = isMeasured ? lastUpdate : null;
  return { kind: "refused", from: slots.current, to: candidate.driver, code, message, summary };
}

/** One write: the state and, where there is one, the report of it. */
export async function step(
  context: Context,
  candidate: Candidate,
  to: { readonly slots: SlotsState; readonly stage?: LifecycleStage },
): Promise<void> {
  await persist(context, {
    slots: to.slots,
    bodies: to.stage ? [{ kind: "lifecycle", stage: to.stage }] : [],
    from: context.journal.state.slots.current,
    to: candidate.driver,
    rollout: candidate.rollout,
  });
}
