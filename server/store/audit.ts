/** The audit log in the database: appended to under the tenant's lock, never changed (the role may not). */
import { brand, instant, type Sha256, type TenantId } from "../../protocol/base/brand.ts";
import type { Details } from "../../protocol/base/result.ts";
import type { AuditEntry as AuditRow } from "../../prisma/generated/client.ts";
import { chained, firstBrokenEntry } from "./audit-chain.ts";
import type { Database, Sql } from "./database.ts";
import type { AuditEntry, AuditStore, NewAuditEntry } from "./ports.ts";

export function auditStore(database: Database): AuditStore {
  return {
    append: (entry) => database.withSql(entry.tenant, (sql) => appendAudit(sql, entry)),
    list: (tenant, { limit, before }) =>
      database.withPrisma(tenant, async (prisma) => {
        const where = before === undefined ? {} : { sequence: { lt: before } };
        const newestFirst = { where, orderBy: { sequence: "desc" }, take: limit } as const;
        return (await prisma.auditEntry.findMany(newestFirst)).map(entryOf);
      }),
    firstBroken: (tenant) =>
      database.withPrisma(tenant, async (prisma) => {
        const rows = await prisma.auditEntry.findMany({ orderBy: { sequence: "asc" } });
        return firstBrokenEntry(rows.map(entryOf));
      }),
  };
}

/** As part of the transaction that does what is audited. */
export async function appendAudit(sql: Sql, entry: NewAuditEntry): Promise<AuditEntry> {
  // One writer at a time: each entry needs the hash of the one before.
  await sql.query("SELECT 1 FROM tenants WHERE tenant = $1 FOR NO KEY UPDATE", [entry.tenant]);
  const [last] = await sql.query<{ sequence: string; sha256: string }>(
    "SELECT sequence, sha256 FROM audit_entries WHERE tenant = $1 ORDER BY sequence DESC LIMIT 1",
    [entry.tenant],
  );
  const before = last && { sequence: Number(last.sequence), sha256: brand<Sha256>(last.sha256) };
  const made = chained(entry, before);
  await sql.query(
    `INSERT INTO audit_entries (tenant, sequence, at, actor, action, subject, details,
       previous_sha256, sha256) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9)`,
    [
      ...[made.tenant, made.sequence, new Date(made.at), made.actor, made.action, made.subject],
      ...[JSON.stringify(made.details), made.previousSha256, made.sha256],
    ],
  );
  return made;
}

function entryOf(row: AuditRow): AuditEntry {
  return {
    tenant: brand<TenantId>(row.tenant),
    sequence: Number(row.sequence),
    at: instant(row.at.getTime()),
    actor: row.actor,
    action: row.action,
    subject: row.subject,
    details: row.details as Details,
    previousSha256: brand<Sha256>(row.previousSha256),
    sha256: brand<Sha256>(row.sha256),
  };
}
