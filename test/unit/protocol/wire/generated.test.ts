import { readFile } from "node:fs/promises";
import { spawnSync } from "node:child_process";
import { expect, test } from "@jest/globals";

const ROOT = new URL("../../../../", import.meta.url);

test("the generated module is what wire.proto says", () => {
  const script = new URL("scripts/generate-protos.mjs", ROOT).pathname;
  const run = spawnSync(process.execPath, [script, "--check", "protocol/wire/wire.proto"], {
    encoding: "utf8",
  });
  expect(run.stderr).toBe("");
  expect(run.status).toBe(0);
});

test("the generated code makes no code from strings", async () => {
  const script = await readFile(new URL("protocol/wire/generated/wire.js", ROOT), "utf8");
  expect(script).not.toMatch(/\beval\(|new Function|Function\(/);
});
