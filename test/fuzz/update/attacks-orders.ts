/** Attacks with the director's orders, and with images that offline keys did or did not sign. */
import { brand } from "../../../protocol/base/brand.ts";
import { utf8 } from "../../../protocol/base/bytes.ts";
import { canonicalJson } from "../../../protocol/base/canonical-json.ts";
import { sha256Hex, type Signer } from "../../../protocol/crypto/index.ts";
import {
  describeFile,
  driverPath,
  targetFilePath,
  type AssignmentFields,
  type RecallFields,
} from "../../../protocol/metadata/index.ts";
import { NOW } from "../../support/signed-metadata.ts";
import { pick, type Attack } from "./attack.ts";
import {
  ACCEPTED,
  assignment,
  ASSIGNMENT,
  bundle,
  CURRENT,
  FACTORY,
  FAMILY,
  familyTargets,
  KEYS,
  POLICY,
  POLICY_PATH,
  PROVENANCE_PATH,
  recall,
  signedStatement,
  topTargets,
  WANTED,
  WANTED_PATH,
  type Recipe,
} from "./recipe.ts";

const order = (name: string, code: string, change: Partial<AssignmentFields>): Attack => ({
  name: `assignment: ${name}`,
  code,
  recipe: (recipe) => void (recipe.order = { json: assignment(change), signers: KEYS.director }),
});
const orderBy = (name: string, signers: readonly Signer[]): Attack => ({
  name: `assignment: signed by ${name}`,
  code: "ASSIGNMENT_BAD_SIGNATURES",
  recipe: (recipe) => void (recipe.order = { ...recipe.order, signers }),
});
const recalls = (name: string, code: string, change: Partial<RecallFields>): Attack => ({
  name: `recall: ${name}`,
  code,
  recipe: (recipe) => void (recipe.order = { json: recall(change), signers: KEYS.director }),
});

const { target } = ASSIGNMENT;
const OLD_TARGET = {
  path: driverPath({ family: FAMILY, version: "1.0.0" }),
  ...{ sha256: sha256Hex(FACTORY), length: FACTORY.length },
};

const ORDER_ATTACKS: readonly Attack[] = [
  orderBy("a stranger", KEYS.stranger),
  orderBy("the offline targets keys", KEYS.targets),
  orderBy("the image's role", KEYS.delegate),
  orderBy("snapshot and timestamp", [...KEYS.snapshot, ...KEYS.timestamp]),
  orderBy("nobody", []),
  order("for another tenant", "ASSIGNMENT_WRONG_TENANT", { tenant: brand("other") }),
  order("for another device", "ASSIGNMENT_WRONG_DEVICE", { device: brand("phone-2") }),
  order("of an epoch that is over", "ASSIGNMENT_WRONG_EPOCH", { epoch: 2, sequence: 99 }),
  order("of an epoch that is not yet", "ASSIGNMENT_WRONG_EPOCH", { epoch: 4, sequence: 1 }),
  order("replayed", "ASSIGNMENT_REPLAYED", { sequence: ACCEPTED.sequence }),
  order("older than the last one", "ASSIGNMENT_REPLAYED", { sequence: 1 }),
  order("too late", "ASSIGNMENT_EXPIRED", { startBefore: NOW }),
  order("of a target without a name", "ASSIGNMENT_MALFORMED", { target: { ...target, path: "" } }),
  {
    name: "assignment: too large",
    code: "ASSIGNMENT_TOO_LARGE",
    world: (world) => void (world.order = new Uint8Array(20_000).fill(0x20)),
  },
  {
    name: "assignment: the one of the same number that says something else",
    code: "ASSIGNMENT_REPLAYED",
    recipe: ({ device }) => {
      const { epoch, sequence } = ASSIGNMENT;
      const contentSha256 = sha256Hex(utf8("another"));
      device.accepted = { epoch, sequence, contentSha256, finished: false };
    },
  },
  order("of a path that nobody vouches for", "TARGET_NOT_FOUND", {
    target: { ...target, path: driverPath({ family: FAMILY, version: "6.6.6" }) },
  }),
  order("of other bytes than signed", "ASSIGNMENT_DISAGREES_WITH_IMAGE", {
    target: { ...target, sha256: sha256Hex(utf8("evil")) },
  }),
  order("of another length than signed", "ASSIGNMENT_DISAGREES_WITH_IMAGE", {
    target: { ...target, length: 1 },
  }),
  recalls("of the recovery driver", "RECALL_OF_RECOVERY", { recalled: [sha256Hex(FACTORY)] }),
  recalls("to a version that never ran here", "RECALL_TO_UNCOMMITTED", { returnTo: target }),
  recalls("to what it recalls itself", "IMAGE_RECALLED", {
    returnTo: { ...target, sha256: sha256Hex(CURRENT) },
  }),
  recalls("of a recall that is over", "ASSIGNMENT_EXPIRED", { startBefore: NOW }),
  recalls("replayed", "ASSIGNMENT_REPLAYED", { sequence: 7 }),
  recalls("to other bytes than signed", "ASSIGNMENT_DISAGREES_WITH_IMAGE", {
    returnTo: { ...OLD_TARGET, length: 1 },
  }),
];

/** The family's role lists these bytes as version 1.2.0, and the director assigns them. */
export function signedImage(
  bytes: Uint8Array,
  { custom, statement }: { readonly custom?: unknown; readonly statement?: Uint8Array },
): NonNullable<Attack["recipe"]> {
  return (recipe) => {
    const json = familyTargets(3, [FACTORY, CURRENT, WANTED]);
    const honest = json.targets[WANTED_PATH];
    const described = custom === undefined ? honest?.custom : custom;
    const file = { ...describeFile(bytes), custom: described as Record<string, unknown> };
    const origin = statement && { [PROVENANCE_PATH]: describeFile(statement) };
    const targets = { ...json.targets, [WANTED_PATH]: file, ...origin };
    recipe.delegate.json = { ...json, targets };
    if (statement) recipe.contents.set(PROVENANCE_PATH, statement);
    assignBytes(recipe, bytes);
  };
}

function assignBytes(recipe: Recipe, bytes: Uint8Array): void {
  recipe.contents.set(WANTED_PATH, bytes);
  const change = { target: { ...target, sha256: sha256Hex(bytes), length: bytes.length } };
  recipe.order = { json: assignment(change), signers: KEYS.director };
}

export const FACTS = familyTargets(3, [WANTED]).targets[WANTED_PATH]?.custom ?? {};
const image = (name: string, code: string, change: object): Attack => {
  return {
    name: `image: ${name}`,
    code,
    recipe: signedImage(WANTED, { custom: { ...FACTS, ...change } }),
  };
};
/** Somebody with the family's keys, who signs a statement of it as well. */
const garbage = async (name: string, code: string, bytes: Uint8Array): Promise<Attack> => {
  const statement = await signedStatement(bytes);
  return { name: `bundle: ${name}`, code, recipe: signedImage(bytes, { statement }) };
};
const policy = (name: string, code: string, change: object): Attack => ({
  name: `policy: ${name}`,
  code,
  recipe: (recipe) => {
    recipe.contents.set(POLICY_PATH, canonicalJson({ ...POLICY, ...change }));
    recipe.targets.json = topTargets(3, recipe.contents);
  },
});

const IMAGE_ATTACKS: readonly Attack[] = [
  image("no driver", "NOT_A_DRIVER", { kind: "music" }),
  image("of another version than its path", "NOT_A_DRIVER", { version: "1.2.1" }),
  image("for another chip", "WRONG_HARDWARE", { socs: ["sm8350"] }),
  image("for another ABI", "WRONG_ABI", { abi: { major: 9, minor: 0 } }),
  image("for another ISA", "WRONG_ISA", { isa: { major: 9, minor: 0 } }),
  image("below its own floor", "BELOW_SECURITY_FLOOR", { securityFloor: "2.0.0" }),
  policy("a floor above the image", "BELOW_SECURITY_FLOOR", { securityFloor: "1.2.1" }),
  policy("a strong sandbox, where there is none", "SANDBOX_TOO_WEAK", { sandboxMin: "strong" }),
  policy("the image is revoked", "IMAGE_REVOKED", { revoked: [sha256Hex(WANTED)] }),
  {
    name: "image: recalled before",
    code: "IMAGE_RECALLED",
    recipe: ({ device }) => {
      device.slots = { recalled: { epoch: 3, sha256s: [sha256Hex(WANTED)] } };
    },
  },
];

function manifestOf(edit: (json: Record<string, unknown>) => unknown): Uint8Array {
  const length = new DataView(WANTED.buffer, WANTED.byteOffset).getUint32(8, true);
  const json = JSON.parse(new TextDecoder().decode(WANTED.subarray(44, 44 + length)));
  const manifest = canonicalJson(edit(json));
  const header = WANTED.slice(0, 44);
  new DataView(header.buffer).setUint32(8, manifest.length, true);
  header.set(Buffer.from(sha256Hex(manifest), "hex"), 12);
  return Uint8Array.from([...header, ...manifest, ...WANTED.subarray(44 + length)]);
}

const changed = (at: number, value: number): Uint8Array => {
  const bytes = WANTED.slice();
  bytes[at] = value;
  return bytes;
};
const DRIVER_FILE = { length: 1, sha256: sha256Hex(utf8("/")) };

const BUNDLE_ATTACKS: readonly Attack[] = await Promise.all<Attack>([
  garbage("not one at all", "BUNDLE_NOT_A_BUNDLE", changed(0, 0x20)),
  garbage("a beginning", "BUNDLE_TRUNCATED", WANTED.slice(0, 30)),
  garbage("ends in its manifest", "BUNDLE_TRUNCATED", WANTED.slice(0, 60)),
  garbage("a manifest that is not its own", "BUNDLE_MANIFEST_CORRUPT", changed(50, 0x20)),
  garbage("a manifest larger than any", "BUNDLE_TOO_LARGE", changed(11, 0xff)),
  garbage(
    "a manifest without a version",
    "BUNDLE_MANIFEST_INVALID",
    manifestOf((json) => {
      return { ...json, version: "new" };
    }),
  ),
  garbage(
    "a path out of its folder",
    "BUNDLE_MANIFEST_INVALID",
    manifestOf((json) => {
      return { ...json, files: [{ ...DRIVER_FILE, path: "../../etc/passwd" }] };
    }),
  ),
  garbage(
    "two files in one place",
    "BUNDLE_PATHS_CLASH",
    manifestOf((json) => {
      return {
        ...json,
        files: ["driver.js", "driver.js"].map((path) => ({ ...DRIVER_FILE, path })),
      };
    }),
  ),
  garbage(
    "bytes that belong to no file",
    "BUNDLE_LENGTH_MISMATCH",
    Uint8Array.from([...WANTED, 1]),
  ),
  garbage("a file that is another", "BUNDLE_FILE_CORRUPT", changed(WANTED.length - 1, 0x21)),
  garbage(
    "its manifest is for another chip",
    "WRONG_HARDWARE",
    bundle("1.2.0", { socs: ["sm8350"] }),
  ),
  garbage(
    "its manifest wants another ABI",
    "WRONG_ABI",
    bundle("1.2.0", { abi: { major: 9, minor: 0 } }),
  ),
  garbage(
    "its manifest wants another ISA",
    "WRONG_ISA",
    bundle("1.2.0", { isa: { major: 9, minor: 0 } }),
  ),
  Promise.resolve<Attack>({
    name: "bundle: changed on the disk before it is unpacked",
    code: "BUNDLE_HASH_MISMATCH",
    recipe: ({ device }) => void (device.spoilsDownload = true),
  }),
]);

const WANTED_FILE = targetFilePath({ path: WANTED_PATH, sha256: sha256Hex(WANTED) });
const download = (name: string, code: string, bytes: Uint8Array): Attack => {
  return {
    name: `download: ${name}`,
    code,
    world: ({ files }) => void files.set(WANTED_FILE, bytes),
  };
};

const DOWNLOAD_ATTACKS: readonly Attack[] = [
  download(
    "an older bundle",
    "DOWNLOAD_CORRUPT",
    Uint8Array.from(bundle("9.9.9")).slice(0, WANTED.length),
  ),
  download("longer than signed", "DOWNLOAD_TOO_LONG", Uint8Array.from([...WANTED, 0])),
  download("cut short", "DOWNLOAD_CUT_SHORT", WANTED.slice(0, -1)),
  download("nothing", "DOWNLOAD_CUT_SHORT", new Uint8Array(0)),
  {
    name: "download: a flipped bit",
    code: "DOWNLOAD_CORRUPT",
    world: ({ files }, random) => {
      const bytes = WANTED.slice();
      const at = random.below(bytes.length);
      bytes[at] = (bytes[at] ?? 0) ^ pick([1, 2, 4, 8, 16, 32, 64, 128], random);
      files.set(WANTED_FILE, bytes);
    },
  },
  {
    name: "download: held back",
    code: "SERVER_REFUSED",
    world: ({ files }) => void files.delete(WANTED_FILE),
  },
  {
    name: "download: more than the disk takes",
    code: "NO_SPACE",
    recipe: ({ device }) => void (device.diskBytes = 1 << 20),
  },
];

export const ORDERS_ATTACKS: readonly Attack[] = [
  ...ORDER_ATTACKS,
  ...IMAGE_ATTACKS,
  ...BUNDLE_ATTACKS,
  ...DOWNLOAD_ATTACKS,
];
