/** Seeded hostile repositories: whatever is served, the client neither throws nor trusts it, and recovers. */
import { expect, test } from "@jest/globals";
import { utf8 } from "../../../../protocol/base/bytes.ts";
import { seededRandom, type Random } from "../../../../protocol/base/random.ts";
import { signMetadata } from "../../../../protocol/metadata/index.ts";
import { refresh } from "../../../../device-agent/update/index.ts";
import {
  KEYS,
  makeRepository,
  makeRoot,
  testSigner,
  textTarget,
} from "../../../support/signed-metadata.ts";
import { codeOf } from "../../../support/trusted-sets.ts";
import { memoryWorld } from "./memory-ports.ts";

const CASES = 200;
const PATH = "drivers/sm8650/1.0.0";
const SIGNERS = [...Object.values(KEYS), testSigner(77)];

type Files = Map<string, Uint8Array>;
/** Changes what is served, given every honest file there ever was. */
type Attack = (files: Files, random: Random, honest: Files) => void | Promise<void>;

function pick<T>(items: readonly T[], random: Random): T {
  return items[random.below(items.length)] as T;
}

function alter(files: Files, random: Random, change: (bytes: Uint8Array) => Uint8Array): void {
  const path = pick([...files.keys()], random);
  files.set(path, change(files.get(path) as Uint8Array));
}

function flipped(bytes: Uint8Array, random: Random): Uint8Array {
  const copy = bytes.slice();
  const index = random.below(copy.length);
  copy[index] = (copy[index] ?? 0) ^ (1 << random.below(8));
  return copy;
}

/** Changes one field of a document and signs it anew, with keys that may or may not be the role's. */
async function resigned(files: Files, random: Random, honest: Files): Promise<void> {
  const path = pick([...honest.keys()], random);
  const document = JSON.parse(Buffer.from(honest.get(path) as Uint8Array).toString());
  const changes: Record<string, unknown>[] = [
    { version: random.below(5) },
    { expires: "2020-01-01T00:00:00Z" },
    { _type: pick(["root", "targets", "snapshot", "timestamp", "mirrors"], random) },
    { targets: { [PATH]: textTarget("evil") } },
    { meta: {} },
    {},
  ];
  const signers = [pick(SIGNERS, random), pick(SIGNERS, random)].filter(({ keyId }) => {
    // The thief holds every key but the offline ones.
    return keyId !== KEYS.root.keyId && keyId !== KEYS.targets.keyId;
  });
  files.set(path, await signMetadata({ ...document.signed, ...pick(changes, random) }, signers));
}

const ATTACKS: readonly Attack[] = [
  (files, random) => alter(files, random, (bytes) => flipped(bytes, random)),
  (files, random) => alter(files, random, (bytes) => bytes.slice(0, random.below(bytes.length))),
  (files, random) =>
    alter(files, random, () => utf8(pick(["", "{}", "[[[[", "null", '"x"'], random))),
  (files, random) => alter(files, random, () => new Uint8Array(1 << 21)),
  (files, random) => void files.delete(pick([...files.keys()], random)),
  (files, random, honest) => alter(files, random, () => pick([...honest.values()], random)),
  (files, random) => alter(files, random, () => pick([...files.values()], random)),
  resigned,
  resigned,
];

test(`${CASES} hostile repositories change nothing that the device trusts`, async () => {
  const seed = Number(process.env["RETILE_SEED"] ?? Date.now() % 0x7fffffff);
  const random = seededRandom(seed);
  const targets = { targets: new Map([[PATH, textTarget("good")]]) };
  const root = await makeRoot();
  const [old, good] = [
    await makeRepository({ version: 1, targets }),
    await makeRepository({ version: 2, targets: { ...targets, version: 2 } }),
  ];
  const healing = await makeRepository({ version: 9, targets });
  const honest = new Map([...old, ...good]);
  const codes = new Set<string>();
  for (let index = 0; index < CASES; index++) {
    const note = `RETILE_SEED=${seed}, case ${index}`;
    const world = memoryWorld(root, new Map([...good, ["2.root.json", root]]));
    if (random.below(2)) world.files.delete("2.root.json");
    for (let count = 1 + random.below(3); count > 0 && world.files.size > 0; count--) {
      await pick(ATTACKS, random)(world.files, random, honest);
    }
    const trusted = await refresh(world.ports);
    codes.add(codeOf(trusted));
    const described = trusted.ok ? trusted.value.targets?.targets : undefined;
    const hash = described?.get(PATH)?.hashes.get("sha256");
    expect([note, hash ?? "none"]).toEqual([
      note,
      trusted.ok ? textTarget("good").hashes["sha256"] : "none",
    ]);
    // What the attack left on the disk does not stand in the way of the honest repository.
    world.files.clear();
    for (const [path, bytes] of healing) {
      world.files.set(path, bytes);
    }
    const healed = await refresh(world.ports);
    expect([note, codeOf(healed)]).toEqual([note, "ok"]);
  }
  expect(codes.size).toBeGreaterThan(8);
});
