/** The ceremony's later days: sealed keys, holders that sign one after the other, rotation, revocation, delegated roles. */
import { cp, mkdtemp, readdir, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, expect, test } from "@jest/globals";
import { expiryCalendar } from "../../../../cli/keys/calendar.ts";
import { holdCeremony } from "../../../../cli/keys/ceremony.ts";
import { changeKeys, renewRoles, type KeyChange } from "../../../../cli/keys/change-keys.ts";
import { signKeySet } from "../../../../cli/keys/director-keys.ts";
import { signPolicy, type PolicyChange } from "../../../../cli/keys/hardware-policy.ts";
import { createKeys, keysThere, readPublicKeys } from "../../../../cli/keys/key-files.ts";
import { newestTargets, readDocument, readDrafts } from "../../../../cli/keys/offline-folder.ts";
import { readOutgoing } from "../../../../cli/keys/outgoing.ts";
import { signRelease } from "../../../../cli/keys/release-targets.ts";
import { signFile } from "../../../../cli/keys/sign-file.ts";
import { brand, instant, type TenantId } from "../../../../protocol/base/brand.ts";
import { present } from "../../../../protocol/base/assert.ts";
import { unwrap } from "../../../../protocol/base/result.ts";
import { keyIdOf, sha256Hex } from "../../../../protocol/crypto/index.ts";
import {
  readDirectorKeys,
  readHardwarePolicy,
  TrustedSet,
} from "../../../../protocol/metadata/index.ts";
import { publishRepository, startRepository } from "../../../../server/release/index.ts";
import { testStatement } from "../../../support/listed-drivers.ts";
import { KEYS, NOW, testSigner } from "../../../support/signed-metadata.ts";
import { testBundle } from "../../../support/server/offline.ts";
import { codeOf } from "../../../support/trusted-sets.ts";

const CHEAP = { N: 1024, r: 8, p: 1 };
const TENANT = brand<TenantId>("acme");
const FAMILY_ROLE = "drivers-sm8650";
const folders: string[] = [];
afterAll(async () => {
  for (const folder of folders) await rm(folder, { recursive: true });
});

async function newFolder(): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), "retile-keys-"));
  folders.push(folder);
  return folder;
}

/** A ceremony for one family. */
async function ceremony(families = ["sm8650"]) {
  const folder = await newFolder();
  const online = {
    snapshot: KEYS.snapshot.publicKey,
    timestamp: KEYS.timestamp.publicKey,
    director: KEYS.director.publicKey,
  };
  const signing = { folder, demo: true, now: NOW };
  unwrap(await holdCeremony({ ...signing, tenant: TENANT, families }, online));
  const root = present(await readDocument(folder, "root"), "root");
  const roles = new Map([["root", 1]]);
  const state = unwrap(startRepository(root, NOW));
  return { folder, signing, root, server: { state, roles } };
}

/** Publishes what the folder has that the server has not, as a server would: the code of it. */
async function publish({ folder, server }: Awaited<ReturnType<typeof ceremony>>): Promise<string> {
  const { roots, targets, contents } = unwrap(await readOutgoing(folder, server.roles));
  const byHash = new Map(contents.map((bytes) => [sha256Hex(bytes) as string, bytes]));
  const listed = new Map<string, Uint8Array>();
  for (const role of targets.keys()) {
    for (const [path, { hashes }] of Object.entries(
      unwrap(await newestTargets(folder, role)).targets,
    )) {
      const bytes = byHash.get(hashes["sha256"] ?? "");
      if (bytes) listed.set(path, bytes);
    }
  }
  const ports = { snapshotSigner: KEYS.snapshot, timestampSigner: KEYS.timestamp, now: NOW };
  const done = await publishRepository(
    server.state,
    { roots, targets, contents: listed },
    { ...ports, hasFile: () => Promise.resolve(true) },
  );
  if (!done.ok) return done.code;
  server.state = done.value.state;
  server.roles.set("root", done.value.versions.root);
  for (const [role, bytes] of targets) {
    server.roles.set(role, JSON.parse(Buffer.from(bytes).toString()).signed.version);
  }
  return "ok";
}

async function changed(held: Awaited<ReturnType<typeof ceremony>>, change: KeyChange) {
  const signed = unwrap(await changeKeys(held.signing, change));
  return signed.map(({ role, version, isComplete }) => `${role} ${version} ${isComplete}`);
}

test("a sealed key opens with its passphrase alone", async () => {
  const folder = await newFolder();
  const wanted = { folder, role: "root", count: 1, demo: false, cost: CHEAP } as const;
  expect(codeOf(await createKeys(wanted))).toBe("PASSPHRASE_MISSING");
  const [made] = unwrap(await createKeys({ ...wanted, passphrase: "open sesame" }));
  const [read] = unwrap(await keysThere({ folder, passphrase: "open sesame" }, "root"));
  expect(read?.keyId).toBe(made?.keyId);
  expect(codeOf(await keysThere({ folder, passphrase: "open barley" }, "root"))).toBe(
    "PASSPHRASE_WRONG",
  );
  expect(codeOf(await keysThere({ folder }, "root"))).toBe("PASSPHRASE_MISSING");
  expect(await readFile(join(folder, "root-1.key.json"), "utf8")).not.toContain("seed");
});

test("rotated and revoked root keys make the next roots, which a device follows", async () => {
  const held = await ceremony();
  const device = unwrap(TrustedSet.start(held.root, NOW));
  expect(await changed(held, { kind: "rotate", role: "root" })).toEqual(["root 2 true"]);
  expect(codeOf(device.updateRoot(present(await readDocument(held.folder, "root"), "2")))).toBe(
    "ok",
  );
  const [keyId = ""] = device.root.roles.root.keyids;
  expect(await changed(held, { kind: "revoke", keyId })).toEqual(["root 3 true"]);
  expect(codeOf(device.updateRoot(present(await readDocument(held.folder, "root"), "3")))).toBe(
    "ok",
  );
  expect(device.root.roles.root.keyids).not.toContain(keyId);
  expect(await readdir(join(held.folder, "metadata"))).toEqual(
    expect.arrayContaining(["1.root.json", "2.root.json", "root.json"]),
  );
  expect(await publish(held)).toBe("ok");
  await writeFile(join(held.folder, "note.txt"), "");
  const due = unwrap(await expiryCalendar(held.folder, { now: instant(NOW), withinDays: 100 }));
  expect(due.find(({ document }) => document === "targets.json")).toMatchObject({ due: true });
  expect(due.find(({ document }) => document === "root.json")).toMatchObject({ due: false });
  expect(due.map(({ document }) => document)).not.toContain("1.root.json");
});

test("fresh targets keys sign targets anew, in the same publication as the root that lists them", async () => {
  const held = await ceremony();
  expect(await publish(held)).toBe("ok");
  expect(await changed(held, { kind: "rotate", role: "targets" })).toEqual([
    ...["root 2 true", "targets 2 true"],
  ]);
  expect(await publish(held)).toBe("ok");
});

test("the server's fresh keys go into the next root", async () => {
  const held = await ceremony();
  const keys = { snapshot: testSigner(33).publicKey, timestamp: testSigner(34).publicKey };
  expect(await changed(held, { kind: "online", keys })).toEqual(["root 2 true"]);
});

test("a family's keys are rotated in targets, and its metadata is signed anew with them", async () => {
  const held = await ceremony();
  expect(await publish(held)).toBe("ok");
  expect(await changed(held, { kind: "rotate", role: FAMILY_ROLE })).toEqual([
    ...["targets 2 true", `${FAMILY_ROLE} 2 true`],
  ]);
  expect(await publish(held)).toBe("ok");
});

test("a delegated key that is one too many is revoked; one that is needed is not", async () => {
  const held = await ceremony();
  const role = "kernels-acme";
  const roles = [role, "drivers-sm8350"];
  await changed(held, { kind: "delegate", roles, count: 3, threshold: 2 });
  const [key] = await readPublicKeys(held.folder, role);
  const keyId = keyIdOf(key ?? new Uint8Array(0));
  expect(await changed(held, { kind: "revoke", keyId })).toEqual(["targets 3 true"]);
  expect(await publish(held)).toBe("ok");
  const [, second] = await readPublicKeys(held.folder, role);
  const another = keyIdOf(second ?? new Uint8Array(0));
  const short = await changeKeys(held.signing, { kind: "revoke", keyId: another });
  expect(codeOf(short)).toBe("KEY_NEEDED");
  const unknown = await changeKeys(held.signing, { kind: "revoke", keyId: "0".repeat(64) });
  expect(codeOf(unknown)).toBe("KEY_UNKNOWN");
});

test("a role that is retired and comes back goes on where it stopped", async () => {
  const held = await ceremony();
  const bundle = testBundle("1.0.0", ["sm8650"]);
  const release = { bundle, statement: testStatement(bundle), securityFloor: "1.0.0" };
  unwrap(await signRelease(held.signing, release));
  expect(await publish(held)).toBe("ok");
  expect(await changed(held, { kind: "retire", role: FAMILY_ROLE })).toEqual(["targets 2 true"]);
  expect(await publish(held)).toBe("ok");
  const delegate = { kind: "delegate", roles: [FAMILY_ROLE], count: 2, threshold: 2 } as const;
  expect(await changed(held, delegate)).toEqual(["targets 3 true", `${FAMILY_ROLE} 3 true`]);
  expect(await publish(held)).toBe("ok");
  expect(codeOf(await changeKeys(held.signing, delegate))).toBe("ROLE_EXISTS");
  const other = { ...delegate, roles: ["images"] };
  expect(codeOf(await changeKeys(held.signing, other))).toBe("ROLE_UNKNOWN");
});

test("a flat repository: delegating a family moves its drivers out of the top-level role", async () => {
  const held = await ceremony([]);
  const bundle = testBundle("1.0.0", ["sm8650"]);
  const release = { bundle, statement: testStatement(bundle), securityFloor: "1.0.0" };
  expect(codeOf(await signRelease(held.signing, release))).toBe("ROLE_UNKNOWN");
  const path = join(held.folder, "metadata", "targets.json");
  const flat = JSON.parse(await readFile(path, "utf8"));
  const old = { length: bundle.length, hashes: { sha256: sha256Hex(bundle) } };
  flat.signed.targets["drivers/sm8650/1.0.0"] = old;
  await writeFile(path, JSON.stringify(flat));
  const delegate = { kind: "delegate", roles: [FAMILY_ROLE], count: 2, threshold: 2 } as const;
  await changed(held, delegate);
  expect(unwrap(await newestTargets(held.folder)).targets).not.toHaveProperty(
    "drivers/sm8650/1.0.0",
  );
  const { targets } = unwrap(await newestTargets(held.folder, FAMILY_ROLE));
  expect(targets).toEqual({ "drivers/sm8650/1.0.0": old });
  // Listed anew, with where it comes from.
  const { signed } = unwrap(await signRelease(held.signing, release));
  expect(signed).toMatchObject([{ role: FAMILY_ROLE, version: 2, isComplete: true }]);
});

/** Moves a key to a folder of another holder, who has the same documents. */
async function splitKey(folder: string, name: string): Promise<string> {
  const other = await newFolder();
  await cp(join(folder, "metadata"), join(other, "metadata"), { recursive: true });
  await cp(join(folder, name), join(other, name));
  await rm(join(folder, name));
  return other;
}

test("m of n: a change waits as a draft until another holder has signed; then nothing is to be renamed", async () => {
  const held = await ceremony();
  const other = await splitKey(held.folder, "targets-2.key.json");
  const change: PolicyChange = { family: "sm8650", revoke: [], securityFloor: "1.1.0" };
  const { signed } = unwrap(await signPolicy(held.signing, change));
  expect(signed).toMatchObject({ version: 2, signatures: "1 of 2", isComplete: false });
  expect(codeOf(await signPolicy(held.signing, change))).toBe("DRAFT_PENDING");
  const stick = { file: signed.file, demo: true, now: NOW };
  const there = unwrap(await signFile({ ...stick, folder: other }));
  expect(there).toMatchObject([{ role: "targets", version: 2, isComplete: true }]);
  const back = unwrap(await signFile({ ...stick, folder: held.folder }));
  expect(back).toMatchObject([{ role: "targets", version: 2, isComplete: true }]);
  expect(await readDrafts(held.folder)).toEqual([]);
  expect(unwrap(await newestTargets(held.folder)).version).toBe(2);
  expect(await publish(held)).toBe("ok");
});

test("m of n: a family's holder draws keys, the targets keys delegate to them, the holder signs", async () => {
  const held = await ceremony([]);
  const family = { folder: await newFolder(), demo: true, now: NOW };
  const made = unwrap(await createKeys({ ...family, role: FAMILY_ROLE, count: 2 }));
  const publicKeys = made.map(({ publicKey }) => publicKey);
  const change = { kind: "delegate", roles: [FAMILY_ROLE], count: 0, threshold: 2 } as const;
  expect(await changed(held, { ...change, publicKeys })).toEqual([
    ...["targets 2 true", `${FAMILY_ROLE} 1 false`],
  ]);
  const [draft] = await readDrafts(held.folder);
  const file = present(draft, "the draft").file;
  expect(codeOf(await signFile({ ...held.signing, file }))).toBe("KEYS_MISSING");
  expect(codeOf(await signFile({ ...family, file }))).toBe("AUTHORITY_MISSING");
  const authority = join(held.folder, "metadata", "targets.json");
  expect(unwrap(await signFile({ ...family, file, authority }))).toMatchObject([
    { role: FAMILY_ROLE, version: 1, signatures: "2 of 2", isComplete: true },
  ]);
  expect(unwrap(await signFile({ ...held.signing, file }))).toHaveLength(1);
  expect(await publish(held)).toBe("ok");
});

test("a policy only grows: versions become hashes, a floor never falls", async () => {
  const held = await ceremony();
  const bundle = testBundle("1.0.0", ["sm8650"]);
  const release = { bundle, statement: testStatement(bundle), securityFloor: "1.0.0" };
  unwrap(await signRelease(held.signing, release));
  const sign = (change: Partial<PolicyChange>) =>
    signPolicy(held.signing, { family: "sm8650", revoke: [], ...change });
  unwrap(await sign({ securityFloor: "1.1.0" }));
  const stolen = "7".repeat(64);
  const { policy } = unwrap(await sign({ revoke: ["1.0.0", stolen], sandbox: "strong" }));
  expect(policy).toMatchObject({ securityFloor: "1.1.0", sandboxMin: "strong" });
  expect(policy.revoked).toEqual([sha256Hex(bundle), stolen]);
  expect(codeOf(await sign({ securityFloor: "1.0.9" }))).toBe("POLICY_WEAKER");
  expect(codeOf(await sign({ revoke: ["6.6.6"] }))).toBe("RELEASE_UNKNOWN");
  expect(codeOf(await sign({ sandbox: "degraded" }))).toBe("USAGE");
  expect(await publish(held)).toBe("ok");
  const { hashes } = unwrap(await newestTargets(held.folder)).targets["policy/sm8650.json"] ?? {};
  const kept = await readFile(join(held.folder, "contents", hashes?.["sha256"] ?? ""));
  expect(codeOf(readHardwarePolicy(new Uint8Array(kept), "sm8650"))).toBe("ok");
});

test("the director's key set: the same key goes on in its epoch, another one or a theft begins the next", async () => {
  const held = await ceremony();
  const sign = async (publicKey: Uint8Array, newEpoch = false) => {
    const request = { tenant: TENANT, publicKey, days: 30, newEpoch };
    return unwrap(await signKeySet(held.signing, request)).epoch;
  };
  expect(await sign(KEYS.director.publicKey)).toBe(1);
  expect(await sign(KEYS.director.publicKey, true)).toBe(2);
  expect(await sign(testSigner(55).publicKey)).toBe(3);
  expect(await publish(held)).toBe("ok");
  const { targets } = unwrap(await newestTargets(held.folder));
  const { hashes } = targets["director/keys-acme.json"] ?? {};
  const kept = await readFile(join(held.folder, "contents", hashes?.["sha256"] ?? ""));
  const keys = unwrap(readDirectorKeys(new Uint8Array(kept), TENANT));
  expect([...keys.keys.keys()]).toEqual([testSigner(55).keyId]);
  const due = unwrap(await expiryCalendar(held.folder, { now: NOW, withinDays: 31 }));
  expect(due.filter(({ document }) => document.startsWith("director"))).toMatchObject([
    { version: 3, due: true },
  ]);
});

test("what is about to run out is signed once more", async () => {
  const held = await ceremony();
  expect(await publish(held)).toBe("ok");
  const signed = unwrap(await renewRoles(held.signing, ["root", "targets", FAMILY_ROLE]));
  expect(signed.map(({ role, version }) => `${role} ${version}`)).toEqual([
    ...["root 2", "targets 2", `${FAMILY_ROLE} 2`],
  ]);
  expect(await publish(held)).toBe("ok");
});
