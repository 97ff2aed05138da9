/** A device without a network: a stick brings what a server would, verified alike, and takes the reports back. */
import { afterAll, describe, expect, test } from "@jest/globals";
import { utf8 } from "../../protocol/base/bytes.ts";
import { unwrap } from "../../protocol/base/result.ts";
import { packStick, readStick } from "../../protocol/bundle/index.ts";
import { DEVICE_ROUTES } from "../../protocol/wire/index.ts";
import { copyDriverBundle } from "../support/copy-driver.ts";
import { stickFor } from "../support/stick.ts";
import { runsRight, testDevices, told } from "../support/test-agent.ts";

const devices = await testDevices();
afterAll(() => devices.close());
const FASTER = copyDriverBundle({ version: "1.1.0", copies: 20 });
const ALL_GOOD = "accepted installed compiled kept kept measured committed";

async function opened() {
  const device = await devices.open(FASTER);
  const stick = await stickFor(device.server, FASTER, "1.1.0");
  device.server.down = true;
  return { ...device, stick };
}

test("a stick installs, and the reports that travel back count once however often they are carried", async () => {
  const { agent, server, stick } = await opened();
  expect(unwrap(await agent.importStick(stick))).toMatchObject({ kind: "committed" });
  expect(await runsRight(agent)).toBe(true);
  const batch = unwrap(await agent.exportReports()) ?? new Uint8Array(0);
  server.down = false;
  for (let times = 0; times < 2; times++) await server.handle(DEVICE_ROUTES.reports, batch);
  expect(told(server)).toBe(ALL_GOOD);
  unwrap(await agent.poll());
  expect(told(server)).toBe(ALL_GOOD);
  expect(unwrap(await agent.exportReports())).toBeNull();
});

test("the same stick again is ASSIGNMENT_REPLAYED", async () => {
  const { agent, stick } = await opened();
  unwrap(await agent.importStick(stick));
  expect(await agent.importStick(stick)).toMatchObject({ ok: false, code: "ASSIGNMENT_REPLAYED" });
});

describe("a stick", () => {
  const changed = (stick: Uint8Array, edit: (files: Map<string, Uint8Array>) => void) => {
    const { order, files } = unwrap(readStick(stick));
    const copy = new Map(files);
    edit(copy);
    return packStick({ order, files: copy });
  };
  const pathOf = (files: Map<string, Uint8Array>, part: string): string =>
    [...files.keys()].find((path) => path.includes(part)) ?? "";

  test("with another bundle under the signed name is refused: DOWNLOAD_CORRUPT", async () => {
    const { agent, stick } = await opened();
    const other = changed(stick, (files) =>
      files.set(pathOf(files, "drivers/"), FASTER.slice().fill(1, 99)),
    );
    expect(unwrap(await agent.importStick(other))).toMatchObject({ code: "DOWNLOAD_CORRUPT" });
    expect(await runsRight(agent)).toBe(true);
  });

  test("with metadata that nobody signed installs nothing", async () => {
    const { agent, stick } = await opened();
    const forged = changed(stick, (files) => files.set("timestamp.json", utf8("{}")));
    expect(await agent.importStick(forged)).toMatchObject({ ok: false });
    const without = changed(stick, (files) => files.delete(pathOf(files, "snapshot.json")));
    expect(await agent.importStick(without)).toMatchObject({ ok: false, code: "NOT_FOUND" });
  });

  test("that forgot the bundle waits for the next one", async () => {
    const { agent, stick } = await opened();
    const without = changed(stick, (files) => files.delete(pathOf(files, "drivers/")));
    expect(unwrap(await agent.importStick(without))).toMatchObject({ kind: "waiting" });
    expect(unwrap(await agent.importStick(stick))).toMatchObject({ kind: "committed" });
  });

  test.each([
    ["nothing", () => new Uint8Array(0)],
    ["another file", () => utf8("RTLBNDL1 and more of it")],
    ["a cut end", (stick: Uint8Array) => stick.subarray(0, -1)],
    ["more than it lists", (stick: Uint8Array) => Buffer.concat([stick, utf8("x")])],
  ])("that is %s is STICK_MALFORMED", async (_name, damage) => {
    const { agent, stick } = await opened();
    const imported = await agent.importStick(new Uint8Array(damage(stick)));
    expect(imported).toMatchObject({ ok: false, code: "STICK_MALFORMED" });
  });
});
