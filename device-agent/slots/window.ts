/**
 * When the owner lets the device change its driver: every day between two local times. An instant has exactly
 * one local time, so a change of the clocks leaves nothing open: what lies in the hour that is left out does
 * not come that day, and what lies in the hour that comes twice is open both times.
 */
import type { Instant } from "../../protocol/base/brand.ts";
import { failed, succeeded, type Result } from "../../protocol/base/result.ts";

export interface MaintenanceWindow {
  /** Minutes after local midnight; the first that is open. */
  readonly from: number;
  /** The first that is closed again; not after `from`: on the next day. */
  readonly until: number;
  /** IANA name, for instance "Europe/Berlin". */
  readonly timeZone: string;
}

const DAY_MINUTES = 24 * 60;
const WINDOW = /^(\d{2}):(\d{2})-(\d{2}):(\d{2}) ([A-Za-z0-9_+/-]+)$/;

/** "22:00-04:30 Europe/Berlin". */
export function parseWindow(text: string): Result<MaintenanceWindow, "WINDOW_MALFORMED"> {
  const [, ...parts] = WINDOW.exec(text) ?? [];
  const timeZone = parts[4] ?? "";
  const [fromHour = 99, fromMinute = 99, untilHour = 99, untilMinute = 99] = parts.map(Number);
  const isTime = (hour: number, minute: number): boolean => hour < 24 && minute < 60;
  if (!isTime(fromHour, fromMinute) || !isTime(untilHour, untilMinute) || !isZone(timeZone)) {
    const message = `"${text}" is no window: write for instance "22:00-04:30 Europe/Berlin".`;
    return failed("WINDOW_MALFORMED", message);
  }
  const [from, until] = [fromHour * 60 + fromMinute, untilHour * 60 + untilMinute];
  return succeeded({ from, until, timeZone });
}

export function isOpen({ from, until, timeZone }: MaintenanceWindow, now: Instant): boolean {
  const minute = localMinute(now, timeZone);
  const length = (until - from + DAY_MINUTES) % DAY_MINUTES || DAY_MINUTES;
  return (minute - from + DAY_MINUTES) % DAY_MINUTES < length;
}

function localMinute(now: Instant, timeZone: string): number {
  const format = new Intl.DateTimeFormat("en-GB", {
    ...{ timeZone, hour: "2-digit", minute: "2-digit", hourCycle: "h23" },
  });
  const parts = new Map(format.formatToParts(now).map(({ type, value }) => [type, value]));
  return Number(parts.get("hour")) * 60 + Number(parts.get("minute"));
}

function isZone(timeZone: string): boolean {
  try {
    return new Intl.DateTimeFormat("en-GB", { timeZone }) !== undefined;
  } catch {
    // The platform knows no such zone.
    return false;
  }
}
