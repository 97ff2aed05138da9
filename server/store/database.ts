/** Opens the database, embedded or external, brings it up to date, and runs work inside one tenant. */
import { PrismaPg } from "@prisma/adapter-pg";
import { Client, Pool, type ClientConfig, type PoolClient, type QueryResultRow } from "pg";
import { PrismaClient, type Prisma } from "../../prisma/generated/client.ts";
import type { TenantId } from "../../protocol/base/brand.ts";
import { startEmbedded, type EmbeddedOptions } from "./embedded/cluster.ts";
import { asDatabaseError, errorCodeOf } from "./errors.ts";
import { migrate } from "./migrate.ts";

export type DatabaseOptions =
  | ({ readonly kind: "embedded" } & EmbeddedOptions)
  | { readonly kind: "external"; readonly url: string };

/** SQL inside a transaction that sees one tenant. */
export interface Sql {
  query<Row extends QueryResultRow>(text: string, values?: readonly unknown[]): Promise<Row[]>;
}

export type PrismaTransaction = Prisma.TransactionClient;

export interface Database {
  /** A transaction over Prisma, for what operators touch. */
  withPrisma<T>(scope: Scope, work: (prisma: PrismaTransaction) => Promise<T>): Promise<T>;
  /** A transaction over plain SQL, for hot paths. It may run more than once. */
  withSql<T>(scope: Scope, work: (sql: Sql) => Promise<T>): Promise<T>;
  /** The same, reading everything as of one moment. */
  withSnapshot<T>(scope: Scope, work: (sql: Sql) => Promise<T>): Promise<T>;
  close(): Promise<void>;
}

/** The tenant whose rows are visible; `*` sees shared tables and the tenants' names only. */
export type Scope = TenantId | typeof EVERY_TENANT;
export const EVERY_TENANT = "*";

const DATABASE_NAME = "retile";
const CONNECTIONS_MAX = 10;
const CONNECT_MS_MAX = 10_000;
const STATEMENT_MS_MAX = 30_000;
const LOCK_MS_MAX = 5_000;
/** As the application's role, which row-level security binds; nothing is waited for without end. */
const SESSION = [
  ...["-c role=retile_app", `-c lock_timeout=${LOCK_MS_MAX}`],
  `-c statement_timeout=${STATEMENT_MS_MAX}`,
].join(" ");
const ATTEMPTS_MAX = 5;

/** Throws DatabaseError. */
export async function openDatabase(options: DatabaseOptions): Promise<Database> {
  if (options.kind === "external") {
    return openMigrated({ connectionString: options.url }, () => Promise.resolve());
  }
  const cluster = await startEmbedded(options);
  try {
    await createDatabase(cluster.connection);
    return await openMigrated({ ...cluster.connection, database: DATABASE_NAME }, cluster.stop);
  } catch (error) {
    await cluster.stop();
    throw asDatabaseError(error);
  }
}

async function createDatabase(connection: ClientConfig): Promise<void> {
  await withClient(connection, async (client) => {
    const { rows } = await client.query("SELECT 1 FROM pg_database WHERE datname = $1", [
      DATABASE_NAME,
    ]);
    if (rows.length === 0) await client.query(`CREATE DATABASE ${DATABASE_NAME}`);
  });
}

async function openMigrated(
  connection: ClientConfig,
  stop: () => Promise<void>,
): Promise<Database> {
  await withClient(connection, (client) => migrate(client));
  const pool = new Pool({
    ...connection,
    max: CONNECTIONS_MAX,
    connectionTimeoutMillis: CONNECT_MS_MAX,
    options: SESSION,
  });
  // An idle connection that breaks is replaced; without a listener it would end the process.
  pool.on("error", () => undefined);
  const transactionOptions = { maxWait: CONNECT_MS_MAX, timeout: STATEMENT_MS_MAX };
  const prisma = new PrismaClient({ adapter: new PrismaPg(pool), transactionOptions });
  return {
    withPrisma: (scope, work) => retried(() => prismaTransaction(prisma, scope, work)),
    withSql: (scope, work) => retried(() => sqlTransaction(pool, { scope, begin: "BEGIN" }, work)),
    withSnapshot: (scope, work) => {
      const begin = "BEGIN ISOLATION LEVEL REPEATABLE READ";
      return retried(() => sqlTransaction(pool, { scope, begin }, work));
    },
    close: async () => {
      await prisma.$disconnect();
      await pool.end();
      await stop();
    },
  };
}

async function withClient<T>(
  connection: ClientConfig,
  work: (client: Client) => Promise<T>,
): Promise<T> {
  const client = new Client(connection);
  client.on("error", () => undefined);
  try {
    await client.connect();
    return await work(client);
  } catch (error) {
    throw asDatabaseError(error);
  } finally {
    await client.end().catch(() => undefined);
  }
}

/** Two transactions that met are run again; the database chose which of them had to yield. */
async function retried<T>(run: () => Promise<T>): Promise<T> {
  for (let attempt = 1; ; attempt++) {
    try {
      return await run();
    } catch (error) {
      const yielded = ["40001", "40P01"].includes(errorCodeOf(error));
      if (!yielded || attempt >= ATTEMPTS_MAX) throw asDatabaseError(error);
    }
  }
}

function prismaTransaction<T>(
  prisma: PrismaClient,
  scope: Scope,
  work: (transaction: PrismaTransaction) => Promise<T>,
): Promise<T> {
  return prisma.$transaction(async (transaction) => {
    await transaction.$executeRaw`SELECT set_config('retile.tenant', ${scope}, true)`;
    return work(transaction);
  });
}

async function sqlTransaction<T>(
  pool: Pool,
  { scope, begin }: { readonly scope: Scope; readonly begin: string },
  work: (sql: Sql) => Promise<T>,
): Promise<T> {
  const client = await pool.connect();
  let broken: Error | undefined;
  try {
    // In one message: every transaction begins with both.
    const tenant = client.escapeLiteral(scope);
    await client.query(`${begin}; SELECT set_config('retile.tenant', ${tenant}, true)`);
    const value = await work(sqlOver(client));
    await client.query("COMMIT");
    return value;
  } catch (error) {
    await client.query("ROLLBACK").catch((lost: Error) => (broken = lost));
    throw error;
  } finally {
    client.release(broken);
  }
}

function sqlOver(client: PoolClient): Sql {
  return {
    async query<Row extends QueryResultRow>(text: string, values: readonly unknown[] = []) {
      const { rows } = await client.query<Row>({ text, values: [...values] });
      return rows;
    },
  };
}
