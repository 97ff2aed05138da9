/** `retile agent tuf`, as public suites of TUF clients drive it: what it prints as exit code, and what it leaves. */
import { mkdtemp, readdir, readFile, rm, stat, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "@jest/globals";
import { sha256Hex } from "../../protocol/crypto/index.ts";
import { retile } from "../support/command-line.ts";
import {
  publishedBundle,
  publishedRepository,
  release,
  tamperWith,
  type PublishedRepository,
} from "../support/published-repository.ts";

let folder = "";
let repository: PublishedRepository;
let oldest: Uint8Array;
const at = (name: string): string => join(folder, name);
const driver = (version: string): string => `drivers/sm8650/${version}`;

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "retile-tuf-"));
  repository = await publishedRepository();
  await repository.publish(await release(1, ["1.0.0"]));
  oldest = repository.served.get("timestamp.json") ?? new Uint8Array(0);
  await writeFile(at("root.json"), repository.root);
});

afterAll(async () => {
  await repository.close();
  await rm(folder, { recursive: true });
});

function tuf(action: string, ...more: string[]) {
  return retile("agent", "tuf", "--metadata-dir", at("metadata"), ...more, ...action.split(" "));
}

const refresh = (url = repository.url) => tuf("refresh", "--metadata-url", url);
const download = (...names: string[]) =>
  tuf(
    "download",
    ...["--metadata-url", repository.url, "--target-dir", at("targets")],
    ...["--target-base-url", `${repository.url}/targets`],
    ...names.flatMap((name) => ["--target-name", name]),
  );

async function codeOf(command: ReturnType<typeof retile>): Promise<string> {
  const { exit, report } = await command;
  expect(exit).toBe(1);
  return report.summary.error.code;
}

test("before there is a root nothing is refreshed: ROOT_MISSING", async () => {
  expect(await codeOf(refresh())).toBe("ROOT_MISSING");
});

test("init trusts that root, and fetches nothing", async () => {
  expect((await tuf(`init ${at("root.json")}`)).exit).toBe(0);
  expect(await readdir(at("metadata"))).toEqual(["root.json"]);
  await writeFile(at("other.json"), "{}");
  expect(await codeOf(tuf(`init ${at("other.json")}`))).toBe("ROOT_MALFORMED");
  expect(await codeOf(tuf(`init ${at("nowhere.json")}`))).toBe("INPUT_NOT_FOUND");
});

test("refresh leaves every role's file without a version in its name", async () => {
  expect((await refresh()).exit).toBe(0);
  expect((await readdir(at("metadata"))).sort()).toEqual([
    ...["root.json", "snapshot.json", "targets.json", "timestamp.json"],
  ]);
  const { signed } = JSON.parse(await readFile(at("metadata/targets.json"), "utf8"));
  expect(signed.version).toBe(1);
});

test("targets are downloaded by name, several at once, the same name twice, and kept", async () => {
  await repository.publish(await release(2, ["1.0.0", "1.1.0"]));
  const ended = await download(driver("1.0.0"), driver("1.1.0"), driver("1.0.0"));
  expect(ended.exit).toBe(0);
  const names = await readdir(at("targets"));
  expect(names.sort()).toEqual(["1.0.0", "1.1.0"].map((v) => encodeURIComponent(driver(v))));
  for (const version of ["1.0.0", "1.1.0"]) {
    const bytes = await readFile(join(at("targets"), encodeURIComponent(driver(version))));
    expect(sha256Hex(new Uint8Array(bytes))).toBe(sha256Hex(publishedBundle(version)));
  }
  const { mtimeMs } = await stat(join(at("targets"), names[0] ?? ""));
  expect((await download(driver("1.0.0"))).exit).toBe(0);
  expect((await stat(join(at("targets"), names[0] ?? ""))).mtimeMs).toBe(mtimeMs);
});

test("a target that nobody signed, or of other bytes than were signed, is exit 1 and leaves nothing", async () => {
  expect(await codeOf(download(driver("9.9.9")))).toBe("TARGET_NOT_FOUND");
  await repository.publish(await release(3, ["1.0.0", "1.1.0", "1.2.0"]));
  tamperWith(repository, "1.2.0");
  expect(await codeOf(download(driver("1.2.0")))).toBe("TARGET_HASH_MISMATCH");
  expect((await readdir(at("targets"))).length).toBe(2);
});

test("a repository that goes back, or away, is exit 1, and what was trusted stays", async () => {
  const kept = await readFile(at("metadata/timestamp.json"));
  const newest = repository.served.get("timestamp.json") ?? new Uint8Array(0);
  repository.served.set("timestamp.json", oldest);
  expect(await codeOf(refresh())).toBe("TIMESTAMP_ROLLBACK");
  repository.served.delete("timestamp.json");
  expect(await codeOf(refresh())).toBe("NOT_FOUND");
  expect(await readFile(at("metadata/timestamp.json"))).toEqual(kept);
  repository.served.set("timestamp.json", newest);
  expect((await refresh()).exit).toBe(0);
});

test.each([
  ["refresh", []],
  ["download", ["--metadata-url", "http://127.0.0.1:1"]],
  ["init", []],
  ["upload", []],
])("%s without what it needs, and what there is not, are exit 1: USAGE", async (action, flags) => {
  expect(await codeOf(tuf(action, ...flags))).toBe("USAGE");
});
