/** A foreign client, the npm package tuf-js, reads our repository unmodified over loopback HTTP. */
import { createServer, type Server } from "node:http";
import { mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { AddressInfo } from "node:net";
import { afterAll, beforeAll, expect, test } from "@jest/globals";
import { Updater } from "tuf-js";
import { instant } from "../../../../protocol/base/brand.ts";
import { utf8 } from "../../../../protocol/base/bytes.ts";
import { packBundle } from "../../../../protocol/bundle/index.ts";
import { sha256Hex } from "../../../../protocol/crypto/index.ts";
import { describeDriver } from "../../../../protocol/metadata/index.ts";
import {
  publishRepository,
  startRepository,
  type RepositoryState,
  type Submission,
} from "../../../../server/release/index.ts";
import { KEYS, makeRoot, makeTargets, testSigner } from "../../../support/signed-metadata.ts";

// tuf-js takes the time from the system's clock, so this repository must be fresh by it.
const NOW = instant(Date.now());
const NEXT_YEAR = instant(NOW + 365 * 24 * 3600 * 1000);

const served = new Map<string, Uint8Array>();
let server: Server;
let baseUrl: string;
let folder: string;

beforeAll(async () => {
  server = createServer((request, response) => {
    const bytes = served.get(decodeURIComponent(request.url ?? "").slice(1));
    response.writeHead(bytes ? 200 : 404).end(bytes);
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  baseUrl = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  folder = await mkdtemp(join(tmpdir(), "retile-tuf-js-"));
});

afterAll(async () => {
  await new Promise((resolve) => server.close(resolve));
  await rm(folder, { recursive: true });
});

function bundle(version: string): Uint8Array {
  return packBundle(new Map([["driver.js", utf8(`// driver ${version}`)]]), {
    version,
    abi: { major: 1, minor: 0 },
    isa: { major: 1, minor: 0 },
    socs: ["sm8650"],
    kernels: [],
    builtFrom: { recipe: version, sourceSha256: sha256Hex(utf8("source")) },
  });
}

async function release(version: number, versions: readonly string[]): Promise<Submission> {
  const bundles = versions.map(bundle);
  const described = bundles.flatMap((bytes) => {
    const files = describeDriver(bytes, "1.0.0");
    if (!files.ok) throw new Error(files.message);
    return [...files.value];
  });
  const targets = await makeTargets({ version, expires: NEXT_YEAR, targets: new Map(described) });
  const contents = versions.map((name, index) => {
    return [`drivers/sm8650/${name}`, bundles[index] as Uint8Array] as const;
  });
  return { targets: new Map([["targets", targets.bytes]]), contents: new Map(contents) };
}

async function publish(
  state: RepositoryState,
  submission: Submission,
  signers = { snapshotSigner: KEYS.snapshot, timestampSigner: KEYS.timestamp },
): Promise<RepositoryState> {
  const hasFile = (path: string) => Promise.resolve(served.has(path));
  const outcome = await publishRepository(state, submission, { ...signers, now: NOW, hasFile });
  if (!outcome.ok) throw new Error(`${outcome.code}: ${outcome.message}`);
  for (const [path, bytes] of outcome.value.files) served.set(path, bytes);
  return outcome.value.state;
}

async function download(path: string): Promise<Uint8Array> {
  const updater = new Updater({
    metadataDir: folder,
    metadataBaseUrl: baseUrl,
    targetDir: folder,
    targetBaseUrl: `${baseUrl}/targets`,
    config: { fetchRetries: 0 },
  });
  await updater.refresh();
  const found = await updater.getTargetInfo(path);
  if (!found) throw new Error(`tuf-js does not find ${path}`);
  const file = await updater.downloadTarget(found, join(folder, "downloaded"));
  return new Uint8Array(await readFile(file));
}

test("tuf-js installs the first release, updates, follows rotated keys, and refuses tampering", async () => {
  const root = await makeRoot({ expires: NEXT_YEAR });
  await writeFile(join(folder, "root.json"), root);
  const started = startRepository(root, NOW);
  if (!started.ok) throw new Error(started.message);

  const first = await publish(started.value, await release(1, ["1.0.0"]));
  expect(await download("drivers/sm8650/1.0.0")).toEqual(bundle("1.0.0"));

  const second = await publish(first, await release(2, ["1.0.0", "1.1.0"]));
  expect(await download("drivers/sm8650/1.1.0")).toEqual(bundle("1.1.0"));

  const signers = { snapshotSigner: testSigner(60), timestampSigner: testSigner(61) };
  const keys = { snapshot: [signers.snapshotSigner], timestamp: [signers.timestampSigner] };
  const next = await makeRoot({ version: 2, expires: NEXT_YEAR, keys, signers: [KEYS.root] });
  await publish(second, { roots: [next] }, signers);
  expect(await download("drivers/sm8650/1.1.0")).toEqual(bundle("1.1.0"));

  const path = `targets/drivers/sm8650/${sha256Hex(bundle("1.1.0"))}.1.1.0`;
  const tampered = bundle("1.1.0");
  tampered[tampered.length - 1] = 0;
  served.set(path, tampered);
  await expect(download("drivers/sm8650/1.1.0")).rejects.toThrow(/hash/i);
});
