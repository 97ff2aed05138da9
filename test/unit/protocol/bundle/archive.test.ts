import { describe, expect, test } from "@jest/globals";
import { concatBytes, utf8 } from "../../../../protocol/base/bytes.ts";
import { canonicalJson } from "../../../../protocol/base/canonical-json.ts";
import {
  BUNDLE_BYTES_MAX,
  isSafePath,
  MANIFEST_BYTES_MAX,
  packBundle,
  readBundle,
  readBundleManifest,
  type ManifestFields,
} from "../../../../protocol/bundle/index.ts";
import { sha256, sha256Hex } from "../../../../protocol/crypto/index.ts";
import { fc, property } from "../../../support/property.ts";

const FIELDS: ManifestFields = {
  version: "1.1.0",
  abi: { major: 1, minor: 0 },
  isa: { major: 1, minor: 2 },
  socs: ["sm8650", "sm8350"],
  kernels: ["kernels/conv.bin"],
  builtFrom: { recipe: "1.1.0", sourceSha256: sha256Hex(utf8("source")) },
};

const FILES = new Map([
  ["kernels/conv.bin", Uint8Array.of(1, 2, 3)],
  ["driver.js", utf8("globalThis.driver = {};")],
]);

const BUNDLE = packBundle(FILES, FIELDS);

function codeOf(archive: Uint8Array): string {
  const read = readBundle(archive);
  return read.ok ? "ok" : read.code;
}

/** An archive around any manifest, valid or not, with everything else in order. */
function archiveOf(manifest: unknown, contents: readonly Uint8Array[] = []): Uint8Array {
  const bytes = canonicalJson(manifest);
  const length = new Uint8Array(4);
  new DataView(length.buffer).setUint32(0, bytes.length, true);
  return concatBytes([utf8("RTLBNDL1"), length, sha256(bytes), bytes, ...contents]);
}

function manifestWith(changes: object): unknown {
  const read = readBundleManifest(BUNDLE);
  if (!read.ok) throw new Error(read.message);
  return { ...read.value.manifest, ...changes };
}

function entry(path: string, bytes: Uint8Array = new Uint8Array(0)) {
  return { path, length: bytes.length, sha256: sha256Hex(bytes) };
}

test("what was packed is read back", () => {
  const read = readBundle(BUNDLE);
  if (!read.ok) throw new Error(read.message);
  expect(new Map(read.value.files)).toEqual(FILES);
  expect(read.value.manifest).toMatchObject({
    name: "retile-htp-driver",
    version: "1.1.0",
    socs: ["sm8350", "sm8650"],
    entry: "driver.js",
  });
});

test("the order in which files were given does not change a byte", () => {
  const reversed = new Map([...FILES].reverse());
  const fields = { ...FIELDS, socs: [...FIELDS.socs].reverse() };
  expect(packBundle(reversed, fields)).toEqual(BUNDLE);
});

test("the format is frozen: this bundle has this hash", () => {
  expect(sha256Hex(BUNDLE)).toBe(
    "e4a7ba60e2a1640755312af04138236ee858e9c7e767c682aeaafbe5f86b18bb",
  );
});

test("one flipped bit in any byte is a failure with a code", () => {
  for (let index = 0; index < BUNDLE.length; index++) {
    const flipped = BUNDLE.slice();
    flipped[index] = (flipped[index] ?? 0) ^ (1 << (index % 8));
    expect(codeOf(flipped)).toMatch(/^BUNDLE_/);
  }
});

test("every truncation, and every extension, is a failure with a code", () => {
  for (let length = 0; length < BUNDLE.length; length++) {
    expect(codeOf(BUNDLE.subarray(0, length))).toMatch(/^BUNDLE_(TRUNCATED|LENGTH_MISMATCH)$/);
  }
  expect(codeOf(concatBytes([BUNDLE, Uint8Array.of(0)]))).toBe("BUNDLE_LENGTH_MISMATCH");
});

test("random bytes are no bundle, with or without its first words", () => {
  property(fc.uint8Array({ maxLength: 300 }), (bytes) => {
    expect(codeOf(bytes)).toMatch(/^BUNDLE_/);
    expect(codeOf(concatBytes([utf8("RTLBNDL1"), bytes]))).toMatch(/^BUNDLE_/);
  });
});

test("any files come back as they went in", () => {
  const names = fc.stringMatching(/^[a-z0-9_]{1,8}(\/[a-z0-9_]{1,8}){0,2}\.bin$/);
  const files = fc.dictionary(names, fc.uint8Array({ maxLength: 50 }), { maxKeys: 8 });
  property(files, (content) => {
    const given = new Map([["driver.js", utf8("x")], ...Object.entries(content)]);
    const read = readBundle(packBundle(given, { ...FIELDS, kernels: [] }));
    if (!read.ok) throw new Error(read.message);
    expect(new Map(read.value.files)).toEqual(given);
  });
});

describe("a manifest is refused when", () => {
  const x: Uint8Array = utf8("x");
  const CASES: [string, unknown, string][] = [
    ["it is not an object", 7, "BUNDLE_MANIFEST_INVALID"],
    ["its format is unknown", manifestWith({ format: 2 }), "BUNDLE_MANIFEST_INVALID"],
    ["its name is another product's", manifestWith({ name: "other" }), "BUNDLE_MANIFEST_INVALID"],
    ["its version is no semantic one", manifestWith({ version: "1.1" }), "BUNDLE_MANIFEST_INVALID"],
    ["it has a field nobody knows", manifestWith({ extra: 1 }), "BUNDLE_MANIFEST_INVALID"],
    ["it supports no SoC", manifestWith({ socs: [] }), "BUNDLE_MANIFEST_INVALID"],
    [
      "a path leads out of the folder",
      manifestWith({ files: [entry("../driver.js")] }),
      "BUNDLE_MANIFEST_INVALID",
    ],
    [
      "a file is listed twice",
      manifestWith({ files: [entry("driver.js"), entry("driver.js")], kernels: [] }),
      "BUNDLE_PATHS_CLASH",
    ],
    [
      "two paths differ only in case",
      manifestWith({ files: [entry("Driver.js"), entry("driver.js")], kernels: [] }),
      "BUNDLE_PATHS_CLASH",
    ],
    [
      "a file lies inside another file",
      manifestWith({ files: [entry("driver.js"), entry("driver.js/a")], kernels: [] }),
      "BUNDLE_PATHS_CLASH",
    ],
    [
      "the entry is not among the files",
      manifestWith({ files: [entry("kernels/conv.bin")] }),
      "BUNDLE_PATHS_CLASH",
    ],
    [
      "the files are not sorted",
      manifestWith({ files: [entry("kernels/conv.bin"), entry("driver.js")] }),
      "BUNDLE_PATHS_CLASH",
    ],
    [
      "a kernel is not among the files",
      manifestWith({ files: [entry("driver.js")] }),
      "BUNDLE_PATHS_CLASH",
    ],
    [
      "a file's content is another",
      manifestWith({ files: [{ ...entry("driver.js", x), length: 0 }], kernels: [] }),
      "BUNDLE_FILE_CORRUPT",
    ],
    [
      "a file is longer than any bundle",
      manifestWith({ files: [{ ...entry("driver.js"), length: BUNDLE_BYTES_MAX + 1 }] }),
      "BUNDLE_MANIFEST_INVALID",
    ],
  ];
  test.each(CASES)("%s", (_why, manifest, code) => {
    expect(codeOf(archiveOf(manifest))).toBe(code);
  });

  test("it is not JSON", () => {
    const archive = archiveOf("x");
    const text = utf8("not json");
    const length = Uint8Array.of(text.length, 0, 0, 0);
    const parts = [archive.subarray(0, 8), length, sha256(text), text];
    expect(codeOf(concatBytes(parts))).toBe("BUNDLE_MANIFEST_INVALID");
  });

  test("it claims to be larger than any manifest", () => {
    const archive = BUNDLE.slice();
    new DataView(archive.buffer).setUint32(8, MANIFEST_BYTES_MAX + 1, true);
    expect(codeOf(archive)).toBe("BUNDLE_TOO_LARGE");
  });
});

test("a bundle beyond the limit is refused before anything is read", () => {
  expect(codeOf(new Uint8Array(BUNDLE_BYTES_MAX + 1))).toBe("BUNDLE_TOO_LARGE");
});

test("packing what no device would accept is a bug", () => {
  expect(() => packBundle(new Map([["driver.js", new Uint8Array(1)]]), FIELDS)).toThrow("bug");
  expect(() => packBundle(new Map([["/etc/x", new Uint8Array(1)]]), FIELDS)).toThrow();
});

test.each([
  ["driver.js", true],
  ["kernels/conv-3x3_v2.bin", true],
  ["", false],
  ["/driver.js", false],
  ["a//b", false],
  ["a/", false],
  ["./a", false],
  ["a/../b", false],
  [".hidden", false],
  ["a\\b", false],
  ["a\0b", false],
  ["C:a", false],
  ["name.", false],
  ["-rf", false],
  ["ünicode", false],
  ["x".repeat(201), false],
])("path %j is safe: %j", (path, safe) => {
  expect(isSafePath(path)).toBe(safe);
});
