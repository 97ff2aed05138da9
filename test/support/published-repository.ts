/** Our repository, published by the server's own code and served over loopback HTTP, for clients of other people. */
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { instant } from "../../protocol/base/brand.ts";
import { utf8 } from "../../protocol/base/bytes.ts";
import { packBundle } from "../../protocol/bundle/index.ts";
import { sha256Hex, type Signer } from "../../protocol/crypto/index.ts";
import {
  publishRepository,
  startRepository,
  type RepositoryState,
  type Submission,
} from "../../server/release/index.ts";
import { listDrivers } from "./listed-drivers.ts";
import { KEYS, makeRoot, makeTargets } from "./signed-metadata.ts";

// Those clients take the time from the system's clock, so this repository must be fresh by it.
const NOW = instant(Date.now());
export const NEXT_YEAR = instant(NOW + 365 * 24 * 3600 * 1000);

export interface PublishedRepository {
  readonly root: Uint8Array;
  /** Its files by path: what lies here is served. */
  readonly served: Map<string, Uint8Array>;
  readonly url: string;
  /** Adds releases of these versions as one publication. */
  publish(submission: Submission, signers?: OnlineSigners): Promise<void>;
  close(): Promise<void>;
}

export interface OnlineSigners {
  readonly snapshotSigner: Signer;
  readonly timestampSigner: Signer;
}

const SIGNERS = { snapshotSigner: KEYS.snapshot, timestampSigner: KEYS.timestamp };

export async function publishedRepository(): Promise<PublishedRepository> {
  const served = new Map<string, Uint8Array>();
  const server = createServer((request, response) => {
    const bytes = served.get(decodeURIComponent(request.url ?? "").slice(1));
    response.writeHead(bytes ? 200 : 404).end(bytes);
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const root = await makeRoot({ expires: NEXT_YEAR });
  const started = startRepository(root, NOW);
  if (!started.ok) throw new Error(started.message);
  let state: RepositoryState = started.value;
  return {
    root,
    served,
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    publish: async (submission, signers = SIGNERS) => {
      const hasFile = (path: string) => Promise.resolve(served.has(path));
      const outcome = await publishRepository(state, submission, { ...signers, now: NOW, hasFile });
      if (!outcome.ok) throw new Error(`${outcome.code}: ${outcome.message}`);
      for (const [path, bytes] of outcome.value.files) served.set(path, bytes);
      state = outcome.value.state;
    },
    close: async () => {
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}

export function publishedBundle(version: string): Uint8Array {
  return packBundle(new Map([["driver.js", utf8(`// driver ${version}`)]]), {
    version,
    abi: { major: 1, minor: 0 },
    isa: { major: 1, minor: 0 },
    socs: ["sm8650"],
    kernels: [],
    builtFrom: { recipe: version, sourceSha256: sha256Hex(utf8("source")) },
  });
}

export async function release(version: number, versions: readonly string[]): Promise<Submission> {
  const bundles = versions.map(publishedBundle);
  const { targets: listed, contents } = await listDrivers(bundles, { signers: [KEYS.targets] });
  const targets = await makeTargets({ version, expires: NEXT_YEAR, targets: listed });
  return { targets: new Map([["targets", targets.bytes]]), contents };
}

/** Rotates both online keys. */
export async function rotation(
  signers: OnlineSigners,
): Promise<{ readonly submission: Submission; readonly signers: OnlineSigners }> {
  const keys = { snapshot: [signers.snapshotSigner], timestamp: [signers.timestampSigner] };
  const next = await makeRoot({ version: 2, expires: NEXT_YEAR, keys, signers: [KEYS.root] });
  return { submission: { roots: [next] }, signers };
}

/** Changes the last byte of a published release, where it is served. */
export function tamperWith({ served }: PublishedRepository, version: string): void {
  const bytes = publishedBundle(version);
  const path = `targets/drivers/sm8650/${sha256Hex(bytes)}.${version}`;
  bytes[bytes.length - 1] = 0;
  served.set(path, bytes);
}
