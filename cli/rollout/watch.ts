/** Follows a rollout until it completes or halts. */
import { setTimeout as sleep } from "node:timers/promises";
import { failed, succeeded } from "../../protocol/base/result.ts";
import type { Result } from "../../protocol/base/result.ts";
import type { RolloutView } from "../../protocol/wire/index.ts";
import type { OperatorClient } from "../operator/client.ts";
import type { Output } from "../output.ts";

export interface WatchOptions {
  readonly id: string;
  readonly everySeconds: number;
  /** Zero watches for ever. */
  readonly timeoutSeconds: number;
}

/** Progress counts the stages that were passed; every new reason of the gate is said once. */
export async function watchRollout(
  client: OperatorClient,
  { id, everySeconds, timeoutSeconds }: WatchOptions,
  output: Output,
): Promise<Result<RolloutView>> {
  const first = await client.rollout(id);
  if (!first.ok) return first;
  const progress = output.progress(`rollout ${id}`, first.value.stages.length);
  const endsAt = timeoutSeconds === 0 ? Infinity : performance.now() + timeoutSeconds * 1000;
  let [shown, rollout] = [0, first.value];
  try {
    for (;;) {
      const { state, because = "" } = rollout;
      const passed = state === "completed" ? rollout.stages.length : rollout.stageIndex;
      // A stage can open again: then the count goes back.
      progress.advance(passed - shown, `${state} ${because}`);
      shown = passed;
      if (state === "completed" || state === "halted") return succeeded(rollout);
      if (performance.now() >= endsAt) {
        const message = `rollout ${id} is still ${state} after ${timeoutSeconds} s: ${because}`;
        return failed("WATCH_TIMEOUT", message, { id, timeoutSeconds });
      }
      await sleep(everySeconds * 1000);
      const next = await client.rollout(id);
      if (!next.ok) return next;
      rollout = next.value;
    }
  } finally {
    progress.finish();
  }
}
