/** Online key files: made once, for the owner alone, refused when they are not what they seem. */
import { afterEach, beforeEach, expect, test } from "@jest/globals";
import { mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { unwrap } from "../../../../../protocol/base/result.ts";
import {
  fileVault,
  makeNextKey,
  type FileVaultOptions,
} from "../../../../../server/release/signers/file-vault.ts";
import { openSigner } from "../../../../../server/release/signers/vault.ts";

let folder: string;
let path: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "retile-keys-"));
  path = join(folder, "snapshot-1.key.json");
});
afterEach(() => rmSync(folder, { recursive: true }));

function optionsOf(mode: FileVaultOptions["mode"], fill: number): FileVaultOptions {
  return { folder, mode, randomBytes: (count) => new Uint8Array(count).fill(fill) };
}

function open(mode: FileVaultOptions["mode"] = "demo", fill = 7) {
  return openSigner(fileVault(optionsOf(mode, fill)), "snapshot");
}

test("a key is made at the first start, for its owner alone, and is the same ever after", async () => {
  const first = unwrap(await open());
  expect(statSync(path).mode & 0o777).toBe(0o600);
  expect(unwrap(await open("demo", 8)).keyId).toBe(first.keyId);
});

test("the next key takes over at the next start, and the one before stays where it is", async () => {
  const first = unwrap(await open());
  expect(makeNextKey("snapshot", optionsOf("demo", 9))).toBe(join(folder, "snapshot-2.key.json"));
  const second = unwrap(await open());
  expect(second.keyId).not.toBe(first.keyId);
  expect(statSync(path).isFile()).toBe(true);
});

test("a production server's own keys are no demo keys, a demo's are refused by it", async () => {
  unwrap(await open("production"));
  expect((await open("production")).ok).toBe(true);
  rmSync(path);
  unwrap(await open("demo"));
  expect(await open("production")).toMatchObject({ ok: false, code: "DEMO_KEY_IN_PRODUCTION" });
});

async function check(edit: (file: Record<string, unknown>) => unknown): Promise<void> {
  unwrap(await open());
  const edited = edit(JSON.parse(readFileSync(path, "utf8")));
  writeFileSync(path, typeof edited === "string" ? edited : JSON.stringify(edited));
  expect(await open()).toMatchObject({ ok: false, code: "KEY_FILE_MALFORMED" });
}

test("refuses what is not JSON", () => check(() => "{"));
test("refuses another role's key", () => check((file) => ({ ...file, role: "timestamp" })));
test("refuses halves of two keys", () => check((file) => ({ ...file, seed: "0".repeat(64) })));
test("refuses a key with fields that it does not know", () => check((file) => ({ ...file, x: 1 })));
