/** `retile agent poll`: one check-in and its update, or one after another until told to stop. */
import { randomInt } from "node:crypto";
import { unreachable } from "../../protocol/base/assert.ts";
import type { Result } from "../../protocol/base/result.ts";
import { succeeded } from "../../protocol/base/result.ts";
import { seededRandom } from "../../protocol/base/random.ts";
import {
  machineClock,
  pollUntilAborted,
  type Agent,
  type ModelRow,
  type PollOutcome,
  type UpdateSummary,
} from "../../device-agent/index.ts";
import type { Column, Output, Row } from "../output.ts";

export const UPDATE_COLUMNS: readonly Column[] = [
  { key: "model", title: "model" },
  { key: "beforeMicroseconds", title: "before µs", digits: 1 },
  { key: "afterMicroseconds", title: "after µs", digits: 1 },
  { key: "gain", title: "gain", digits: 3 },
  { key: "outputSnrDb", title: "SNR dB", digits: 1 },
  { key: "verdict", title: "verdict" },
  { key: "compileMs", title: "compile ms" },
];

/** One sentence for a person. */
export function describeOutcome(outcome: PollOutcome): string {
  switch (outcome.kind) {
    case "held":
      return `held (${outcome.code}): ${outcome.because}`;
    case "nothing":
      return `nothing to do: ${outcome.because}`;
    case "waiting":
      return `waiting for ${outcome.to.version} (${outcome.code}): ${outcome.message}`;
    case "committed":
      return `committed: ${outcome.from.version} -> ${outcome.to.version}`;
    case "recalled":
      return `recalled: ${outcome.from.version} -> ${outcome.to.version}: ${outcome.because}`;
    case "refused":
      return `refused ${outcome.to.version} (${outcome.code}): ${outcome.message}`;
    default:
      return unreachable(outcome);
  }
}

export function updateOf(outcome: PollOutcome): UpdateSummary | null {
  return outcome.kind === "committed" || outcome.kind === "refused" ? outcome.summary : null;
}

/** JSON has no infinity: an exact output has no ratio. */
export function updateRows(models: readonly ModelRow[]): Row[] {
  const finite = (value: number | null): number | null =>
    value !== null && Number.isFinite(value) ? value : null;
  return models.map(({ outputSnrDb, beforeSnrDb, againstBeforeSnrDb, ...row }) => ({
    ...row,
    exact: againstBeforeSnrDb === Infinity,
    outputSnrDb: finite(outputSnrDb),
    beforeSnrDb: finite(beforeSnrDb),
  }));
}

export interface WatchOptions {
  /** Undefined: what the server asks for. */
  readonly everySeconds: number | undefined;
  readonly stop: AbortSignal;
}

/** The last outcome. What may pass is said and tried again, later and later: that is what polling is for. */
export async function pollUntilStopped(
  agent: Agent,
  { everySeconds, stop }: WatchOptions,
  output: Output,
): Promise<Result<PollOutcome>> {
  const hopeless = new AbortController();
  let last: Result<PollOutcome> = succeeded({
    kind: "nothing",
    because: "There was no time to ask.",
  });
  await pollUntilAborted({
    ...{ agent, everySeconds, clock: machineClock, random: seededRandom(randomInt(2 ** 31)) },
    signal: AbortSignal.any([stop, hopeless.signal]),
    onOutcome: (polled) => {
      last = polled;
      output.say(polled.ok ? describeOutcome(polled.value) : `${polled.code}: ${polled.message}`);
      const update = polled.ok ? updateOf(polled.value) : null;
      if (update) output.table(UPDATE_COLUMNS, updateRows(update.models));
      if (!polled.ok && HOPELESS.has(polled.code)) hopeless.abort();
    },
  });
  return last;
}

/** Failures that no later poll mends. */
const HOPELESS: ReadonlySet<string> = new Set([
  ...["NOT_INITIALISED", "NOT_ENROLLED", "STATE_DAMAGED", "AGENT_RUNNING"],
]);
