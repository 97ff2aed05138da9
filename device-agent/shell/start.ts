/**
 * The start of the agent: proves that the current driver works, and leaves one that does not. An attempt is
 * counted on disk before it is made, so a driver that takes the agent down with it is left as well.
 */
import { failed, succeeded, type Result } from "../../protocol/base/result.ts";
import type { DriverRef } from "../../protocol/wire/index.ts";
import type { DriverCode } from "../host/index.ts";
import {
  attemptStart,
  fallBack,
  isCrashLooping,
  isSame,
  readSlot,
  succeedStart,
  type SlotCode,
} from "../slots/index.ts";
import { persist, storedDriver, type Context } from "./context.ts";

export type StartCode = SlotCode | DriverCode | "DRIVER_OF_ANOTHER_VERSION";

/** Fails only where the recovery driver itself does not start. */
export async function startDriver(context: Context): Promise<Result<void, StartCode>> {
  const { journal } = context;
  for (;;) {
    if (isCrashLooping(journal.state.slots)) await leaveDriver(context);
    const { slots } = journal.state;
    await journal.write({ ...journal.state, slots: attemptStart(slots) });
    const started = await tryDriver(context, slots.current);
    if (started.ok) {
      const { state } = journal;
      await journal.write({ ...state, slots: succeedStart(state.slots) });
      return succeeded(undefined);
    }
    const { code, message } = started;
    context.ports.log({ event: "start_failed", details: { code, message } });
    if (isSame(slots.current, slots.recovery)) return started;
  }
}

/** Its bytes are what was installed, and it answers in the sandbox. */
export async function tryDriver(
  context: Pick<Context, "ports">,
  ref: DriverRef,
): Promise<Result<void, StartCode>> {
  const slot = await readSlot(context.ports.files, ref.sha256);
  if (!slot.ok) return slot;
  const described = await storedDriver(context, ref).hosted.describe();
  if (!described.ok) return described;
  const { version } = described.value.summary;
  if (version === ref.version && slot.value.version === ref.version) return succeeded(undefined);
  const message = `The driver calls itself ${version}, it was installed as ${ref.version}.`;
  return failed("DRIVER_OF_ANOTHER_VERSION", message, { version });
}

async function leaveDriver(context: Context): Promise<void> {
  const { slots } = context.journal.state;
  const next = fallBack(slots);
  const message = `Driver ${slots.current.version} failed ${slots.failedStarts} starts in a row.`;
  const stage = { kind: "rolled_back", code: "CRASH_LOOP", message } as const;
  await persist(context, {
    slots: next,
    bodies: [{ kind: "lifecycle", stage }],
    from: slots.current,
    to: next.current,
    rollout: null,
  });
}
