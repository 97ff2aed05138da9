/** Our client reads a repository that somebody else's library (@tufjs/models) wrote. */
import { expect, test } from "@jest/globals";
import {
  Key,
  MetaFile,
  Metadata,
  Root,
  Signature,
  Snapshot,
  TargetFile,
  Targets,
  Timestamp,
} from "@tufjs/models";
import { initializeTUFRepo } from "@tufjs/repo-mock";
import { instant } from "../../../../protocol/base/brand.ts";
import { hex, utf8 } from "../../../../protocol/base/bytes.ts";
import { sha256Hex, type Signer } from "../../../../protocol/crypto/index.ts";
import {
  checkTarget,
  findTarget,
  refresh,
  resolveTarget,
} from "../../../../device-agent/update/index.ts";
import { KEYS, testSigner } from "../../../support/signed-metadata.ts";
import { memoryWorld } from "./memory-ports.ts";

const EXPIRES = "2026-07-01T00:00:00Z";
const VENDOR = testSigner(70);
const CONTENT = utf8("kernel pack");

function foreignKey({ keyId, publicKey }: Signer): Key {
  const keyVal = { public: hex(publicKey) };
  return new Key({ keyID: keyId, keyType: "ed25519", scheme: "ed25519", keyVal });
}

/** The bytes of a document that their library serialises and ours signs. */
async function signed(
  document: Root | Targets | Snapshot | Timestamp,
  signer: Signer,
): Promise<Uint8Array> {
  const metadata = new Metadata(document);
  let toSign: Uint8Array = new Uint8Array(0);
  metadata.sign((bytes) => {
    toSign = bytes;
    return new Signature({ keyID: signer.keyId, sig: "" });
  });
  const sig = hex(await signer.sign(toSign));
  metadata.signatures[signer.keyId] = new Signature({ keyID: signer.keyId, sig });
  return utf8(JSON.stringify(metadata.toJSON(), null, 2));
}

function metaFile(bytes: Uint8Array): MetaFile {
  return new MetaFile({ version: 1, length: bytes.length, hashes: { sha256: sha256Hex(bytes) } });
}

async function foreignRepository(): Promise<Map<string, Uint8Array>> {
  const common = { version: 1, specVersion: "1.0.31", expires: EXPIRES };
  const root = new Root({ ...common, consistentSnapshot: true });
  for (const role of ["root", "targets", "snapshot", "timestamp"] as const) {
    root.addKey(foreignKey(KEYS[role]), role);
  }
  const hashes = { sha256: sha256Hex(CONTENT) };
  const kernels = new Targets(common);
  const path = "kernels/acme/pack";
  kernels.addTarget(new TargetFile({ path, length: CONTENT.length, hashes }));
  const role = { name: "acme", keyids: [VENDOR.keyId], threshold: 1, terminating: true };
  const top = Targets.fromJSON({
    ...(new Targets(common).toJSON() as Record<string, never>),
    delegations: {
      keys: { [VENDOR.keyId]: foreignKey(VENDOR).toJSON() },
      roles: [{ ...role, paths: ["kernels/acme/*"] }],
    },
  } as Parameters<typeof Targets.fromJSON>[0]);
  const [topBytes, kernelBytes] = [await signed(top, KEYS.targets), await signed(kernels, VENDOR)];
  const meta = { "targets.json": metaFile(topBytes), "acme.json": metaFile(kernelBytes) };
  const snapshot = await signed(new Snapshot({ ...common, meta }), KEYS.snapshot);
  const snapshotMeta = metaFile(snapshot);
  return new Map([
    ["1.root.json", await signed(root, KEYS.root)],
    ["1.targets.json", topBytes],
    ["1.acme.json", kernelBytes],
    ["1.snapshot.json", snapshot],
    ["timestamp.json", await signed(new Timestamp({ ...common, snapshotMeta }), KEYS.timestamp)],
  ]);
}

test("a repository made by @tufjs/repo-mock is refreshed, and its target downloaded", async () => {
  const made = initializeTUFRepo([{ name: "drivers/pack.bin", content: Buffer.from(CONTENT) }]);
  const json = (document: object): Uint8Array => utf8(JSON.stringify(document));
  const files = new Map([
    ["timestamp.json", json(made.timestampMeta)],
    ["snapshot.json", json(made.snapshotMeta)],
    ["targets.json", json(made.targetsMeta)],
  ]);
  const world = memoryWorld(json(made.rootMeta), files);
  // It is made to expire a year from now.
  const trusted = await refresh(world.at(instant(Date.now())));
  if (!trusted.ok) throw new Error(`${trusted.code}: ${trusted.message}`);
  const role = await findTarget(trusted.value, world.ports, "drivers/pack.bin");
  const target = role.ok ? role.value.role.targets.get("drivers/pack.bin") : undefined;
  if (!target) throw new Error("the target is not found");
  expect(checkTarget(CONTENT, target)).toBeUndefined();
  expect(checkTarget(utf8("kernel puck"), target)).toMatchObject({ code: "TARGET_HASH_MISMATCH" });
});

test("a repository written by @tufjs/models is refreshed, and its delegated target found", async () => {
  const files = await foreignRepository();
  const world = memoryWorld(files.get("1.root.json") as Uint8Array, files);
  const trusted = await refresh(world.ports);
  if (!trusted.ok) throw new Error(`${trusted.code}: ${trusted.message}`);
  const resolved = await resolveTarget(trusted.value, world.ports, "kernels/acme/pack");
  expect(resolved).toMatchObject({ ok: true, value: { target: { sha256: sha256Hex(CONTENT) } } });
});
