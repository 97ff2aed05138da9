/** The statement of a bundle's origin: what is written is read again, and what must hold for it to count. */
import { expect, test } from "@jest/globals";
import { brand, type Sha256 } from "../../../../protocol/base/brand.ts";
import { unwrap } from "../../../../protocol/base/result.ts";
import { readBundle } from "../../../../protocol/bundle/index.ts";
import { keyObject, sha256Hex } from "../../../../protocol/crypto/index.ts";
import {
  agreesWithManifest,
  authorProvenance,
  PROVENANCE_CODES,
  readStatement,
  signProvenance,
  verifyProvenance,
  type BuildFacts,
} from "../../../../protocol/metadata/index.ts";
import { testBundle } from "../../../support/server/offline.ts";
import { KEYS } from "../../../support/signed-metadata.ts";
import { codeOf } from "../../../support/trusted-sets.ts";

const BUNDLE = testBundle("1.2.0");
const SUBJECT = sha256Hex(BUNDLE);
const { manifest } = unwrap(readBundle(BUNDLE));
const FACTS: BuildFacts = {
  version: "1.2.0",
  ...manifest.builtFrom,
  lockFileSha256: brand<Sha256>("2".repeat(64)),
  kernels: [{ path: "kernels/add.hvx", sha256: brand<Sha256>("6".repeat(64)) }],
  checkout: { commit: "a".repeat(40), tree: "b".repeat(40), dirty: false },
  toolchain: { node: "20.19.0", esbuild: "0.28.2", retile: "0.1.0" },
};
const { keyId, publicKey } = KEYS.targets;
const AUTHORITY = {
  role: { keyids: [keyId as string, "another"], threshold: 2 },
  keys: new Map([[keyId as string, keyObject(publicKey)]]),
};

test("what a builder states is what a reader learns; it says no time and no machine", async () => {
  const statement = authorProvenance(SUBJECT, FACTS);
  const envelope = await signProvenance(statement, [KEYS.targets]);
  const context = { bundleSha256: SUBJECT, authority: AUTHORITY };
  expect(unwrap(verifyProvenance(envelope, context))).toEqual(FACTS);
  expect(await signProvenance(authorProvenance(SUBJECT, FACTS), [KEYS.targets])).toEqual(envelope);
  expect(JSON.stringify(statement)).not.toMatch(/startedOn|finishedOn|\d\d:\d\d|\/home|\/tmp/);
  expect(agreesWithManifest(FACTS, manifest)).toBe(true);
});

type Json = Record<string, unknown>;

async function refused(edit: (json: Json) => unknown, expected: string): Promise<void> {
  const statement = edit(JSON.parse(JSON.stringify(authorProvenance(SUBJECT, FACTS))));
  const envelope = await signProvenance(statement as never, [KEYS.targets]);
  const context = { bundleSha256: SUBJECT, authority: AUTHORITY };
  expect(codeOf(verifyProvenance(envelope, context))).toBe(expected);
  expect(PROVENANCE_CODES).toContain(expected);
}

const at = (path: string, value: unknown) => (json: Json) => {
  const parts = path.split(".");
  const last = parts.pop() ?? "";
  const parent = parts.reduce((node, part) => node[part] as Json, json);
  parent[last] = value;
  return json;
};
const definition = "predicate.buildDefinition";
const lists = (...names: string[]) =>
  at(
    `${definition}.resolvedDependencies`,
    names.map((name) => ({ name, digest: { sha256: "3".repeat(64) } })),
  );

test("another statement type", () => refused(at("_type", "x"), "PROVENANCE_MALFORMED"));
test("another predicate", () => refused(at("predicateType", "x"), "PROVENANCE_MALFORMED"));
test("another way of building", () =>
  refused(at(`${definition}.buildType`, "x"), "PROVENANCE_MALFORMED"));
test("a recipe that is none", () =>
  refused(at(`${definition}.externalParameters.recipe`, "../x"), "PROVENANCE_MALFORMED"));
test("a builder without a URI", () =>
  refused(at("predicate.runDetails.builder.id", "me"), "PROVENANCE_MALFORMED"));
test("no sources", () => refused(lists("package-lock.json"), "PROVENANCE_MALFORMED"));
test("no lock file", () => refused(lists("sources"), "PROVENANCE_MALFORMED"));
test("a checkout without its commit", () =>
  refused(lists("sources", "package-lock.json", "checkout"), "PROVENANCE_MALFORMED"));
test("no subject", () => refused(at("subject", []), "PROVENANCE_MALFORMED"));
test("another subject", () =>
  refused(
    at("subject", [{ name: "x", digest: { sha256: "4".repeat(64) } }]),
    "PROVENANCE_WRONG_SUBJECT",
  ));

test("a stranger's signature does not count", async () => {
  const envelope = await signProvenance(authorProvenance(SUBJECT, FACTS), [KEYS.stranger]);
  const context = { bundleSha256: SUBJECT, authority: AUTHORITY };
  expect(codeOf(verifyProvenance(envelope, context))).toBe("PROVENANCE_BAD_SIGNATURES");
});

test("an unsigned statement is read as far as it is one", () => {
  expect(codeOf(readStatement(authorProvenance(SUBJECT, FACTS)))).toBe("ok");
  expect(codeOf(readStatement({ _type: "x" }))).toBe("PROVENANCE_MALFORMED");
});

test("a statement of other sources than the manifest's disagrees with it", () => {
  const sourceSha256 = brand<Sha256>("5".repeat(64));
  expect(agreesWithManifest({ ...FACTS, sourceSha256 }, manifest)).toBe(false);
});
