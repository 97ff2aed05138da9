/** What a decision rested on, as JSON that gives the same values back: sums are longer than a JSON number. */
import type { Evidence, Rollout } from "../rollout/index.ts";
import type { Decided } from "./ports.ts";

type Inputs = Pick<Decided, "rollout" | "evidence">;

const WHOLE = /^-?\d+n$/;

export function inputsToJson({ rollout, evidence }: Inputs): unknown {
  return JSON.parse(
    JSON.stringify({ rollout, evidence }, (_, value: unknown) =>
      typeof value === "bigint" ? `${value}n` : value,
    ),
  );
}

/** Reads what `inputsToJson` wrote; only the sums of a cell are written with an n. */
export function inputsOf(json: unknown): Inputs {
  const { rollout, evidence } = json as {
    rollout: Rollout;
    evidence: Evidence;
  };
  const stages = evidence.stages.map((stage) => ({
    ...stage,
    cells: stage.cells.map((cell) => ({
      ...cell,
      moments: {
        count: cell.moments.count,
        sum: wholeOf(cell.moments.sum),
        sumOfSquares: wholeOf(cell.moments.sumOfSquares),
      },
    })),
  }));
  return { rollout, evidence: { ...evidence, stages } };
}

function wholeOf(value: unknown): bigint {
  if (typeof value === "string" && WHOLE.test(value)) return BigInt(value.slice(0, -1));
  throw new Error(`bug: a decision was stored with the sum ${String(value)}`);
}
