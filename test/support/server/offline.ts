/** The offline side for server tests: keys in memory, bundles with a few bytes, signed documents. */
import { instant, type TenantId } from "../../../protocol/base/brand.ts";
import { fromHex, utf8 } from "../../../protocol/base/bytes.ts";
import { present } from "../../../protocol/base/assert.ts";
import { unwrap } from "../../../protocol/base/result.ts";
import { brand, type Sha256 } from "../../../protocol/base/brand.ts";
import { packBundle } from "../../../protocol/bundle/index.ts";
import { keyIdOf, keyObject, memorySigner, type Signer } from "../../../protocol/crypto/index.ts";
import {
  authorDirectorKeys,
  authorRoot,
  authorTargets,
  describeFile,
  directorKeysPath,
  signMetadata,
  type TargetFileJson,
} from "../../../protocol/metadata/index.ts";
import { listDrivers } from "../listed-drivers.ts";
import type { SignedPublication } from "./operator-client.ts";
import type { TestServer } from "./server.ts";

const DAY_MS = 24 * 3600 * 1000;

export interface Offline {
  readonly seeds: readonly Uint8Array[];
  readonly root: Uint8Array;
  /** The next version of targets metadata with everything listed so far and these bundles. */
  publication(bundles: readonly Uint8Array[]): Promise<SignedPublication>;
}

export function testBundle(version: string, socs = ["sm8650", "sm8350"], filler = ""): Uint8Array {
  return packBundle(new Map([["driver.js", utf8(`// driver ${version} ${filler}`)]]), {
    version,
    abi: { major: 1, minor: 0 },
    isa: { major: 1, minor: 0 },
    socs,
    kernels: [],
    builtFrom: { recipe: "test", sourceSha256: brand<Sha256>("0".repeat(64)) },
  });
}

/** Root and targets keys, with a root that names the server's online keys. */
export async function createOffline(
  server: Pick<TestServer, "operator" | "now" | "tenant">,
  tenant?: TenantId,
): Promise<Offline> {
  const keys = unwrap(await server.operator.keys());
  const seeds = [1, 2].map((number) => new Uint8Array(32).fill(0xa0 + number));
  const [rootSigner, targetsSigner] = seeds.map(memorySigner) as [Signer, Signer];
  const online = (key: { public: string }) => present(fromHex(key.public), "a public key");
  const now = server.now();
  const role = (publicKey: Uint8Array) => ({ publicKeys: [publicKey], threshold: 1 });
  const document = authorRoot({
    version: 1,
    expires: instant(now + 365 * DAY_MS),
    roles: {
      root: role(rootSigner.publicKey),
      targets: role(targetsSigner.publicKey),
      snapshot: role(online(keys.snapshot)),
      timestamp: role(online(keys.timestamp)),
    },
  });
  const root = await signMetadata(document, [rootSigner]);
  const director = online(keys.director);
  const directorKeys = utf8(
    JSON.stringify(
      authorDirectorKeys({
        tenant: tenant ?? server.tenant,
        epoch: 1,
        threshold: 1,
        keys: new Map([[keyIdOf(director), keyObject(director)]]),
        validFrom: instant(now - DAY_MS),
        validUntil: instant(now + 90 * DAY_MS),
      }),
    ),
  );
  const directorPath = directorKeysPath(tenant ?? server.tenant);
  const listed = new Map<string, TargetFileJson>([[directorPath, describeFile(directorKeys)]]);
  let version = 0;
  const contents = new Map<string, Uint8Array>([[directorPath, directorKeys]]);
  return {
    seeds,
    root,
    publication: async (bundles) => {
      const drivers = await listDrivers(bundles, { signers: [targetsSigner] });
      for (const [path, file] of drivers.targets) listed.set(path, file);
      for (const [path, bytes] of drivers.contents) contents.set(path, bytes);
      version += 1;
      const expires = instant(server.now() + 90 * DAY_MS);
      const targets = await signMetadata(authorTargets({ version, expires, targets: listed }), [
        targetsSigner,
      ]);
      return {
        ...(version === 1 && { roots: [root] }),
        targets: new Map([["targets", targets]]),
        contents: contents.values(),
      };
    },
  };
}
