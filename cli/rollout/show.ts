/** Everything that is known of one rollout: where it stands and why, stages, evidence, models. */
import type { Result } from "../../protocol/base/result.ts";
import { succeeded } from "../../protocol/base/result.ts";
import type { RolloutView } from "../../protocol/wire/index.ts";
import type { EvidenceView, OperatorClient } from "../operator/client.ts";
import type { Column, Output, Row } from "../output.ts";
import { OUTCOME_COLUMNS, outcomeRows } from "./outcomes.ts";
import type { OutcomeRow } from "./outcomes.ts";
import { rolloutRow } from "./row.ts";

export interface RolloutPicture {
  readonly rollout: RolloutView;
  readonly evidence: EvidenceView;
  readonly outcomes: readonly OutcomeRow[];
}

const STAGE_COLUMNS: readonly Column[] = [
  { key: "stage", title: "stage" },
  { key: "percent", title: "%" },
  { key: "standing", title: "standing" },
  { key: "reachable", title: "reachable" },
  { key: "assigned", title: "assigned" },
  { key: "committed", title: "committed" },
  { key: "failed", title: "failed" },
  { key: "silent", title: "silent" },
];

const FORBIDDEN_COLUMNS: readonly Column[] = [
  { key: "hardwareClass", title: "hardware" },
  { key: "devices", title: "devices" },
  { key: "code", title: "forbidden" },
  { key: "because", title: "because" },
];

const CELL_COLUMNS: readonly Column[] = [
  { key: "model", title: "model" },
  { key: "hardwareClass", title: "hardware" },
  { key: "devices", title: "devices" },
  { key: "failures", title: "failures" },
  { key: "gain", title: "gain", digits: 3 },
  { key: "gainLower", title: "at least", digits: 3 },
  { key: "gainUpper", title: "at most", digits: 3 },
  { key: "verdict", title: "gate" },
  { key: "because", title: "because" },
];

export async function picture(client: OperatorClient, id: string): Promise<Result<RolloutPicture>> {
  const rollout = await client.rollout(id);
  if (!rollout.ok) return rollout;
  const evidence = await client.evidence(id);
  if (!evidence.ok) return evidence;
  const outcomes = await client.outcomes(id);
  if (!outcomes.ok) return outcomes;
  return succeeded({
    rollout: rollout.value,
    evidence: evidence.value,
    outcomes: outcomeRows(outcomes.value),
  });
}

/** Rows are the models; stages and evidence are in the summary of the JSON and in tables for people. */
export function reportRollout(name: string, shown: RolloutPicture, output: Output): void {
  const { rollout, evidence, outcomes } = shown;
  const stages = stageRows(rollout, evidence);
  const { because = "" } = rollout;
  const head = { ...rolloutRow(rollout), because };
  const rows = outcomes.map((row) => ({ ...row }));
  const { forbidden, cells } = evidence;
  if (output.json) {
    return output.report({ name, rows, summary: { ...head, stages, forbidden, evidence: cells } });
  }
  output.table(STAGE_COLUMNS, stages);
  if (forbidden.length > 0) output.table(FORBIDDEN_COLUMNS, forbidden);
  if (cells.length > 0) output.table(CELL_COLUMNS, cells);
  output.report({ name, rows, summary: head }, OUTCOME_COLUMNS);
}

function stageRows(rollout: RolloutView, evidence: EvidenceView): Row[] {
  return evidence.stages.map((known, index) => ({
    stage: index + 1,
    ...known,
    standing: standingOf(rollout, index),
  }));
}

function standingOf({ state, stageIndex }: RolloutView, index: number): string {
  if (index < stageIndex || state === "completed") return "passed";
  return index === stageIndex ? state : "to come";
}
