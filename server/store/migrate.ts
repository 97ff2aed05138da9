/**
 * Applies the checked-in migrations: each in one transaction, under an advisory lock, recorded in Prisma's own
 * table, so that `prisma migrate status` agrees. No Prisma tool is needed at run time.
 */
import { createHash, randomUUID } from "node:crypto";
import { existsSync, readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import type { Client } from "pg";
import { DatabaseError } from "./errors.ts";

const MIGRATIONS_FOLDER = fileURLToPath(new URL("../../prisma/migrations", import.meta.url));

/** The number that Prisma's own tool locks. */
const LOCK = 72707369;

const TABLE = `CREATE TABLE IF NOT EXISTS "_prisma_migrations" (
  "id" VARCHAR(36) PRIMARY KEY NOT NULL,
  "checksum" VARCHAR(64) NOT NULL,
  "finished_at" TIMESTAMPTZ,
  "migration_name" VARCHAR(255) NOT NULL,
  "logs" TEXT,
  "rolled_back_at" TIMESTAMPTZ,
  "started_at" TIMESTAMPTZ NOT NULL DEFAULT now(),
  "applied_steps_count" INTEGER NOT NULL DEFAULT 0
)`;

/** The names of the migrations that were applied now. Throws DatabaseError MIGRATION_FAILED. */
export async function migrate(client: Client, folder = MIGRATIONS_FOLDER): Promise<string[]> {
  await client.query("SELECT pg_advisory_lock($1)", [LOCK]);
  try {
    await client.query(TABLE);
    const applied: string[] = [];
    const known = await appliedMigrations(client);
    for (const migration of readMigrations(folder)) {
      const checksum = known.get(migration.name);
      if (checksum === undefined) {
        await applyOne(client, migration);
        applied.push(migration.name);
      } else if (checksum !== migration.checksum) {
        throw migrationFailed(migration.name, "was edited after it had been applied");
      }
      known.delete(migration.name);
    }
    const [stranger] = known.keys();
    if (stranger !== undefined) {
      throw migrationFailed(stranger, "is of a newer retile: this one would misread its tables");
    }
    return applied;
  } finally {
    await client.query("SELECT pg_advisory_unlock($1)", [LOCK]);
  }
}

interface Migration {
  readonly name: string;
  readonly sql: string;
  readonly checksum: string;
}

function readMigrations(folder: string): Migration[] {
  return readdirSync(folder)
    .sort()
    .filter((name) => existsSync(join(folder, name, "migration.sql")))
    .map((name) => {
      const sql = readFileSync(join(folder, name, "migration.sql"), "utf8");
      return { name, sql, checksum: createHash("sha256").update(sql).digest("hex") };
    });
}

async function appliedMigrations(client: Client): Promise<Map<string, string>> {
  const { rows } = await client.query<{ migration_name: string; checksum: string; ended: boolean }>(
    `SELECT migration_name, checksum, finished_at IS NOT NULL AS ended
     FROM "_prisma_migrations" WHERE rolled_back_at IS NULL`,
  );
  const half = rows.find(({ ended }) => !ended);
  if (half) throw migrationFailed(half.migration_name, "failed half-way before");
  return new Map(rows.map(({ migration_name, checksum }) => [migration_name, checksum]));
}

async function applyOne(client: Client, { name, sql, checksum }: Migration): Promise<void> {
  await client.query("BEGIN");
  try {
    await client.query(sql);
    await client.query(
      `INSERT INTO "_prisma_migrations" (id, checksum, migration_name, finished_at, applied_steps_count)
       VALUES ($1, $2, $3, now(), 1)`,
      [randomUUID(), checksum, name],
    );
    await client.query("COMMIT");
  } catch (error) {
    await client.query("ROLLBACK");
    throw migrationFailed(name, `cannot be applied: ${(error as Error).message}`).because(error);
  }
}

function migrationFailed(name: string, why: string): DatabaseError {
  return new DatabaseError("MIGRATION_FAILED", `The migration ${name} ${why}.`, { name });
}
