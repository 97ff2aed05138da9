/** One embedded PostgreSQL a test file, one database a test. */
import { rmSync } from "node:fs";
import { Client } from "pg";
import { openDatabase, type Database } from "../../../server/store/database.ts";
import { startEmbedded, type EmbeddedCluster } from "../../../server/store/embedded/cluster.ts";
import { NO_DURABILITY, temporaryFolder } from "./server.ts";

export interface TestCluster {
  /** An empty, migrated database of its own. */
  create(): Promise<TestDatabase>;
  stop(): Promise<void>;
}

export interface TestDatabase extends Database {
  /** As the superuser, past all policies. */
  asSuperuser<Row>(sql: string, values?: readonly unknown[]): Promise<Row[]>;
}

export async function startTestCluster(): Promise<TestCluster> {
  const dataDirectory = temporaryFolder();
  const cluster = await startEmbedded({ dataDirectory, settings: NO_DURABILITY });
  const opened: Database[] = [];
  await asSuperuser(cluster, "postgres", { sql: "CREATE DATABASE template" });
  await (await openDatabase({ kind: "external", url: urlOf(cluster, "template") })).close();
  let count = 0;
  return {
    create: async () => {
      const name = `test_${++count}`;
      await asSuperuser(cluster, "postgres", { sql: `CREATE DATABASE ${name} TEMPLATE template` });
      const database = await openDatabase({ kind: "external", url: urlOf(cluster, name) });
      opened.push(database);
      return {
        ...database,
        asSuperuser: (sql, values = []) => asSuperuser(cluster, name, { sql, values }),
      };
    },
    stop: async () => {
      for (const database of opened) await database.close();
      await cluster.stop();
      rmSync(dataDirectory, { recursive: true, force: true });
    },
  };
}

function urlOf({ connection }: EmbeddedCluster, database: string): string {
  const { user, password, host, port } = connection;
  const socket = encodeURIComponent(String(host));
  return `postgresql://${user}:${String(password)}@/${database}?host=${socket}&port=${port}`;
}

async function asSuperuser<Row>(
  { connection }: EmbeddedCluster,
  database: string,
  { sql, values = [] }: { readonly sql: string; readonly values?: readonly unknown[] },
): Promise<Row[]> {
  const client = new Client({ ...connection, database });
  await client.connect();
  try {
    return (await client.query(sql, [...values])).rows as Row[];
  } finally {
    await client.end();
  }
}
