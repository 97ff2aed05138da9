/** Sticks that are days on their way, and the reports that they take back. */
import { describe, expect, test } from "@jest/globals";
import { machineClock } from "../../device-agent/shell/clock.ts";
import { instant } from "../../protocol/base/brand.ts";
import { fromUtf8 } from "../../protocol/base/bytes.ts";
import { unwrap } from "../../protocol/base/result.ts";
import { packStick, readStick } from "../../protocol/bundle/index.ts";
import { sha256Hex } from "../../protocol/crypto/index.ts";
import { authorRecall, signMetadata, type AssignmentJson } from "../../protocol/metadata/index.ts";
import { DEVICE_ROUTES } from "../../protocol/wire/index.ts";
import { testNow } from "../support/device-server.ts";
import { KEYS, LATER, makeTimestamp, NOW } from "../support/signed-metadata.ts";
import { stickFor } from "../support/stick.ts";
import { told } from "../support/test-agent.ts";
import {
  TINY_FASTER as FASTER,
  TINY_NEWER as NEWER,
  TINY_OLD as OLD,
  tinyDevice,
} from "../support/tiny-device.ts";

const DAY_MS = 24 * 3600 * 1000;
const ALL_GOOD = "accepted installed compiled kept kept measured committed";

/** The order that `change` makes of the server's, and online metadata that ran out a day after it was signed. */
async function carriedFor(change: (order: AssignmentJson, timestampVersion: number) => object) {
  const device = await tinyDevice();
  const stick = await stickFor(device.server, FASTER, "1.1.0");
  device.server.down = true;
  const { order, files } = unwrap(readStick(stick));
  const find = (name: string) => [...files].find(([path]) => path.endsWith(name)) ?? ["", order];
  const [snapshotPath, snapshotBytes] = find("snapshot.json");
  const version = Number.parseInt(snapshotPath, 10);
  const runOut = { version, snapshot: { version, bytes: snapshotBytes }, signedAt: NOW };
  const timestamp = await makeTimestamp({ ...runOut, expires: instant(NOW + DAY_MS) });
  const asked = JSON.parse(fromUtf8(order)).signed as AssignmentJson;
  const signed = await signMetadata(change(asked, version), [KEYS.director]);
  const packed = packStick({
    order: signed,
    files: new Map([...files, ["timestamp.json", timestamp]]),
  });
  const after = (days: number) => {
    const now = () => instant(testNow() + days * DAY_MS);
    return device.restart({ clock: { ...machineClock, now } });
  };
  return { ...device, stick: packed, after };
}

const airGapped = (order: AssignmentJson, timestampVersion: number) => {
  const until = new Date(NOW + 7 * DAY_MS).toISOString().replace(/\.\d+/, "");
  return { ...order, airGapped: true, timestampVersion, startBefore: until, activateBefore: until };
};

describe("a stick that was days on its way", () => {
  test("serves as long as its order, not as short as its timestamp", async () => {
    const { stick, after } = await carriedFor(airGapped);
    expect(unwrap(await after(5).importStick(stick))).toMatchObject({ kind: "committed" });
  });

  test("serves no longer: ASSIGNMENT_EXPIRED", async () => {
    const { stick, after } = await carriedFor(airGapped);
    expect(await after(8).importStick(stick)).toMatchObject({ code: "ASSIGNMENT_EXPIRED" });
  });

  test.each<[string, Parameters<typeof carriedFor>[0]]>([
    ["was not made for a stick", (order) => order],
    ["knew of newer metadata", (order, version) => airGapped(order, version + 1)],
  ])("with an order that %s is TIMESTAMP_EXPIRED", async (_what, change) => {
    const { stick, after } = await carriedFor(change);
    expect(await after(5).importStick(stick)).toMatchObject({ code: "TIMESTAMP_EXPIRED" });
  });

  test("helps nobody who hands its files and its order to a device online: TIMESTAMP_EXPIRED", async () => {
    const { stick, after, server } = await carriedFor(airGapped);
    const { order, files } = unwrap(readStick(stick));
    server.addFiles(files);
    server.down = false;
    server.answerWith = { kind: "assignment", envelope: order };
    expect(await after(5).poll()).toMatchObject({ ok: false, code: "TIMESTAMP_EXPIRED" });
    server.answerWith = undefined;
  });
});

describe("the reports that a stick took back", () => {
  /** Two sticks, one after the other; the second one's order says what the server has of the reports. */
  async function second(reports: AssignmentJson["reports"]) {
    const { agent, server } = await tinyDevice();
    const stick = await stickFor(server, FASTER, "1.1.0");
    server.down = true;
    unwrap(await agent.importStick(stick));
    const batch = unwrap(await agent.exportReports()) ?? new Uint8Array(0);
    await server.handle(DEVICE_ROUTES.reports, batch);
    await server.publish([OLD, FASTER, NEWER], NEWER);
    const { order, files } = unwrap(readStick(await stickFor(server, NEWER, "1.2.0")));
    const { signed } = JSON.parse(fromUtf8(order));
    const acknowledging = await signMetadata({ ...signed, ...(reports && { reports }) }, [
      KEYS.director,
    ]);
    const outcome = await agent.importStick(packStick({ order: acknowledging, files }));
    expect(unwrap(outcome)).toMatchObject({ kind: "committed" });
    const { pendingReports } = unwrap(await agent.status());
    return { pendingReports, agent, server };
  }

  test("are let go when the next one acknowledges them, and none is lost", async () => {
    const { pendingReports, agent, server } = await second({ epoch: 1, acknowledgedSequence: 7 });
    expect(pendingReports).toBe(7);
    const batch = unwrap(await agent.exportReports()) ?? new Uint8Array(0);
    await server.handle(DEVICE_ROUTES.reports, batch);
    expect(told(server)).toBe(`${ALL_GOOD} ${ALL_GOOD}`);
  });

  test.each([
    ["nothing", undefined],
    ["another enrolment", { epoch: 2, acknowledgedSequence: 7 }],
    ["reports that were never made", { epoch: 1, acknowledgedSequence: 99 }],
  ])("stay when it acknowledges %s", async (_what, reports) => {
    expect((await second(reports)).pendingReports).toBe(14);
  });
});

describe("a stick with a recall before its order", () => {
  /** The device runs 1.1.0; the stick recalls that by an order of this number, and brings 1.2.0. */
  async function recalling(sequence: number) {
    const { agent, server } = await tinyDevice();
    unwrap(await agent.importStick(await stickFor(server, FASTER, "1.1.0")));
    await server.publish([OLD, FASTER, NEWER], NEWER);
    const { order, files } = unwrap(readStick(await stickFor(server, NEWER, "1.2.0")));
    const { signed } = JSON.parse(fromUtf8(order));
    const recall = authorRecall({
      ...{ tenant: signed.tenant, device: signed.device, epoch: 1, sequence },
      ...{ startBefore: LATER, recalled: [sha256Hex(FASTER)], returnTo: null, reason: "test" },
    });
    const later = await signMetadata({ ...signed, sequence: 9 }, [KEYS.director]);
    const both = { order: later, recall: await signMetadata(recall, [KEYS.director]), files };
    const outcome = unwrap(await agent.importStick(packStick(both)));
    const { previous } = unwrap(await agent.status());
    return { outcome, previous };
  }

  test("leaves the recalled version first", async () => {
    const { outcome, previous } = await recalling(8);
    expect(outcome).toMatchObject({ kind: "committed", from: { version: "1.0.0" } });
    expect(previous).toMatchObject({ version: "1.0.0" });
  });

  test("that was obeyed before carries out the order alone", async () => {
    const { outcome, previous } = await recalling(1);
    expect(outcome).toMatchObject({ kind: "committed", from: { version: "1.1.0" } });
    expect(previous).toMatchObject({ version: "1.1.0" });
  });
});
