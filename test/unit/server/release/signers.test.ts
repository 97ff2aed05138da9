/** Online key files: made once, for the owner alone, refused when they are not what they seem. */
import { afterEach, beforeEach, expect, test } from "@jest/globals";
import { mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { unwrap } from "../../../../protocol/base/result.ts";
import { onlineSigner, type OnlineSignerOptions } from "../../../../server/release/signers.ts";

let folder: string;
let path: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "retile-keys-"));
  path = join(folder, "snapshot-1.key.json");
});
afterEach(() => rmSync(folder, { recursive: true }));

function open(mode: OnlineSignerOptions["mode"] = "demo", fill = 7) {
  const randomBytes = (count: number): Uint8Array => new Uint8Array(count).fill(fill);
  return onlineSigner("snapshot", { folder, mode, randomBytes });
}

test("a key is made at the first start, for its owner alone, and is the same ever after", () => {
  const first = unwrap(open());
  expect(statSync(path).mode & 0o777).toBe(0o600);
  expect(unwrap(open("demo", 8)).keyId).toBe(first.keyId);
});

test("a production server's own keys are no demo keys, a demo's are refused by it", () => {
  unwrap(open("production"));
  expect(open("production").ok).toBe(true);
  rmSync(path);
  unwrap(open("demo"));
  expect(open("production")).toMatchObject({ ok: false, code: "DEMO_KEY_IN_PRODUCTION" });
});

function check(edit: (file: Record<string, unknown>) => unknown): void {
  unwrap(open());
  const edited = edit(JSON.parse(readFileSync(path, "utf8")));
  writeFileSync(path, typeof edited === "string" ? edited : JSON.stringify(edited));
  expect(open()).toMatchObject({ ok: false, code: "KEY_FILE_MALFORMED" });
}

test("refuses what is not JSON", () => check(() => "{"));
test("refuses another role's key", () => check((file) => ({ ...file, role: "timestamp" })));
test("refuses halves of two keys", () => check((file) => ({ ...file, seed: "0".repeat(64) })));
test("refuses a key with fields that it does not know", () => check((file) => ({ ...file, x: 1 })));
