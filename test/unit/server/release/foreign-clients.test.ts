/** Clients that other people wrote read our repository unmodified: tuf-js, and the Freedom of the Press one. */
import { mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeEach, expect, test } from "@jest/globals";
import { TUFClient, type FileBackend } from "@freedomofpress/tuf-browser";
import { Updater } from "tuf-js";
import { fromUtf8 } from "../../../../protocol/base/bytes.ts";
import {
  publishedBundle,
  publishedRepository,
  release,
  rotation,
  tamperWith,
  type PublishedRepository,
} from "../../../support/published-repository.ts";
import { testSigner } from "../../../support/signed-metadata.ts";

type Download = (path: string) => Promise<Uint8Array>;
/** A client with a memory of its own, that trusts the repository's first root. */
type ForeignClient = (repository: PublishedRepository) => Promise<Download>;

const folders: string[] = [];
let repository: PublishedRepository;

beforeEach(async () => {
  repository = await publishedRepository();
});

afterAll(async () => {
  for (const folder of folders) await rm(folder, { recursive: true });
});

const tufJs: ForeignClient = async ({ root, url }) => {
  const folder = await mkdtemp(join(tmpdir(), "retile-tuf-js-"));
  folders.push(folder);
  await writeFile(join(folder, "root.json"), root);
  return async (path) => {
    const updater = new Updater({
      metadataDir: folder,
      metadataBaseUrl: url,
      targetDir: folder,
      targetBaseUrl: `${url}/targets`,
      config: { fetchRetries: 0 },
    });
    await updater.refresh();
    const found = await updater.getTargetInfo(path);
    if (!found) throw new Error(`tuf-js does not find ${path}`);
    return new Uint8Array(
      await readFile(await updater.downloadTarget(found, join(folder, "file"))),
    );
  };
};

const tufBrowser: ForeignClient = ({ root, url }) => {
  const kept = new Map<string, unknown>();
  const backend = {
    read: (key: string) => Promise.resolve(structuredClone(kept.get(key))),
    write: (key: string, value: unknown) => Promise.resolve(void kept.set(key, value)),
    writeRaw: (key: string, value: Uint8Array) =>
      Promise.resolve(void kept.set(key, JSON.parse(fromUtf8(value)))),
    delete: (key: string) => Promise.resolve(void kept.delete(key)),
  } as FileBackend;
  return Promise.resolve(async (path) => {
    const client = new TUFClient(`${url}/`, fromUtf8(root), "retile", `${url}/targets/`, {
      backend,
    });
    await client.updateTUF();
    return new Uint8Array(await client.getTarget(path));
  });
};

test.each([
  ["tuf-js", tufJs],
  ["tuf-browser", tufBrowser],
])(
  "%s installs the first release, updates, follows rotated keys, and refuses tampering",
  async (_name, client) => {
    const download = await client(repository);
    await repository.publish(await release(1, ["1.0.0"]));
    expect(await download("drivers/sm8650/1.0.0")).toEqual(publishedBundle("1.0.0"));

    await repository.publish(await release(2, ["1.0.0", "1.1.0"]));
    expect(await download("drivers/sm8650/1.1.0")).toEqual(publishedBundle("1.1.0"));

    const next = { snapshotSigner: testSigner(60), timestampSigner: testSigner(61) };
    const { submission, signers } = await rotation(next);
    await repository.publish(submission, signers);
    expect(await download("drivers/sm8650/1.1.0")).toEqual(publishedBundle("1.1.0"));

    tamperWith(repository, "1.1.0");
    await expect(download("drivers/sm8650/1.1.0")).rejects.toThrow(/hash|mismatch/i);
    await repository.close();
  },
);
