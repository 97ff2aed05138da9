/** What the owner sets on a device by the command line: checked, kept, shown, and obeyed by the next poll. */
import { cp, mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "@jest/globals";
import { createAgent } from "../../device-agent/index.ts";
import { unwrap } from "../../protocol/base/result.ts";
import { retile, type Ended } from "../support/command-line.ts";
import { copyDriverBundle } from "../support/copy-driver.ts";
import { NOW } from "../support/signed-metadata.ts";
import { optionsFor, testDevices, type TestDevice } from "../support/test-agent.ts";

const HOUR_MS = 3_600_000;
const devices = await testDevices();
const folder = await mkdtemp(join(tmpdir(), "retile-owner-"));
const FASTER = copyDriverBundle({ version: "1.1.0", copies: 20 });
const NEW_DEVICE = {
  ...{ bytesPerSecond: "unlimited", busySeconds: 30, window: "always" },
  ...{ consent: "always", agreed: "", sandbox: "degraded" },
};
let device: TestDevice;

beforeAll(async () => {
  device = await devices.open(FASTER);
  await cp(device.directory, join(folder, "agent"), { recursive: true });
});

afterAll(async () => {
  await devices.close();
  await rm(folder, { recursive: true });
});

function settings(...flags: string[]): Promise<Ended> {
  return retile("agent", "settings", ...flags, "--data-dir", folder);
}

function poll() {
  return createAgent(optionsFor(join(folder, "agent"), device.server, {})).poll();
}

/** "HH:MM" so many hours after the tests' time, in UTC. */
function timeIn(hours: number): string {
  return new Date(NOW + hours * HOUR_MS).toISOString().slice(11, 16);
}

test("a new device lets everything pass, and says so", async () => {
  expect((await settings()).report.summary).toEqual(NEW_DEVICE);
  const { report } = await retile("agent", "status", "--data-dir", folder);
  expect(report.summary.owner).toEqual(NEW_DEVICE);
});

test.each([
  ["WINDOW_MALFORMED", ["--window", "22-04"]],
  ["WINDOW_MALFORMED", ["--window", "22:00-04:00 Mars/Olympus"]],
  ["OWNER_SETTING_INVALID", ["--busy-seconds", "4000"]],
  ["OWNER_SETTING_INVALID", ["--agree", "latest"]],
])("%s: %j is refused, and nothing is kept of it", async (code, flags) => {
  const ended = await settings(...flags, "--consent", "ask");
  expect([ended.exit, ended.report.summary.error.code]).toEqual([2, code]);
  expect((await settings()).report.summary).toEqual(NEW_DEVICE);
});

test("what is set is kept one by one, and the next poll obeys it", async () => {
  const window = `${timeIn(1)}-${timeIn(2)} UTC`;
  await settings("--bytes-per-second", "50000000", "--busy-seconds", "5");
  await settings("--consent", "ask", "--window", window);
  expect((await settings()).report.summary).toEqual({
    ...{ bytesPerSecond: 50_000_000, busySeconds: 5, window, consent: "ask" },
    ...{ agreed: "", sandbox: "degraded" },
  });
  expect(unwrap(await poll())).toMatchObject({ kind: "waiting", code: "CONSENT_PENDING" });
  await settings("--agree", "1.1.0");
  expect(unwrap(await poll())).toMatchObject({ kind: "waiting", code: "OUTSIDE_WINDOW" });
});

test("damaged settings let nothing be installed, and setting them anew mends them", async () => {
  const file = join(folder, "agent/owner.json");
  const kept = await readFile(file);
  await writeFile(file, kept.subarray(0, 20));
  const ended = await settings();
  expect([ended.exit, ended.report.summary.error.code]).toEqual([1, "OWNER_SETTINGS_DAMAGED"]);
  const { report } = await retile("agent", "status", "--data-dir", folder);
  expect(report.summary.owner).toBeNull();
  expect((await settings("--reset")).report.summary).toEqual(NEW_DEVICE);
  expect(unwrap(await poll())).toMatchObject({ kind: "committed", to: { version: "1.1.0" } });
});
