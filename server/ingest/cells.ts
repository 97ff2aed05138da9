/** What new outcomes add to the gate's cells, and what the outcomes that they replace take away. */
import { addMoments, momentsOf, type Moments } from "../rollout/confidence.ts";
import type { CellDelta, Outcome } from "./model.ts";

/** One delta a cell, sorted, so that transactions that touch several cells lock them in one order. */
export function cellDeltas(before: readonly Outcome[], after: readonly Outcome[]): CellDelta[] {
  const deltas = new Map<string, CellDelta>();
  const replaced = new Map(
    before.map((outcome) => [`${outcome.rollout}\n${outcome.model}`, outcome]),
  );
  for (const outcome of after) {
    const old = replaced.get(`${outcome.rollout}\n${outcome.model}`);
    if (old) add(deltas, old, -1);
    add(deltas, outcome, 1);
  }
  return [...deltas]
    .filter(([, delta]) => !isZero(delta))
    .sort(([a], [b]) => (a < b ? -1 : 1))
    .map(([, delta]) => delta);
}

function add(deltas: Map<string, CellDelta>, outcome: Outcome, sign: 1 | -1): void {
  const { rollout, stage, model, soc } = outcome;
  if (stage === null) return;
  const key = [rollout, String(stage).padStart(4, "0"), model, soc].join("\n");
  const known = deltas.get(key);
  const moments = signed(outcome.logRatio === null ? [] : [outcome.logRatio], sign);
  const failures = outcome.failing ? sign : 0;
  deltas.set(key, {
    rollout,
    stage,
    model,
    hardwareClass: soc,
    moments: known ? addMoments(known.moments, moments) : moments,
    failures: (known?.failures ?? 0) + failures,
  });
}

function signed(measurements: readonly bigint[], sign: 1 | -1): Moments {
  const { count, sum, sumOfSquares } = momentsOf(measurements);
  return {
    count: sign * count,
    sum: BigInt(sign) * sum,
    sumOfSquares: BigInt(sign) * sumOfSquares,
  };
}

function isZero({ moments, failures }: CellDelta): boolean {
  const { count, sum, sumOfSquares } = moments;
  return count === 0 && sum === 0n && sumOfSquares === 0n && failures === 0;
}
