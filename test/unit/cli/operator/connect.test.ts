/** Which token a command shows to which server. */
import { afterAll, expect, test } from "@jest/globals";
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { resolveConfig } from "../../../../cli/config.ts";
import { bundleSource } from "../../../../cli/commands/release-publish.ts";
import { connect, isThisMachine } from "../../../../cli/operator/connect.ts";
import { unwrap } from "../../../../protocol/base/result.ts";

const dataDir = mkdtempSync(join(tmpdir(), "retile-token-"));
mkdirSync(join(dataDir, "server"));
writeFileSync(join(dataDir, "server", "admin-token"), "operator~t~i~s\n");
afterAll(() => rmSync(dataDir, { recursive: true }));

async function check(url: string, expected: "connected" | "TOKEN_MISSING"): Promise<void> {
  const flags = new Map([
    ["server.url", url],
    ["dataDir", dataDir],
  ] as const);
  const config = unwrap(resolveConfig({ flags, environment: {}, file: undefined }));
  const connected = await connect(config);
  expect(connected.ok ? "connected" : connected.code).toBe(expected);
}

test("the token that a server left here is shown to this machine", () =>
  check("http://127.0.0.1:1", "connected"));
test("and to no other", () => check("https://retile.example", "TOKEN_MISSING"));
test("a name that looks like this machine's is not", () => {
  expect(isThisMachine("http://127.0.0.1.example")).toBe(false);
  expect(isThisMachine("http://localhost:8473")).toBe(true);
  expect(isThisMachine("http://[::1]:8473")).toBe(true);
});

test("a bundle comes from a file or from a release, not from both or neither", () => {
  expect(bundleSource({ bundle: "f" })).toMatchObject({ value: { kind: "file", path: "f" } });
  expect(bundleSource({ release: "1.0.0" })).toMatchObject({ value: { kind: "release" } });
  expect(bundleSource({ bundle: "f", release: "1.0.0" }).ok).toBe(false);
  expect(bundleSource({}).ok).toBe(false);
});
