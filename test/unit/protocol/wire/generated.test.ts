import { readFile } from "node:fs/promises";
import { spawnSync } from "node:child_process";
import { expect, test } from "@jest/globals";

const FOLDER = new URL("../../../../protocol/wire/", import.meta.url);

test("generated/ is what wire.proto says", () => {
  const script = new URL("generate.mjs", FOLDER).pathname;
  const run = spawnSync(process.execPath, [script, "--check"], { encoding: "utf8" });
  expect(run.stderr).toBe("");
  expect(run.status).toBe(0);
});

test("the generated code makes no code from strings", async () => {
  const script = await readFile(new URL("generated/wire.js", FOLDER), "utf8");
  expect(script).not.toMatch(/\beval\(|new Function|Function\(/);
});
