/** A server's life: starts, stops, starts again; and the starts that it refuses. */
import { afterAll, beforeAll, describe, expect, test } from "@jest/globals";
import { once } from "node:events";
import { chmodSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { createServer } from "node:net";
import { join } from "node:path";
import { Client } from "pg";
import { hex } from "../../protocol/base/bytes.ts";
import { unwrap } from "../../protocol/base/result.ts";
import { startServer } from "../../server/index.ts";
import { migrate } from "../../server/store/migrate.ts";
import { createOffline, testBundle, type Offline } from "../support/server/offline.ts";
import { startTestServer, temporaryFolder, type TestServer } from "../support/server/server.ts";

const HOUR_MS = 3600_000;

let server: TestServer;
let offline: Offline;

beforeAll(async () => {
  server = await startTestServer();
  offline = await createOffline(server);
  unwrap(await server.operator.publish(await offline.publication([testBundle("1.0.0")])));
}, 60_000);
afterAll(() => server.remove());

const roleVersion = async (role: string): Promise<number | undefined> => {
  const response = await fetch(`${server.url}/repository/metadata/timestamp.json`);
  const { signed } = (await response.json()) as {
    signed: { version: number; expires: string; meta: Record<string, { version: number }> };
  };
  return role === "timestamp" ? signed.version : signed.meta[`${role}.json`]?.version;
};

async function timestampReaches(version: number): Promise<void> {
  for (let attempt = 0; (await roleVersion("timestamp")) !== version; attempt++) {
    if (attempt > 100) throw new Error(`the timestamp does not reach ${version}`);
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
}

describe("keys", () => {
  test("offline key material is nowhere in the data directory and in no row of the database", async () => {
    const needles = offline.seeds.flatMap((seed) => {
      const bytes = Buffer.from(seed);
      return [bytes, ...[hex(seed), bytes.toString("base64"), bytes.toString("base64url")]];
    });
    const found = (haystack: Buffer): boolean =>
      needles.some((needle) => haystack.includes(needle));
    expect(found(Buffer.concat([Buffer.from("x"), Buffer.from(offline.seeds[0] ?? [])]))).toBe(
      true,
    );
    const files = filesBelow(server.dataDirectory);
    expect(files.length).toBeGreaterThan(10);
    for (const file of files)
      expect({ file, found: found(readFileSync(file)) }).toEqual({ file, found: false });
    for (const [table, rows] of await allRows(server.dataDirectory)) {
      expect({ table, found: found(Buffer.from(rows)) }).toEqual({ table, found: false });
      // Binary columns are printed in hexadecimal, which the needles include.
    }
  });
  test("online keys lie in files that only their owner reads, and one that is open stops the start", async () => {
    const folder = join(server.dataDirectory, "online");
    expect(readdirSync(folder).sort()).toEqual([
      ...["director-1.key.json", "snapshot-1.key.json", "timestamp-1.key.json"],
    ]);
    const path = join(folder, "director-1.key.json");
    chmodSync(path, 0o644);
    const start = startServer({ dataDirectory: server.dataDirectory, port: 0, mode: "demo" });
    await expect(start).rejects.toMatchObject({ code: "KEY_FILE_OPEN_TO_OTHERS" });
    chmodSync(path, 0o600);
  });
  test("a production server refuses to start on demo keys, and a demo says that it is one", async () => {
    expect(server.banner).toMatch(/DEMO/);
    const { dataDirectory } = server;
    const start = startServer({ dataDirectory, port: 0, mode: "production" });
    await expect(start).rejects.toMatchObject({ code: "DEMO_KEY_IN_PRODUCTION" });
  });
});

describe("starts that are refused", () => {
  test("on a folder that another server uses", async () => {
    const { dataDirectory } = server;
    const start = startServer({ dataDirectory, port: 0, mode: "demo" });
    await expect(start).rejects.toMatchObject({
      code: "DATABASE_LOCKED",
      message: expect.stringContaining("Another retile server"),
    });
  });
  test("with a database that does not answer", async () => {
    const dataDirectory = temporaryFolder();
    const databaseUrl = "postgresql://nobody@127.0.0.1:1/none";
    const start = startServer({ dataDirectory, port: 0, mode: "demo", databaseUrl });
    await expect(start).rejects.toMatchObject({ code: "DATABASE_UNAVAILABLE" });
    rmSync(dataDirectory, { recursive: true });
  });
});

describe("going on", () => {
  test("the timestamp is renewed at every start, the snapshot when half its life is over", async () => {
    const timestamp = (await roleVersion("timestamp")) ?? 0;
    const snapshot = (await roleVersion("snapshot")) ?? 0;
    server = await server.restart();
    await timestampReaches(timestamp + 1);
    expect(await roleVersion("snapshot")).toBe(snapshot);
    server.advance(5 * 24 * HOUR_MS);
    server = await server.restart();
    await timestampReaches(timestamp + 2);
    expect(await roleVersion("snapshot")).toBe(snapshot + 1);
  });
  test("a restart keeps tokens, releases and the published files, lost ones are written again", async () => {
    rmSync(join(server.dataDirectory, "repository/metadata"), { recursive: true });
    const { token } = server;
    server = await server.restart();
    expect(server.token).toBe(token);
    const { items } = unwrap(await server.operator.releases());
    expect(items.map(({ version }) => version)).toEqual(["1.0.0"]);
    expect((await fetch(`${server.url}/repository/metadata/1.root.json`)).status).toBe(200);
    expect(await roleVersion("snapshot")).toBeGreaterThan(0);
    const next = await offline.publication([testBundle("1.1.0")]);
    expect(unwrap(await server.operator.publish(next)).versions.targets).toBe(2);
  });
  test("a port that is taken is said so, and the database is let go", async () => {
    const blocker = createServer().listen(0, "127.0.0.1");
    await once(blocker, "listening");
    const { port } = blocker.address() as { port: number };
    await server.stop();
    const { dataDirectory } = server;
    const start = startServer({ dataDirectory, port, mode: "demo" });
    await expect(start).rejects.toMatchObject({ code: "PORT_TAKEN" });
    blocker.close();
    server = await startTestServer({}, dataDirectory);
  });
});

function filesBelow(folder: string): string[] {
  return readdirSync(folder, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map((entry) => join(entry.parentPath, entry.name));
}

/** As the superuser, past all policies. */
async function connectTo(dataDirectory: string): Promise<Client> {
  const pid = readFileSync(join(dataDirectory, "database/postmaster.pid"), "utf8").split("\n");
  const password = readFileSync(join(dataDirectory, "database.password"), "utf8");
  const place = { host: pid[4] ?? "", port: Number(pid[3]), user: "retile", database: "retile" };
  const client = new Client({ ...place, password });
  await client.connect();
  return client;
}

async function allRows(dataDirectory: string): Promise<[string, string][]> {
  const client = await connectTo(dataDirectory);
  const { rows: tables } = await client.query<{ name: string }>(
    "SELECT tablename AS name FROM pg_tables WHERE schemaname = 'public'",
  );
  const found: [string, string][] = [];
  for (const { name } of tables) {
    const { rows } = await client.query(`SELECT t::text AS row FROM "${name}" AS t`);
    found.push([name, JSON.stringify(rows)]);
  }
  await client.end();
  return found;
}

test("an edited migration is refused by name", async () => {
  const folder = temporaryFolder();
  mkdirSync(join(folder, "0001_init"));
  writeFileSync(join(folder, "0001_init/migration.sql"), "SELECT 1");
  const client = await connectTo(server.dataDirectory);
  await expect(migrate(client, folder)).rejects.toMatchObject({
    code: "MIGRATION_FAILED",
    message: "The migration 0001_init was edited after it had been applied.",
  });
  await client.end();
  rmSync(folder, { recursive: true });
});
