/** A rollout as one line of a list. */
import type { RolloutView } from "../../protocol/wire/index.ts";

export function rolloutRow(rollout: RolloutView) {
  const { id, version, previousVersion, state, stageIndex, stages, updatedAt } = rollout;
  const stage = `${stageIndex + 1} of ${stages.length}, ${stages[stageIndex]?.percent} %`;
  return { id, from: previousVersion, to: version, state, stage, updatedAt };
}
