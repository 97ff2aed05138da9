import { expect, test } from "@jest/globals";
import { brand } from "../../../../protocol/base/brand.ts";
import { utf8 } from "../../../../protocol/base/bytes.ts";
import { packBundle } from "../../../../protocol/bundle/index.ts";
import { sha256Hex } from "../../../../protocol/crypto/index.ts";
import {
  authorTargets,
  describeDriver,
  directorKeysPath,
  driverFactsSchema,
  driverPath,
  metadataFilePath,
  parseDriverPath,
  securityFloorOf,
  targetFilePath,
  targetOf,
  targetsSchema,
} from "../../../../protocol/metadata/index.ts";
import { LATER } from "../../../support/signed-metadata.ts";
import { codeOf } from "../../../support/trusted-sets.ts";

function bundle(version: string): Uint8Array {
  return packBundle(new Map([["driver.js", utf8(`// ${version}`)]]), {
    version,
    abi: { major: 1, minor: 0 },
    isa: { major: 1, minor: 0 },
    socs: ["sm8350", "sm8650"],
    kernels: [],
    builtFrom: { recipe: version, sourceSha256: sha256Hex(utf8("source")) },
  });
}

function described(version: string, floor: string) {
  const files = describeDriver(bundle(version), floor);
  if (!files.ok) throw new Error(files.message);
  return files.value;
}

function targetsWith(...files: ReturnType<typeof described>[]) {
  const targets = new Map(files.flatMap((map) => [...map]));
  return targetsSchema.parse(authorTargets({ version: 1, expires: LATER, targets }));
}

test("a bundle is announced once for every SoC family, with what a device must know", () => {
  const targets = targetsWith(described("1.1.0", "1.0.0"));
  expect([...targets.targets.keys()]).toEqual(["drivers/sm8350/1.1.0", "drivers/sm8650/1.1.0"]);
  const target = targetOf(targets, "drivers/sm8650/1.1.0");
  if (!target.ok) throw new Error(target.message);
  expect(target.value.sha256).toBe(sha256Hex(bundle("1.1.0")));
  expect(driverFactsSchema.parse(target.value.custom)).toMatchObject({
    version: "1.1.0",
    abi: { major: 1, minor: 0 },
    socs: ["sm8350", "sm8650"],
  });
});

test("what is no bundle is not announced", () => {
  expect(codeOf(describeDriver(utf8("x"), "1.0.0"))).toBe("BUNDLE_TRUNCATED");
});

test("the highest floor that any target states holds for its family, and for no other", () => {
  const targets = targetsWith(described("1.10.0", "1.2.0"), described("1.9.0", "1.10.0-rc.1"));
  expect(securityFloorOf(targets, "sm8650")).toBe("1.10.0-rc.1");
  expect(securityFloorOf(targets, "sm8550")).toBeUndefined();
});

test("a target without a SHA-256 cannot be checked", () => {
  const file = { length: 1, hashes: { sha512: "00" } };
  const targets = new Map([["a", file]]);
  const role = targetsSchema.parse(authorTargets({ version: 1, expires: LATER, targets }));
  expect(codeOf(targetOf(role, "a"))).toBe("TARGET_HASH_UNSUPPORTED");
  expect(codeOf(targetOf(role, "b"))).toBe("TARGET_NOT_FOUND");
});

test.each([
  ["drivers/sm8650/1.1.0", { family: "sm8650", version: "1.1.0" }],
  ["drivers/sm8650/1.9.9-faulty", { family: "sm8650", version: "1.9.9-faulty" }],
  ["drivers/sm8650/1.1", undefined],
  ["drivers/sm8650", undefined],
  ["drivers/../1.1.0", undefined],
  ["drivers/sm8650/1.1.0/x", undefined],
  ["kernels/sm8650/1.1.0", undefined],
])("path %s names %j", (path, name) => {
  expect(parseDriverPath(path)).toEqual(name);
  if (name) expect(driverPath(name)).toBe(path);
});

test("files lie where consistent snapshots put them", () => {
  expect(targetFilePath({ path: "drivers/sm8650/1.1.0", sha256: "ab" })).toBe(
    "targets/drivers/sm8650/ab.1.1.0",
  );
  expect(targetFilePath({ path: "plain", sha256: "ab" })).toBe("targets/ab.plain");
  expect(metadataFilePath("vendor/a b", 3)).toBe("3.vendor%2Fa%20b.json");
  expect(directorKeysPath(brand("acme"))).toBe("director/keys-acme.json");
});
