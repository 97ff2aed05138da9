/**
 * The pointers and the update under way, as data, and every transition between them as a pure function.
 *
 *     idle -> downloading -> downloaded -> staged -> compiled -> measured -> idle (committed or refused)
 *
 * and from downloaded back to downloading where the disk lost what it had.
 *
 * The caller persists each state before it acts on it, so a start after any crash finds either the state
 * before a transition, whose work is repeated, or the one after it.
 */
import { assert } from "../../protocol/base/assert.ts";
import type { Instant, ModelId, RolloutId, Sha256 } from "../../protocol/base/brand.ts";
import type { AcceptedAssignment } from "../../protocol/metadata/index.ts";
import type { DriverRef } from "../../protocol/wire/index.ts";

export interface SlotsState {
  /** From the factory: never removed, never replaced. */
  readonly recovery: DriverRef;
  readonly current: DriverRef;
  readonly previous: DriverRef | null;
  /** Starts of `current` since one of them succeeded. */
  readonly failedStarts: number;
  readonly accepted: AcceptedAssignment | null;
  readonly update: UpdateStep;
  /** Models that stay with an older driver's program, because the current one made them worse. */
  readonly pins: readonly Pin[];
  readonly recalled: Recalled;
}

/** Bundles that an order of the director recalled. Only an order of a later epoch can lift that. */
export interface Recalled {
  readonly epoch: number;
  readonly sha256s: readonly Sha256[];
}

export const NOTHING_RECALLED: Recalled = { epoch: 0, sha256s: [] };

export interface Pin {
  readonly model: ModelId;
  readonly driver: DriverRef;
}

/** A driver that an accepted assignment brings. */
export interface Candidate {
  readonly driver: DriverRef;
  readonly bytes: number;
  /** Of the target in the repository. */
  readonly path: string;
  readonly rollout: RolloutId;
  /** The download must begin before this. */
  readonly startBefore: Instant;
  /** The switch must happen before this. */
  readonly activateBefore: Instant;
}

export type UpdateDecision =
  | { readonly kind: "commit"; readonly pins: readonly Pin[] }
  | { readonly kind: "refuse"; readonly code: string; readonly message: string };

export type UpdateStep =
  | { readonly kind: "idle" }
  | { readonly kind: "downloading"; readonly candidate: Candidate }
  | { readonly kind: "downloaded"; readonly candidate: Candidate }
  | { readonly kind: "staged"; readonly candidate: Candidate }
  | { readonly kind: "compiled"; readonly candidate: Candidate }
  | {
      readonly kind: "measured";
      readonly candidate: Candidate;
      readonly decision: UpdateDecision;
    };

/** Starts in a row that a driver may fail before the agent leaves it. */
export const FAILED_STARTS_MAX = 3;

export function factoryState(recovery: DriverRef): SlotsState {
  return {
    recovery,
    current: recovery,
    previous: null,
    failedStarts: 0,
    accepted: null,
    update: { kind: "idle" },
    pins: [],
    recalled: NOTHING_RECALLED,
  };
}

export function accept(
  state: SlotsState,
  candidate: Candidate,
  accepted: AcceptedAssignment,
): SlotsState {
  return { ...state, accepted, update: { kind: "downloading", candidate } };
}

/** A newer assignment of what is under way: its times and its number take the place of the old ones. */
export function renew(
  state: SlotsState,
  renewed: Pick<Candidate, "startBefore" | "activateBefore" | "rollout">,
  accepted: AcceptedAssignment,
): SlotsState {
  const { update } = state;
  assert(update.kind !== "idle", "there is an update to renew");
  return {
    ...state,
    accepted,
    update: { ...update, candidate: { ...update.candidate, ...renewed } },
  };
}

/** An assignment that leaves nothing to do. */
export function finishAssignment(state: SlotsState, accepted: AcceptedAssignment): SlotsState {
  return { ...state, accepted: { ...accepted, finished: true }, update: { kind: "idle" } };
}

const NEXT = { downloading: "downloaded", downloaded: "staged", staged: "compiled" } as const;

export function advance(state: SlotsState, from: keyof typeof NEXT): SlotsState {
  const { update } = state;
  assert(update.kind === from, `the update is ${update.kind}, not ${from}`);
  return { ...state, update: { kind: NEXT[from], candidate: update.candidate } };
}

/** What was downloaded is no longer what it was: a disk forgot, and the update begins anew. */
export function downloadAgain(state: SlotsState): SlotsState {
  const { update } = state;
  assert(update.kind === "downloaded", `the update is ${update.kind}, not downloaded`);
  return { ...state, update: { kind: "downloading", candidate: update.candidate } };
}

export function decide(state: SlotsState, decision: UpdateDecision): SlotsState {
  const { update } = state;
  assert(update.kind === "compiled", `the update is ${update.kind}, not compiled`);
  return { ...state, update: { kind: "measured", candidate: update.candidate, decision } };
}

/** The switch: one write of this state makes the candidate the current driver. */
export function commit(state: SlotsState, pins: readonly Pin[]): SlotsState {
  const { update, current } = state;
  assert(update.kind === "measured", `the update is ${update.kind}, not measured`);
  return {
    ...endUpdate(state),
    current: update.candidate.driver,
    previous: current,
    failedStarts: 0,
    pins,
  };
}

/** Ends the update without a switch: refused, failed or out of time. */
export function giveUp(state: SlotsState): SlotsState {
  assert(state.update.kind !== "idle", "there is an update to give up");
  return endUpdate(state);
}

function endUpdate(state: SlotsState): SlotsState {
  const accepted = state.accepted && { ...state.accepted, finished: true };
  return { ...state, accepted, update: { kind: "idle" } };
}

/** Persisted before the attempt: a start that never comes back counts as failed. */
export function attemptStart(state: SlotsState): SlotsState {
  return { ...state, failedStarts: state.failedStarts + 1 };
}

export function succeedStart(state: SlotsState): SlotsState {
  return state.failedStarts === 0 ? state : { ...state, failedStarts: 0 };
}

/** The crash-loop breaker: the driver to leave, when it failed too often in a row. */
export function isCrashLooping(state: SlotsState): boolean {
  return state.failedStarts >= FAILED_STARTS_MAX && !isSame(state.current, state.recovery);
}

/** One step back: to the previous driver, and from there to the recovery driver. */
export function fallBack(state: SlotsState): SlotsState {
  const { current, previous, recovery } = state;
  const isUsable = previous !== null && !isSame(previous, current);
  const next = isUsable ? previous : recovery;
  const pins = state.pins.filter((pin) => !isSame(pin.driver, next));
  return { ...state, current: next, previous: null, failedStarts: 0, pins };
}

/** Which driver's program a model runs. */
export function driverFor(state: SlotsState, model: ModelId): DriverRef {
  return state.pins.find((pin) => pin.model === model)?.driver ?? state.current;
}

/** Drivers that must stay in the store. */
export function reachableDrivers(state: SlotsState): readonly DriverRef[] {
  const { recovery, current, previous, update } = state;
  const candidate = update.kind === "idle" ? [] : [update.candidate.driver];
  return [recovery, current, ...(previous ? [previous] : []), ...candidate];
}

export function isSame(a: DriverRef, b: DriverRef): boolean {
  return a.sha256 === b.sha256;
}
