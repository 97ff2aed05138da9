/** What the server refuses to publish: drivers of unknown origin, and roles that speak of what is not theirs. */
import { expect, test } from "@jest/globals";
import { utf8 } from "../../../../protocol/base/bytes.ts";
import { unwrap } from "../../../../protocol/base/result.ts";
import { keyObject, sha256Hex, type Signer } from "../../../../protocol/crypto/index.ts";
import {
  delegatedPaths,
  describeFile,
  driverPath,
  familyRole,
  kernelPath,
  parseDelegatedRole,
  provenancePath,
  signProvenance,
  vendorRole,
  type DelegationsJson,
  type TargetFileJson,
} from "../../../../protocol/metadata/index.ts";
import {
  publishRepository,
  startRepository,
  type Publication,
  type RepositoryState,
} from "../../../../server/release/index.ts";
import { listDrivers, testStatement } from "../../../support/listed-drivers.ts";
import { KEYS, makeRoot, makeTargets, NOW, testSigner } from "../../../support/signed-metadata.ts";
import { codeOf } from "../../../support/trusted-sets.ts";
import { testBundle } from "../../../support/server/offline.ts";

const FAMILY = "sm8650";
const HOLDERS = new Map([
  [familyRole(FAMILY), testSigner(21)],
  [familyRole("sm8350"), testSigner(22)],
  [vendorRole("acme"), testSigner(23)],
]);
const BUNDLE = testBundle("1.1.0", [FAMILY]);
const NAME = { family: FAMILY, version: "1.1.0" };
const KERNEL = kernelPath({ vendor: "acme", family: FAMILY, file: "add.hvx" });

function delegations(holders: ReadonlyMap<string, Signer>): DelegationsJson {
  return {
    keys: Object.fromEntries(
      [...holders.values()].map(({ keyId, publicKey }) => [keyId, keyObject(publicKey)]),
    ),
    roles: [...holders].map(([name, { keyId }]) => {
      const purpose = parseDelegatedRole(name);
      const paths = purpose ? delegatedPaths(purpose) : [];
      return { name, keyids: [keyId], threshold: 1, terminating: true, paths };
    }),
  };
}

interface Listing {
  readonly targets: Map<string, TargetFileJson>;
  readonly contents: Map<string, Uint8Array>;
}

/** What a role lists, by role; the others list nothing. */
type Listings = Readonly<Record<string, Listing>>;

async function publish(
  listings: Listings,
  {
    state,
    version = 1,
    holders = HOLDERS,
  }: { state?: RepositoryState; version?: number; holders?: typeof HOLDERS } = {},
) {
  const top = await makeTargets({ version, delegations: delegations(holders) });
  const targets = new Map([["targets", top.bytes]]);
  for (const [role, signer] of holders) {
    const listed = listings[role]?.targets ?? new Map();
    const made = await makeTargets({ version, targets: listed, signers: [signer] });
    targets.set(role, made.bytes);
  }
  const contents = new Map(Object.values(listings).flatMap((listing) => [...listing.contents]));
  const ports = { snapshotSigner: KEYS.snapshot, timestampSigner: KEYS.timestamp, now: NOW };
  return publishRepository(
    state ?? unwrap(startRepository(await makeRoot(), NOW)),
    { targets, contents },
    { ...ports, hasFile: () => Promise.resolve(state !== undefined) },
  );
}

function familySigner(): Signer {
  return HOLDERS.get(familyRole(FAMILY)) as Signer;
}

async function honest(): Promise<Listing> {
  const listed = await listDrivers([BUNDLE], { signers: [familySigner()] });
  return { targets: new Map(listed.targets), contents: new Map(listed.contents) };
}

function check(outcome: Awaited<ReturnType<typeof publish>>, expected: string): void {
  expect(codeOf(outcome)).toBe(expected);
}

const own = (listing: Listing): Listings => ({ [familyRole(FAMILY)]: listing });

test("a driver with a statement of its family's keys is published", async () => {
  check(await publish(own(await honest())), "ok");
});

test("a driver without a statement is not", async () => {
  const listing = await honest();
  listing.targets.delete(provenancePath(NAME));
  listing.contents.delete(provenancePath(NAME));
  check(await publish(own(listing)), "PROVENANCE_MISSING");
});

async function withStatement(envelope: Uint8Array): Promise<Listings> {
  const listing = await honest();
  listing.targets.set(provenancePath(NAME), describeFile(envelope));
  listing.contents.set(provenancePath(NAME), envelope);
  return own(listing);
}

test("a statement of other bytes", async () => {
  const envelope = await signProvenance(testStatement(testBundle("1.1.0")), [familySigner()]);
  check(await publish(await withStatement(envelope)), "PROVENANCE_WRONG_SUBJECT");
});

test("a statement that the top-level keys signed, not the family's", async () => {
  const envelope = await signProvenance(testStatement(BUNDLE), [KEYS.targets]);
  check(await publish(await withStatement(envelope)), "PROVENANCE_BAD_SIGNATURES");
});

test("a statement of another recipe than the bundle's manifest", async () => {
  const statement = testStatement(BUNDLE, { recipe: "another" });
  const envelope = await signProvenance(statement, [familySigner()]);
  check(await publish(await withStatement(envelope)), "PROVENANCE_DISAGREES");
});

test("a statement that is none", async () => {
  check(await publish(await withStatement(utf8("{}"))), "PROVENANCE_MALFORMED");
});

test("a family's keys publish nothing for another family", async () => {
  const stray = await listDrivers([testBundle("9.9.9", ["sm8350"])], { signers: [familySigner()] });
  const listing = { targets: new Map(stray.targets), contents: new Map(stray.contents) };
  check(await publish(own(listing)), "TARGET_PATH_NOT_DELEGATED");
});

test("a vendor's keys publish no drivers", async () => {
  check(await publish({ [vendorRole("acme")]: await honest() }), "TARGET_PATH_NOT_DELEGATED");
});

test("a revoked key publishes nothing: a role that nobody delegates to is refused", async () => {
  const first = unwrap(await publish(own(await honest())));
  const without = new Map([...HOLDERS].filter(([role]) => role !== familyRole(FAMILY)));
  const second = unwrap(await publish({}, { state: first.state, version: 2, holders: without }));
  const again = new Map(HOLDERS).set(familyRole(FAMILY), testSigner(77));
  const stolen = await makeTargets({ version: 3, signers: [familySigner()] });
  const top = await makeTargets({ version: 3, delegations: delegations(again) });
  const targets = new Map([
    ["targets", top.bytes],
    [familyRole(FAMILY), stolen.bytes],
  ]);
  check(await handIn(second, targets), "TARGETS_BAD_SIGNATURES");
  const only = new Map([[familyRole(FAMILY), stolen.bytes]]);
  check(await handIn(second, only), "TARGETS_NOT_DELEGATED");
});

function handIn({ state }: Publication, targets: ReadonlyMap<string, Uint8Array>) {
  const ports = { snapshotSigner: KEYS.snapshot, timestampSigner: KEYS.timestamp, now: NOW };
  const hasFile = () => Promise.resolve(true);
  return publishRepository(state, { targets }, { ...ports, hasFile });
}

test("a driver that was published before there were statements may move to its family's role", async () => {
  const { targets, contents } = await honest();
  const path = driverPath(NAME);
  const described = Object.entries(targets.get(path)?.custom ?? {});
  const custom = Object.fromEntries(described.filter(([name]) => name !== "provenance"));
  const old = new Map([[path, { ...(targets.get(path) as TargetFileJson), custom }]]);
  const top = await makeTargets({ targets: old });
  const state = unwrap(startRepository(await makeRoot(), NOW));
  // As a server of that time left it.
  const flat = { ...state, targets: new Map([["targets", top.bytes]]) };
  const listing = { targets: old, contents: new Map([[path, contents.get(path) as Uint8Array]]) };
  check(await publish(own(listing), { state: flat, version: 2 }), "ok");
  check(await publish(own(listing), { version: 2 }), "PROVENANCE_MISSING");
});

async function withKernel(named: Uint8Array, signed: Uint8Array): Promise<Listings> {
  const kernels = [{ path: KERNEL, sha256: sha256Hex(named) }];
  const listed = await listDrivers([BUNDLE], { signers: [familySigner()], kernels });
  return {
    ...own({ targets: new Map(listed.targets), contents: new Map(listed.contents) }),
    [vendorRole("acme")]: {
      targets: new Map([[KERNEL, describeFile(signed)]]),
      contents: new Map([[KERNEL, signed]]),
    },
  };
}

const DRIVER_FILE = utf8("// driver 1.1.0 ");

test("a vendor's kernel that is in the bundle", async () => {
  check(await publish(await withKernel(DRIVER_FILE, DRIVER_FILE)), "ok");
});
test("a vendor's kernel of other bytes than its vendor signed", async () => {
  check(await publish(await withKernel(DRIVER_FILE, utf8("another"))), "KERNEL_DISAGREES");
});
test("a vendor's kernel that is not in the bundle", async () => {
  check(await publish(await withKernel(utf8("another"), utf8("another"))), "KERNEL_DISAGREES");
});
