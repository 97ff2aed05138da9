/** When to ask again: the server's interval with jitter, and longer and longer while it does not answer. */
import type { Random } from "../../protocol/base/random.ts";
import type { Result } from "../../protocol/base/result.ts";
import type { Clock } from "../host/index.ts";
import type { Agent } from "./agent.ts";
import type { PollOutcome } from "./poll-outcome.ts";

/** Spreads a fleet that was switched on at once. */
const JITTER_SHARE = 0.1;
const FIRST_RETRY_SECONDS = 5;
const RETRY_SECONDS_MAX = 3600;

export interface PollDelay {
  readonly pollIntervalSeconds: number;
  /** Polls in a row that failed or have to wait. */
  readonly failures: number;
  readonly random: Random;
}

/**
 * After a failure: between half and the whole of 5 s · 2^failures, an hour at most and never longer than the
 * server's interval.
 */
export function pollDelayMs({ pollIntervalSeconds, failures, random }: PollDelay): number {
  if (failures === 0) {
    const jitter = 1 + JITTER_SHARE * (2 * random.uniform() - 1);
    return Math.round(pollIntervalSeconds * 1000 * jitter);
  }
  let seconds = FIRST_RETRY_SECONDS;
  for (let at = 1; at < failures && seconds < RETRY_SECONDS_MAX; at++) seconds *= 2;
  const longest = Math.min(seconds, RETRY_SECONDS_MAX, pollIntervalSeconds);
  return Math.round(longest * 1000 * (0.5 + random.uniform() / 2));
}

export interface PollLoop {
  readonly agent: Agent;
  readonly clock: Clock;
  readonly random: Random;
  readonly signal: AbortSignal;
  /** In the place of the interval that the server asks for. */
  readonly everySeconds?: number | undefined;
  readonly onOutcome: (outcome: Result<PollOutcome>) => void;
}

/** Polls until `signal` is aborted; an operation under way is finished first. */
export async function pollUntilAborted(loop: PollLoop): Promise<void> {
  const { agent, clock, random, signal, everySeconds, onOutcome } = loop;
  let failures = 0;
  while (!signal.aborted) {
    const outcome = await agent.poll();
    onOutcome(outcome);
    failures = !outcome.ok || outcome.value.kind === "waiting" ? failures + 1 : 0;
    const status = await agent.status();
    const asked = status.ok ? status.value.pollIntervalSeconds : RETRY_SECONDS_MAX;
    const pollIntervalSeconds = everySeconds ?? asked;
    await sleep(clock, pollDelayMs({ pollIntervalSeconds, failures, random }), signal);
  }
}

function sleep(clock: Clock, milliseconds: number, signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    if (signal.aborted) return resolve();
    const stop = clock.after(milliseconds, end);
    signal.addEventListener("abort", end);
    function end(): void {
      stop();
      signal.removeEventListener("abort", end);
      resolve();
    }
  });
}
