/** A device and its operator by the command line alone, against a real server with real drivers. */
import { cp, mkdtemp, readdir, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "@jest/globals";
import { retile, type Ended } from "../support/command-line.ts";
import { startTestServer, type TestServer } from "../support/server/server.ts";
import { smallModel } from "../unit/cli/model/small-model.ts";

let folder = "";
let server: TestServer;
const at = (name: string): string => join(folder, name);

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "retile-device-"));
  server = await startTestServer();
  await writeFile(at("model.onnx"), smallModel());
  await done(operate("keys", "init", "--offline", at("offline")));
  for (const version of ["1.0.0", "1.1.0"]) {
    const release = ["--release", version, "--offline", at("offline")];
    await done(operate("release", "publish", ...release));
    await done(retile("driver", "build", "--release", version, "--out", folder));
  }
  const root = await fetch(`${server.url}/repository/metadata/1.root.json`);
  await writeFile(at("root.json"), new Uint8Array(await root.arrayBuffer()));
});

afterAll(async () => {
  await server.remove();
  await rm(folder, { recursive: true, force: true });
});

function operate(...args: string[]): Promise<Ended> {
  return retile(...args, "--server-url", server.url, "--server-token", server.token);
}

/** Acts on the device of that name; with `url`, it has a network. */
function agent(name: string, command: string, ...args: string[]): Promise<Ended> {
  return retile("agent", command, ...args, "--data-dir", at(name), "--server-url", server.url);
}

async function done(command: Promise<Ended>): Promise<Ended["report"]> {
  const { exit, report } = await command;
  expect({ exit, error: report?.summary?.error ?? null }).toEqual({ exit: 0, error: null });
  return report;
}

async function codeOf(command: Promise<Ended>): Promise<string> {
  return (await command).report.summary.error.code;
}

/** Factory driver 1.0.0, enrolled, one model. */
async function enrolled(name: string): Promise<void> {
  const factory = at("retile-htp-driver-1.0.0.bundle");
  const root = at("root.json");
  await done(agent(name, "init", "--factory", factory, "--root", root, "--device", name));
  const { token } = (await done(operate("devices", "token"))).summary;
  await done(agent(name, "enrol", "--token", token));
  await done(agent(name, "register", at("model.onnx"), "--name", "small"));
}

async function findings(): Promise<string[]> {
  const { rows } = (await operate("audit", "assignments")).report;
  return rows.map(({ action, subject }: Record<string, string>) => `${action} ${subject}`);
}

describe("a device without a network", () => {
  test("is given a stick, installs from it, and its reports come home once", async () => {
    await enrolled("island");
    // Once it had a network, or the server would not know what it is.
    await agent("island", "poll");
    expect(await codeOf(operate("release", "export", "island", "--out", at("stick")))).toBe(
      "NOTHING_TO_ASSIGN",
    );
    await done(operate("rollout", "create", "1.1.0", "--stages", "100:1", "--start"));
    const days = ["--days", "20"];
    const stick = (
      await done(operate("release", "export", "island", "--out", at("stick"), ...days))
    ).summary;
    expect(stick).toMatchObject({ device: "island", version: "1.1.0" });
    // As long as the order: the timestamp on it ends tomorrow.
    expect(Date.parse(stick.validUntil)).toBeGreaterThan(Date.now() + 19 * 24 * 3600 * 1000);
    const imported = await done(agent("island", "import", at("stick"), "--reports", at("reports")));
    expect(imported.summary).toMatchObject({ outcome: "committed" });
    const first = (await done(operate("reports", "import", at("reports")))).summary;
    const again = (await done(operate("reports", "import", at("reports")))).summary;
    expect(again).toEqual(first);
    const shown = (await done(operate("rollout", "show", "to-1.1.0"))).summary;
    expect(JSON.stringify(shown)).toContain("1.1.0");
  });

  test("takes neither the same stick twice nor another device's", async () => {
    expect(await codeOf(agent("island", "import", at("stick")))).toBe("ASSIGNMENT_REPLAYED");
    await enrolled("other");
    expect(await codeOf(agent("other", "import", at("stick")))).toBe("ASSIGNMENT_WRONG_DEVICE");
  });

  test("writes its reports for a stick also later, and none where there are none", async () => {
    const { bytes } = (await done(agent("island", "export-reports", at("later")))).summary;
    expect(bytes).toBeGreaterThan(100);
    await agent("island", "poll");
    expect((await done(agent("island", "export-reports", at("none")))).summary.bytes).toBe(0);
  });
});

describe("an operator sees", () => {
  test("reports that are handed in again after the device knew of them", async () => {
    expect(await codeOf(operate("reports", "import", at("later")))).toBe("REPORTS_REPLAYED");
    expect(await findings()).toContain("report.replayed island");
  });

  test("a device that was copied, when the copy speaks", async () => {
    await enrolled("twin");
    await cp(at("twin"), at("copy"), { recursive: true });
    // The first is updated, tells of it, and says that it knows the server to have heard; the copy remembers nothing.
    await done(agent("twin", "poll"));
    await done(agent("twin", "poll"));
    expect(await codeOf(agent("copy", "poll"))).toBe("SERVER_REFUSED");
    expect(await findings()).toContain("device.cloned twin");
  });
});

describe("a recall", () => {
  test("takes the device back, and no program of the recalled version is left", async () => {
    const before = (await done(agent("island", "status"))).summary;
    expect(before).toMatchObject({ current: "1.1.0", previous: "1.0.0" });
    await done(operate("release", "recall", "1.1.0", "--because", "it burns batteries"));
    const polled = (await done(agent("island", "poll"))).summary;
    expect(polled).toMatchObject({ outcome: "recalled" });
    const after = (await done(agent("island", "status"))).summary;
    expect(after).toMatchObject({ current: "1.0.0", previous: null });
    expect((await readdir(at("island/agent/programs"))).length).toBe(1);
    expect((await readdir(at("island/agent/store"))).length).toBe(1);
    expect((await agent("island", "poll")).report.summary).toMatchObject({ outcome: "held" });
  });

  test("reaches a device without a network by stick, and nobody is brought the version any more", async () => {
    const out = ["--out", at("recall")];
    const stick = (await done(operate("release", "export", "twin", ...out))).summary;
    expect(stick).toMatchObject({ version: null, recalls: true });
    const imported = (await done(agent("twin", "import", at("recall")))).summary;
    expect(imported).toMatchObject({ outcome: "recalled" });
    expect((await done(agent("twin", "status"))).summary).toMatchObject({ current: "1.0.0" });
  });
});
