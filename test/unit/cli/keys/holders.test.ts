/** The ceremony's later days: sealed keys, holders that sign one after the other, rotation, revocation, the calendar. */
import { mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, expect, test } from "@jest/globals";
import { createKeys, readKeys } from "../../../../cli/keys/key-files.ts";
import { draftNextRoot } from "../../../../cli/keys/next-root.ts";
import { expiryCalendar } from "../../../../cli/keys/calendar.ts";
import { holdCeremony } from "../../../../cli/keys/offline-signing.ts";
import { brand, instant, type TenantId } from "../../../../protocol/base/brand.ts";
import { unwrap } from "../../../../protocol/base/result.ts";
import { TrustedSet } from "../../../../protocol/metadata/index.ts";
import { NOW, testSigner } from "../../../support/signed-metadata.ts";
import { codeOf } from "../../../support/trusted-sets.ts";

const CHEAP = { N: 1024, r: 8, p: 1 };
const folders: string[] = [];
afterAll(async () => {
  for (const folder of folders) await rm(folder, { recursive: true });
});

async function newFolder(): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), "retile-keys-"));
  folders.push(folder);
  return folder;
}

test("a sealed key opens with its passphrase alone", async () => {
  const folder = await newFolder();
  const wanted = { folder, role: "root", count: 1, demo: false, cost: CHEAP } as const;
  expect(codeOf(await createKeys(wanted))).toBe("PASSPHRASE_MISSING");
  const [made] = unwrap(await createKeys({ ...wanted, passphrase: "open sesame" }));
  const [read] = unwrap(await readKeys({ folder, passphrase: "open sesame" }, "root"));
  expect(read?.keyId).toBe(made?.keyId);
  expect(codeOf(await readKeys({ folder, passphrase: "open barley" }, "root"))).toBe(
    "PASSPHRASE_WRONG",
  );
  expect(codeOf(await readKeys({ folder }, "root"))).toBe("PASSPHRASE_MISSING");
  expect(await readFile(join(folder, "root-1.key.json"), "utf8")).not.toContain("seed");
});

test("rotated and revoked keys make the next roots, which a device follows", async () => {
  const offline = await newFolder();
  const online = {
    snapshot: testSigner(3).publicKey,
    timestamp: testSigner(4).publicKey,
    director: testSigner(5).publicKey,
  };
  const ceremony = { offline, tenant: brand<TenantId>("acme"), demo: true, now: NOW };
  const { root } = unwrap(await holdCeremony(ceremony, online));
  const request = { folder: offline, demo: true, now: NOW };
  const rotated = await draftNextRoot({ ...request, change: { kind: "rotate", role: "root" } });
  expect(rotated).toMatchObject({ ok: true, value: { version: 2, isComplete: true } });
  const second = new Uint8Array(await readFile(join(offline, "metadata", "root.json")));
  const device = unwrap(TrustedSet.start(root, NOW));
  expect(codeOf(device.updateRoot(second))).toBe("ok");
  const [keyId = ""] = device.root.roles.root.keyids;
  const revoked = await draftNextRoot({ ...request, change: { kind: "revoke", keyId } });
  expect(revoked).toMatchObject({ ok: true, value: { version: 3, isComplete: true } });
  const third = new Uint8Array(await readFile(join(offline, "metadata", "root.json")));
  expect(codeOf(device.updateRoot(third))).toBe("ok");
  expect(device.root.roles.root.keyids).not.toContain(keyId);
  await writeFile(join(offline, "note.txt"), "");
  const due = unwrap(await expiryCalendar(offline, { now: instant(NOW), withinDays: 100 }));
  expect(due.find(({ document }) => document === "targets.json")).toMatchObject({ due: true });
  expect(due.find(({ document }) => document === "root.json")).toMatchObject({ due: false });
});
