/** What a build states of the checkout that it was made in. */
import { execFileSync } from "node:child_process";
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "@jest/globals";
import { checkoutAt, stateProvenance } from "../../../../cli/driver/provenance.ts";
import { utf8 } from "../../../../protocol/base/bytes.ts";
import { unwrap } from "../../../../protocol/base/result.ts";
import { canonicalJson } from "../../../../protocol/base/canonical-json.ts";
import { sha256Hex } from "../../../../protocol/crypto/index.ts";
import { statedFacts } from "../../../../protocol/metadata/index.ts";
import { testBundle } from "../../../support/server/offline.ts";

const KERNEL = utf8("a vendor's kernel");
let folder: string;

function git(...args: string[]): string {
  const identity = ["-c", "user.name=test", "-c", "user.email=test@example.com"];
  return execFileSync("git", [...identity, ...args], { cwd: folder, encoding: "utf8" }).trim();
}

beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), "retile-checkout-"));
  git("init", "--quiet");
  writeFileSync(join(folder, "a.txt"), "a");
  git("add", "a.txt");
  git("commit", "--quiet", "--message", "one");
});
afterAll(() => rmSync(folder, { recursive: true }));

test("a clean checkout is named by its commit and tree", async () => {
  const [commit, tree] = [git("rev-parse", "HEAD"), git("rev-parse", "HEAD^{tree}")];
  expect(await checkoutAt(folder)).toEqual({ commit, tree, dirty: false });
});

test("a file that no commit holds makes it dirty", async () => {
  writeFileSync(join(folder, "b.txt"), "b");
  expect(await checkoutAt(folder)).toMatchObject({ dirty: true });
  rmSync(join(folder, "b.txt"));
});

test("a folder inside another project's checkout is none, nor is one without git", async () => {
  const inner = join(folder, "inner");
  mkdirSync(inner);
  expect(await checkoutAt(inner)).toBeNull();
  expect(await checkoutAt(tmpdir())).toBeNull();
});

test("a second statement of the same bundle is the same, byte for byte, and holds of it", async () => {
  const bundle = testBundle("1.1.0");
  const foreign = new Map([["add.hvx", KERNEL]]);
  const statement = await stateProvenance(bundle, foreign);
  expect(canonicalJson(await stateProvenance(bundle, foreign))).toEqual(canonicalJson(statement));
  const facts = unwrap(statedFacts(statement, sha256Hex(bundle)));
  expect(facts).toMatchObject({ version: "1.1.0", recipe: "test" });
  expect(facts.kernels).toEqual([{ path: "kernels/add.hvx", sha256: sha256Hex(KERNEL) }]);
  expect(Object.keys(facts.toolchain).sort()).toEqual(["esbuild", "node", "retile"]);
});
