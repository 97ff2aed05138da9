/** When and how fast the owner lets a device be updated: windows over changes of the clocks, pace, pauses. */
import { describe, expect, test } from "@jest/globals";
import { isOpen, paced, parseWindow, type ReadFrom } from "../../../../device-agent/slots/index.ts";
import { instant } from "../../../../protocol/base/brand.ts";
import { succeeded, unwrap } from "../../../../protocol/base/result.ts";

const at = (text: string) => instant(Date.parse(text));

describe("a maintenance window", () => {
  test.each([
    ["22:00-04:30 Europe/Berlin", "2026-01-10T21:00:00Z", true],
    ["22:00-04:30 Europe/Berlin", "2026-01-11T03:29:00Z", true],
    ["22:00-04:30 Europe/Berlin", "2026-01-11T03:30:00Z", false],
    ["22:00-04:30 Europe/Berlin", "2026-01-10T20:59:59Z", false],
    ["01:00-02:00 Asia/Kolkata", "2026-01-10T19:45:00Z", true],
    ["00:00-00:00 UTC", "2026-01-10T12:00:00Z", true],
    // Berlin, 29 March 2026: 02:00 to 03:00 does not exist, so a window within it does not open.
    ["02:00-03:00 Europe/Berlin", "2026-03-29T00:59:59Z", false],
    ["02:00-03:00 Europe/Berlin", "2026-03-29T01:00:00Z", false],
    // 25 October 2026: 02:00 to 03:00 comes twice, and is open both times.
    ["02:00-03:00 Europe/Berlin", "2026-10-25T00:30:00Z", true],
    ["02:00-03:00 Europe/Berlin", "2026-10-25T01:30:00Z", true],
    ["02:00-03:00 Europe/Berlin", "2026-10-25T02:00:00Z", false],
  ])("%s at %s is open: %s", (window, now, expected) => {
    expect(isOpen(unwrap(parseWindow(window)), at(now))).toBe(expected);
  });

  test.each(["", "22-04 UTC", "24:00-01:00 UTC", "22:00-04:60 UTC", "22:00-04:00 Mars/Olympus"])(
    '"%s" is WINDOW_MALFORMED',
    (text) => {
      expect(parseWindow(text)).toMatchObject({ ok: false, code: "WINDOW_MALFORMED" });
    },
  );
});

describe("a paced download", () => {
  /** A clock that only sleeping moves. */
  async function elapsed(bytesPerSecondMax: number, busyUntil: number): Promise<number> {
    let now = 0;
    const ports = {
      now: () => now,
      sleep: (milliseconds: number) => Promise.resolve(void (now += milliseconds)),
      isBusy: () => now < busyUntil,
    };
    const source: ReadFrom<never> = async (_offset, onPiece) => {
      for (let piece = 0; piece < 10; piece++) await onPiece(new Uint8Array(1000));
      return succeeded(undefined);
    };
    const read = paced(source, { bytesPerSecondMax, busyMsMax: 30_000 }, ports);
    let bytes = 0;
    await read(0, (piece) => Promise.resolve((bytes += piece.length) > 0));
    expect(bytes).toBe(10_000);
    return now;
  }

  test("takes no more bytes a second than it may", async () => {
    expect(await elapsed(2000, 0)).toBeCloseTo(5000, 0);
    expect(await elapsed(Infinity, 0)).toBe(0);
  });

  test("pauses while the chip is wanted, and goes on at last where it always is", async () => {
    expect(await elapsed(Infinity, 700)).toBe(700);
    expect(await elapsed(Infinity, Infinity)).toBe(10 * 30_000);
  });
});
