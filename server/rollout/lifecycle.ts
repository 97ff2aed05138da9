/** How a rollout moves: by what an operator does, and by what the gate says. */
import { present, unreachable } from "../../protocol/base/assert.ts";
import { failed, succeeded, type Result } from "../../protocol/base/result.ts";
import type { RolloutAction, RolloutState } from "../../protocol/wire/index.ts";
import { cumulated, judgePassedStage, judgeStage } from "./gate.ts";
import type { Evidence, Rollout, RolloutChange, Verdict } from "./model.ts";

type ActionName = RolloutAction["action"];
export type LifecycleCode = "ROLLOUT_ACTION_NOT_ALLOWED";

/** The states from which an action is allowed. */
const ALLOWED_FROM = {
  start: ["draft"],
  pause: ["running"],
  resume: ["paused"],
  abort: ["draft", "running", "paused", "completed"],
  advance: ["running"],
} as const satisfies Record<ActionName, readonly RolloutState[]>;

/** What an operator's action makes of a rollout. */
export function applyAction(
  rollout: Rollout,
  { action, because }: RolloutAction,
): Result<RolloutChange, LifecycleCode> {
  const allowed: readonly RolloutState[] = ALLOWED_FROM[action];
  if (!allowed.includes(rollout.state)) {
    const message = `A rollout that is ${rollout.state} cannot ${action}.`;
    return failed("ROLLOUT_ACTION_NOT_ALLOWED", message, { state: rollout.state, action });
  }
  const { stageIndex, promotedStages } = rollout;
  const stay = { stageIndex, promotedStages };
  switch (action) {
    case "start":
    case "resume":
      return succeeded({ ...stay, state: "running", because });
    case "pause":
      return succeeded({ ...stay, state: "paused", because });
    case "abort":
      return succeeded({ ...stay, state: "halted", because: `Aborted: ${because}` });
    case "advance":
      return succeeded({
        ...advanced(rollout, because),
        promotedStages: [...promotedStages, stageIndex],
      });
    default:
      return unreachable(action);
  }
}

/** The gate's word on a rollout, and what it makes of it. */
export interface Decision {
  /** The stage that was judged, which may lie before the current one. */
  readonly stage: number;
  readonly verdict: Verdict;
  /** Null when the rollout stays as it is. */
  readonly change: RolloutChange | null;
}

/**
 * Judges every stage up to the current one, first to last. A stage that was passed can fall later: devices
 * roll back after they had reported well. Harm then halts; lost confidence takes the rollout back to that
 * stage, which is open again.
 */
export function decideRollout(rollout: Rollout, evidence: Evidence): Decision | null {
  if (rollout.state !== "running" && rollout.state !== "completed") return null;
  return reconsidered(rollout, evidence) ?? judgeCurrent(rollout, evidence);
}

/** The first stage that was passed and no longer stands; in a completed rollout the last one is among them. */
function reconsidered(rollout: Rollout, evidence: Evidence): Decision | undefined {
  const passedCount = rollout.stageIndex + (rollout.state === "completed" ? 1 : 0);
  for (const [index, stage] of rollout.stages.slice(0, passedCount).entries()) {
    const verdict = judgePassedStage({
      evidence: cumulated(evidence.stages.slice(0, index + 1)),
      stage,
      policy: rollout.gate,
    });
    if (verdict.kind === "halt") return halted(rollout, index, verdict);
    // What a person promoted against the gate's doubt is not taken back for the same doubt.
    if (verdict.kind !== "advance" && !rollout.promotedStages.includes(index)) {
      return reopened(rollout, index, verdict);
    }
  }
  return undefined;
}

function judgeCurrent(rollout: Rollout, evidence: Evidence): Decision | null {
  if (rollout.state === "completed") return null;
  const { stageIndex, promotedStages } = rollout;
  const verdict = judgeStage({
    evidence: cumulated(evidence.stages.slice(0, stageIndex + 1)),
    stage: present(rollout.stages[stageIndex], "the current stage"),
    policy: rollout.gate,
    reachable: evidence.reachable[stageIndex] ?? 0,
  });
  if (verdict.kind === "halt") return halted(rollout, stageIndex, verdict);
  if (verdict.kind === "advance") {
    return { stage: stageIndex, verdict, change: advanced(rollout, verdict.because) };
  }
  const { because } = verdict;
  const change: RolloutChange = { state: "running", stageIndex, promotedStages, because };
  return { stage: stageIndex, verdict, change: because === rollout.because ? null : change };
}

function advanced(rollout: Rollout, because: string): RolloutChange {
  const { stageIndex, promotedStages } = rollout;
  return stageIndex + 1 < rollout.stages.length
    ? { state: "running", stageIndex: stageIndex + 1, promotedStages, because }
    : { state: "completed", stageIndex, promotedStages, because };
}

function halted({ promotedStages }: Rollout, stage: number, verdict: Verdict): Decision {
  const { because } = verdict;
  return {
    stage,
    verdict,
    change: { state: "halted", stageIndex: stage, promotedStages, because },
  };
}

function reopened({ promotedStages }: Rollout, stage: number, verdict: Verdict): Decision {
  const because = `Stage ${stage + 1} is open again: ${verdict.because}`;
  const change: RolloutChange = { state: "running", stageIndex: stage, promotedStages, because };
  return { stage, verdict, change };
}
