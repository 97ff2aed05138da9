/** The command line against a real server: start, ceremony, releases, a rollout, and what goes wrong. */
import { afterAll, beforeAll, expect, test } from "@jest/globals";
import { spawn, spawnSync } from "node:child_process";
import type { ChildProcess } from "node:child_process";
import { once } from "node:events";
import { chmod, mkdtemp, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { fileURLToPath } from "node:url";
import { SOCS } from "../../device-agent/soc/index.ts";
import { retile, type Ended } from "../support/command-line.ts";

const ROOT = fileURLToPath(new URL("../..", import.meta.url));
const START_MS_MAX = 60_000;
/** Two bundles are compressed and a delta between them is sought, however busy the machine is. */
const PUBLISH_MS_MAX = 180_000;

let folder = "";
let url = "";
let server: ChildProcess;

const inFolder = (name: string): string => join(folder, name);

/** With the server's address and the token that it left in the data folder. */
function operate(...args: string[]): Promise<Ended> {
  return retile(...args, "--server-url", url, "--data-dir", folder);
}

function serverArguments(...more: string[]): string[] {
  const flags = ["--server-port", "0", "--data-dir", folder, "--json", ...more];
  return [join(ROOT, "bin/retile.mjs"), "server", ...flags];
}

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "retile-cli-"));
  // Where root runs the tests, the database's user must pass: else its files lie elsewhere and stay.
  await chmod(folder, 0o711);
  server = spawn(process.execPath, serverArguments(), { stdio: ["ignore", "pipe", "ignore"] });
  const [line] = await once(createInterface(server.stdout ?? process.stdin), "line");
  url = JSON.parse(line).summary.url;
}, START_MS_MAX);

afterAll(async () => {
  server.kill("SIGKILL");
  await rm(folder, { recursive: true, force: true });
});

test("a release cannot be published before the ceremony", async () => {
  const offline = inFolder("offline");
  const ended = await operate("release", "publish", "--release", "1.0.0", "--offline", offline);
  expect([ended.exit, ended.report.summary.error.code]).toEqual([1, "NO_ROOT_YET"]);
});

test("the ceremony signs now and publishes later; its keys are listed with their expiry", async () => {
  const offline = inFolder("offline");
  const signed = await operate("keys", "init", "--offline", offline, "--no-publish");
  expect(signed.report.summary).toMatchObject({ demo: true, published: false });
  const published = await operate("keys", "publish", "--offline", offline);
  expect(published.report.summary.versions).toMatchObject({ root: 1, targets: 1 });
  const { report } = await operate("keys", "list", "--offline", offline);
  const held = report.rows.filter((row: { held: boolean | null }) => row.held === true);
  expect(held.map((row: { role: string }) => row.role)).toEqual([
    ...["root", "root", "root", "targets", "targets"],
    ...SOCS.flatMap(({ name }) => [`drivers-${name}`, `drivers-${name}`]),
  ]);
  expect(report.rows.map((row: { role: string }) => row.role)).toContain("director");
});

test("keys that exist are never written over", async () => {
  const offline = inFolder("offline");
  const before = await readFile(join(offline, "root-1.key.json"), "utf8");
  const ended = await operate("keys", "init", "--offline", offline, "--no-publish");
  expect([ended.exit, ended.report.summary.error.code]).toEqual([1, "KEYS_EXIST"]);
  expect(await readFile(join(offline, "root-1.key.json"), "utf8")).toBe(before);
});

test(
  "releases are built, signed and published once",
  async () => {
    const publish = (version: string): Promise<Ended> =>
      operate("release", "publish", "--release", version, "--offline", inFolder("offline"));
    const first = (await publish("1.0.0")).report;
    expect(first.summary).toMatchObject({ version: "1.0.0", published: true, left: [] });
    expect(first.rows).toMatchObject(
      SOCS.map(({ name }) => ({ role: `drivers-${name}`, version: 2, signatures: "2 of 2" })),
    );
    const again = (await publish("1.0.0")).report;
    expect([again.rows, again.summary.published]).toEqual([[], false]);
    expect((await publish("1.1.0")).report.summary).toMatchObject({ published: true });
    const { report } = await operate("release", "list");
    expect(report.rows.map((row: { version: string }) => row.version)).toEqual(["1.0.0", "1.1.0"]);
  },
  PUBLISH_MS_MAX,
);

test("a published release says where it comes from, as a device verifies it", async () => {
  const { exit, report } = await operate("release", "show", "1.1.0");
  expect(exit).toBe(0);
  expect(report.rows).toMatchObject(SOCS.map(({ name }) => ({ family: name, origin: "verified" })));
  expect(report.summary).toMatchObject({ verified: true, recipe: "releases-v1.1.0" });
  expect(report.summary.toolchain).toContain(`node ${process.versions.node}`);
  const unknown = await operate("release", "show", "7.0.0");
  expect([unknown.exit, unknown.report.summary.error.code]).toEqual([1, "RELEASE_UNKNOWN"]);
});

test("a bundle that was built to a file carries its statement along, and is not taken without", async () => {
  const built = await retile("driver", "build", "--release", "1.1.0", "--out", inFolder("built"));
  const { file, provenance } = built.report.rows[0];
  const inspected = await retile("release", "inspect", file);
  expect(inspected.report.summary).toMatchObject({ version: "1.1.0", recipe: "releases-v1.1.0" });
  const publish = ["release", "publish", "--bundle", file, "--offline", inFolder("offline")];
  expect((await operate(...publish)).report.summary).toMatchObject({ published: false });
  await rm(provenance);
  const ended = await operate(...publish);
  expect([ended.exit, ended.report.summary.error.code]).toEqual([1, "PROVENANCE_MISSING"]);
});

test("a rollout is created from the release before, started, shown and paused", async () => {
  const created = await operate("rollout", "create", "1.1.0", "--stages", "10,100");
  expect(created.report.rows).toMatchObject([{ id: "to-1.1.0", from: "1.0.0", state: "draft" }]);
  const started = await operate("rollout", "start", "to-1.1.0");
  expect(started.report.rows).toMatchObject([{ state: "running", stage: "1 of 2, 10 %" }]);
  const paused = await operate("rollout", "pause", "to-1.1.0", "--because", "lunch");
  expect(paused.exit).toBe(0);
  const { summary } = (await operate("rollout", "show", "to-1.1.0")).report;
  expect(summary).toMatchObject({ state: "paused", because: "lunch" });
  expect(summary.stages).toMatchObject([{ percent: 10, standing: "paused" }, { percent: 100 }]);
});

test("what a rollout may not do is refused with the server's code", async () => {
  const again = await operate("rollout", "start", "to-1.1.0");
  expect([again.exit, again.report.summary.error.code]).toEqual([1, "ROLLOUT_ACTION_NOT_ALLOWED"]);
  const unknown = await operate("rollout", "create", "7.0.0");
  expect([unknown.exit, unknown.report.summary.error.code]).toEqual([1, "RELEASE_NOT_PUBLISHED"]);
});

test("a wrong token never gets to work", async () => {
  const ended = await operate("rollout", "list", "--server-token", "operator~default~0~0");
  expect([ended.exit, ended.report.summary.error.code]).toEqual([2, "TOKEN_INVALID"]);
});

test("SIGTERM ends the server well; then its demo keys are refused in production", async () => {
  server.kill("SIGTERM");
  const [code] = await once(server, "exit");
  expect(code).toBe(0);
  const down = await operate("release", "list");
  expect([down.exit, down.report.summary.error.code]).toEqual([2, "SERVER_DOWN"]);
  const ended = spawnSync(process.execPath, serverArguments("--server-production"));
  const { error } = JSON.parse(`${ended.stdout}`).summary;
  expect([ended.status, error.code]).toEqual([2, "DEMO_KEY_IN_PRODUCTION"]);
});
