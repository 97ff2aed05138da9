/**
 * Who may say what, over a real server whose keys lie in a hardware module, the command line of the key holders,
 * and a real device: delegated roles, their bounds and revocation, vendors' kernels, policies, epochs, recalls.
 */
import { cp, mkdir, mkdtemp, readdir, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "@jest/globals";
import { authorKeySet } from "../../cli/keys/director-keys.ts";
import { newestTargets } from "../../cli/keys/offline-folder.ts";
import { signNext } from "../../cli/keys/sign-next.ts";
import { signTopTarget } from "../../cli/keys/top-targets.ts";
import { createAgent, type Agent } from "../../device-agent/index.ts";
import { socNamed } from "../../device-agent/soc/index.ts";
import { present } from "../../protocol/base/assert.ts";
import { brand, instant, type DeviceId, type ModelId } from "../../protocol/base/brand.ts";
import { utf8 } from "../../protocol/base/bytes.ts";
import { unwrap } from "../../protocol/base/result.ts";
import { packBundle, readBundle } from "../../protocol/bundle/index.ts";
import { sha256Hex } from "../../protocol/crypto/index.ts";
import { directorKeysPath } from "../../protocol/metadata/index.ts";
import { modelOf } from "../support/test-agent.ts";
import { textTarget } from "../support/signed-metadata.ts";
import { retile, type Ended } from "../support/command-line.ts";
import { copyDriverBundle } from "../support/copy-driver.ts";
import { testStatement } from "../support/listed-drivers.ts";
import { fakeHsm } from "../support/server/fake-hsm.ts";
import { startTestServer, type TestServer } from "../support/server/server.ts";

const hsm = fakeHsm();
const folder = await mkdtemp(join(tmpdir(), "retile-trust-"));
const KEYS = join(folder, "keys");
const KERNEL = utf8("a vendor's kernel");
const FAMILY_ROLE = "drivers-sm8650";
let server: TestServer;
let agent: Agent;

beforeAll(async () => {
  server = await startTestServer({ vault: hsm });
  await operate("keys", "init", "--offline", KEYS, "--families", "sm8350,sm8650");
  await publishBundle("1.0.0", bundleOf("1.0.0"));
  agent = createAgent({
    directory: join(folder, "device"),
    tenant: server.tenant,
    device: brand<DeviceId>("phone-1"),
    soc: present(socNamed("sm8650"), "sm8650"),
    serverUrl: server.url,
  });
  const root = new Uint8Array(await readFile(join(KEYS, "metadata", "root.json")));
  unwrap(await agent.init(bundleOf("1.0.0"), root));
  const uses = { uses: 1, validForSeconds: 600 };
  const { token } = unwrap(await server.operator.createEnrolmentToken(uses));
  unwrap(await agent.enrol(token));
  unwrap(await agent.registerModel(modelOf(brand<ModelId>("identity"))));
}, 60_000);

afterAll(async () => {
  await server.remove();
  await rm(folder, { recursive: true });
});

/** A command with the server's address and an administrator's token. */
function operate(...args: string[]): Promise<Ended> {
  return retile(...args, "--server-url", server.url, "--server-token", server.token);
}

/** A command of the key holders, who need no server. */
function hold(command: string, ...args: string[]): Promise<Ended> {
  return retile("keys", command, ...args, "--offline", KEYS);
}

function errorOf({ exit, report }: Ended): unknown {
  return [exit, report.summary.error?.code ?? "ok"];
}

function bundleOf(version: string, kernel?: Uint8Array): Uint8Array {
  const made = copyDriverBundle({ version, copies: 5 });
  if (!kernel) return made;
  const { manifest, files } = unwrap(readBundle(made));
  const { abi, isa, socs, builtFrom } = manifest;
  const more = new Map([...files, ["kernels/add.hvx", kernel]]);
  return packBundle(more, { version, abi, isa, socs, builtFrom, kernels: ["kernels/add.hvx"] });
}

async function publishBundle(version: string, bundle: Uint8Array): Promise<Ended> {
  const file = join(folder, `${version}.bundle`);
  await writeFile(file, bundle);
  await writeFile(`${file}.provenance.json`, JSON.stringify(testStatement(bundle)));
  return operate("release", "publish", "--bundle", file, "--offline", KEYS);
}

/** Rolls a version out to the one device, and what its next poll comes to. */
async function offer(version: string, previousVersion = "1.0.0") {
  const stages = [{ percent: 100, minimumDevices: 1 }];
  const gate = { nonInferiorityMargin: 0.9, accuracyFloorDb: 1, failureBudget: 1 };
  const id = `to-${version}`;
  const policy = { ...gate, minimumDevices: 1, confidence: 0.9 };
  unwrap(
    await server.operator.createRollout({ id, version, previousVersion, stages, gate: policy }),
  );
  unwrap(await server.operator.act(id, { action: "start", because: "test" }));
  return unwrap(await agent.poll());
}

/** Signs as whoever holds this folder, whatever the role may say, and hands it in. */
async function forge(holder: string, role: string, path: string): Promise<Ended> {
  const signing = { folder: holder, demo: true, now: instant(Date.now()) };
  const newest = unwrap(await newestTargets(holder, role));
  const document = { ...newest, targets: { ...newest.targets, [path]: textTarget("evil") } };
  const next = { role, document, versionBefore: document.version };
  expect(unwrap(await signNext(signing, next)).isComplete).toBe(true);
  return operate("keys", "publish", "--offline", holder);
}

/** All that somebody holds who stole the keys of one role. */
async function thiefOf(role: string, name: string): Promise<string> {
  const thief = join(folder, name);
  await mkdir(thief);
  await cp(join(KEYS, "metadata"), join(thief, "metadata"), { recursive: true });
  for (const number of [1, 2]) {
    const file = `${role}-${number}.key.json`;
    await cp(join(KEYS, file), join(thief, file));
  }
  return thief;
}

test("the server signs with keys in a hardware module that it names by handle", () => {
  expect(new Set(hsm.uses)).toEqual(new Set(["slot-0/snapshot", "slot-0/timestamp"]));
});

test("a device installs what its family's role lists", async () => {
  expect((await publishBundle("1.1.0", bundleOf("1.1.0"))).report.rows).toMatchObject([
    { role: "drivers-sm8350", version: 3, complete: true },
    { role: FAMILY_ROLE, version: 3, complete: true },
  ]);
  expect(await offer("1.1.0")).toMatchObject({ kind: "committed", to: { version: "1.1.0" } });
  expect(hsm.uses).toContain("slot-0/director");
});

test("a family's keys cannot publish for another family", async () => {
  const thief = await thiefOf(FAMILY_ROLE, "family-thief");
  const ended = await forge(thief, FAMILY_ROLE, "drivers/sm8350/9.9.9");
  expect(errorOf(ended)).toEqual([1, "TARGET_PATH_NOT_DELEGATED"]);
});

test("a vendor's keys cannot publish drivers", async () => {
  const delegated = await hold("delegate", "kernels-acme");
  expect(delegated.report.rows).toMatchObject([
    { role: "targets", version: 2, complete: true },
    { role: "kernels-acme", version: 1, complete: true },
  ]);
  expect((await operate("keys", "publish", "--offline", KEYS)).exit).toBe(0);
  const thief = await thiefOf("kernels-acme", "vendor-thief");
  const ended = await forge(thief, "kernels-acme", "drivers/sm8650/9.9.9");
  expect(errorOf(ended)).toEqual([1, "TARGET_PATH_NOT_DELEGATED"]);
});

test("stolen keys of a family end with their rotation; the family goes on with the new ones", async () => {
  const thief = await thiefOf(FAMILY_ROLE, "late-thief");
  const rotated = await hold("rotate", FAMILY_ROLE);
  expect(rotated.report.rows).toMatchObject([{ role: "targets" }, { role: FAMILY_ROLE }]);
  expect((await operate("keys", "publish", "--offline", KEYS)).exit).toBe(0);
  // The thief builds on what is published, as far as it can be signed.
  const published = join(KEYS, "metadata", `${FAMILY_ROLE}.json`);
  await cp(published, join(thief, "metadata", `${FAMILY_ROLE}.json`));
  const ended = await forge(thief, FAMILY_ROLE, "drivers/sm8650/9.9.9");
  expect(errorOf(ended)).toEqual([1, "TARGETS_BAD_SIGNATURES"]);
  const listed = await operate("keys", "list", "--offline", KEYS);
  const family = listed.report.rows.filter((row: { role: string }) => row.role === FAMILY_ROLE);
  expect(family).toMatchObject([{ held: true }, { held: true }]);
  expect((await publishBundle("1.2.0", bundleOf("1.2.0"))).exit).toBe(0);
  expect(await offer("1.2.0")).toMatchObject({ kind: "committed", to: { version: "1.2.0" } });
});

test("a driver names its vendor's kernels, and is installed only while the vendor stands by them", async () => {
  const pack = join(folder, "pack");
  await mkdir(pack);
  await writeFile(join(pack, "add.hvx"), KERNEL);
  const signed = ["--vendor", "acme", "--offline", KEYS];
  const packed = await operate(
    "release",
    "publish-kernels",
    pack,
    ...signed,
    "--families",
    "sm8650",
  );
  expect(packed.report.summary).toMatchObject({ vendor: "acme", kernels: 1, published: true });
  expect((await publishBundle("1.3.0", bundleOf("1.3.0", KERNEL))).exit).toBe(0);
  expect((await operate("release", "show", "1.3.0")).report.summary).toMatchObject({
    verified: true,
  });
  expect(await offer("1.3.0")).toMatchObject({ kind: "committed", to: { version: "1.3.0" } });
  expect((await publishBundle("1.4.0", bundleOf("1.4.0", KERNEL))).exit).toBe(0);
  expect((await hold("retire", "kernels-acme")).exit).toBe(0);
  expect((await operate("keys", "publish", "--offline", KEYS)).exit).toBe(0);
  expect(await offer("1.4.0")).toMatchObject({ kind: "refused", code: "KERNEL_DISAGREES" });
  const shown = await operate("release", "show", "1.4.0");
  expect([shown.exit, shown.report.rows]).toMatchObject([
    1,
    [
      { family: "sm8350", origin: "verified" },
      { family: "sm8650", origin: "KERNEL_DISAGREES" },
    ],
  ]);
});

test("a family's holder with a folder of their own draws keys, fetches what is published, and releases", async () => {
  const theirs = join(folder, "family");
  const role = "drivers-sm8350";
  const drawn = await retile("keys", "create", role, "--offline", theirs);
  const rotated = await hold("rotate", role, "--public", drawn.report.summary.file);
  expect(rotated.report.summary).toMatchObject({ complete: false });
  const [, draft] = rotated.report.rows;
  expect(draft).toMatchObject({ role, signatures: "0 of 2", complete: false });
  const early = await operate("keys", "publish", "--offline", KEYS);
  expect(errorOf(early)).toEqual([1, "DRAFT_PENDING"]);
  const authority = ["--authority", join(KEYS, "metadata", "targets.json")];
  const signed = await retile("keys", "sign", draft.file, "--offline", theirs, ...authority);
  expect(signed.report.rows).toMatchObject([{ role, signatures: "2 of 2", complete: true }]);
  expect((await hold("sign", draft.file)).exit).toBe(0);
  expect((await operate("keys", "publish", "--offline", KEYS)).exit).toBe(0);
  const file = join(folder, "1.4.5.bundle");
  await writeFile(file, bundleOf("1.4.5"));
  await writeFile(`${file}.provenance.json`, JSON.stringify(testStatement(bundleOf("1.4.5"))));
  const publish = ["release", "publish", "--bundle", file, "--offline", theirs];
  expect(errorOf(await operate(...publish))).toEqual([1, "KEYS_MISSING"]);
  const root = join(KEYS, "metadata", "1.root.json");
  await cp(join(KEYS, "metadata", "root.json"), root);
  const fetched = await operate("keys", "fetch", "--offline", theirs, "--root", root);
  expect(fetched.report.summary).toMatchObject({ roles: 4 });
  const published = await operate(...publish);
  expect(published.report.summary).toMatchObject({ published: true, left: ["sm8650"] });
  expect((await operate("keys", "fetch", "--offline", KEYS)).report.summary.fresh).toBe(1);
});

test("what a policy revokes is assigned to nobody any more, and the rollout says why", async () => {
  expect((await publishBundle("1.5.0", bundleOf("1.5.0"))).exit).toBe(0);
  const floor = ["--security-floor", "1.0.0"];
  const signed = await hold("policy", "sm8650", "--revoke", "1.5.0", ...floor);
  expect(signed.report.summary).toMatchObject({ complete: true });
  expect((await operate("keys", "publish", "--offline", KEYS)).exit).toBe(0);
  expect(await offer("1.5.0")).toMatchObject({ kind: "held", code: "NOT_COMPATIBLE" });
  const shown = await operate("rollout", "show", "to-1.5.0");
  expect(shown.report.summary.forbidden).toMatchObject([
    { hardwareClass: "sm8650", code: "IMAGE_REVOKED", devices: 1 },
  ]);
});

test("a module out of order stops what it should sign, and nothing else; in order again, all goes on", async () => {
  hsm.broken.add("snapshot");
  const ended = await publishBundle("1.6.0", bundleOf("1.6.0"));
  expect(errorOf(ended)).toEqual([1, "SIGNER_UNAVAILABLE"]);
  hsm.broken.delete("snapshot");
  expect((await operate("keys", "publish", "--offline", KEYS)).exit).toBe(0);
  hsm.broken.add("director");
  const id = { id: "to-1.6.0", version: "1.6.0", previousVersion: "1.0.0" };
  const gate = { nonInferiorityMargin: 0.9, accuracyFloorDb: 1, failureBudget: 1 };
  const stages = [{ percent: 100, minimumDevices: 1 }];
  const policy = { ...gate, minimumDevices: 1, confidence: 0.9 };
  unwrap(await server.operator.createRollout({ ...id, stages, gate: policy }));
  unwrap(await server.operator.act("to-1.6.0", { action: "start", because: "test" }));
  expect(await agent.poll()).toMatchObject({ ok: false, code: "SERVER_BUSY" });
  hsm.broken.delete("director");
  expect(unwrap(await agent.poll())).toMatchObject({ kind: "committed", to: { version: "1.6.0" } });
});

/** Descriptors of cached programs that a driver compiled. */
async function programsOf(driver: string): Promise<string[]> {
  const programs = join(folder, "device", "programs");
  const names = await readdir(programs);
  const texts = await Promise.all(names.map((name) => readFile(join(programs, name), "utf8")));
  return texts.filter((text) => JSON.parse(text).driver === driver);
}

test("after a new epoch a recall is obeyed: the device leaves the version and its programs, and runs on", async () => {
  const signed = await operate("keys", "director", "--new-epoch", "--offline", KEYS);
  expect(signed.report.summary).toMatchObject({ epoch: 2, epochBefore: 1, complete: true });
  expect((await operate("keys", "publish", "--offline", KEYS)).exit).toBe(0);
  const recalled = await operate("release", "recall", "1.6.0", "--because", "it burns batteries");
  expect(recalled.report.summary).toMatchObject({ version: "1.6.0", bundles: 1 });
  const sha256 = sha256Hex(bundleOf("1.6.0"));
  expect(await programsOf(sha256)).not.toEqual([]);
  expect(unwrap(await agent.poll())).toMatchObject({
    ...{ kind: "recalled", from: { version: "1.6.0" }, because: "it burns batteries" },
  });
  const { current } = unwrap(await agent.status());
  expect(current.version).not.toBe("1.6.0");
  expect(await programsOf(sha256)).toEqual([]);
  expect(await readdir(join(folder, "device", "store"))).not.toContain(sha256);
  const inputs = new Map([["x", new Float32Array(128).fill(1)]]);
  expect(await agent.run(brand<ModelId>("identity"), inputs)).toMatchObject({ ok: true });
  expect(unwrap(await agent.poll())).toMatchObject({ kind: "held" });
});

test("a key set of an epoch that is over is not published, not even with the targets keys", async () => {
  const thief = await thiefOf("targets", "targets-thief");
  const signing = { folder: thief, demo: true, now: instant(Date.now()) };
  const publicKey = unwrap(await hsm.publicKey("director"));
  const { tenant } = server;
  const old = authorKeySet({ tenant, epoch: 1, publicKey, now: signing.now });
  unwrap(await signTopTarget(signing, directorKeysPath(tenant), old));
  const ended = await operate("keys", "publish", "--offline", thief);
  expect(errorOf(ended)).toEqual([1, "DIRECTOR_KEYS_ROLLBACK"]);
});

test("what a retired role listed is offered to nobody any more", async () => {
  expect((await hold("retire", FAMILY_ROLE)).exit).toBe(0);
  expect((await operate("keys", "publish", "--offline", KEYS)).exit).toBe(0);
  const created = await operate("rollout", "create", "1.6.0", "--id", "late");
  expect(errorOf(created)).toEqual([1, "RELEASE_NOT_PUBLISHED"]);
  expect(unwrap(await agent.poll())).toMatchObject({ kind: "held" });
  const shown = await operate("release", "show", "1.6.0");
  expect(shown.report.rows).toContainEqual(
    expect.objectContaining({ family: "sm8650", origin: "TARGET_NOT_FOUND" }),
  );
});

test("nobody but the operators did any of it: the log is whole and explains every order", async () => {
  const { exit, report } = await operate("audit", "assignments");
  const { items } = unwrap(await server.operator.audit());
  expect([exit, report.rows]).toEqual([0, []]);
  expect(report.summary.looked).toBe(items.length);
});
