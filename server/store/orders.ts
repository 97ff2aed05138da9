/** The log of the director's orders, and the recalls that some of them carry out. */
import { present } from "../../protocol/base/assert.ts";
import { brand, instant, type Sha256, type TenantId } from "../../protocol/base/brand.ts";
import { failed, succeeded } from "../../protocol/base/result.ts";
import type { Database, Sql } from "./database.ts";
import { isUniqueViolation } from "./errors.ts";
import type { IssuedOrder, NewOrder, OrderStore, Recall } from "./ports.ts";

export function orderStore(database: Database): OrderStore {
  return {
    issued: (tenant, device, { epoch, sequence }) =>
      database.withSql(tenant, async (sql) => {
        const [row] = await sql.query<OrderRow>(
          `SELECT * FROM issued_orders
           WHERE tenant = $1 AND device = $2 AND epoch = $3 AND sequence = $4`,
          [tenant, device, epoch, sequence],
        );
        return row && orderOf(row);
      }),
    newestRecallOrder: (tenant, device) =>
      database.withSql(tenant, async (sql) => {
        const [row] = await sql.query<OrderRow>(
          `SELECT * FROM issued_orders WHERE tenant = $1 AND device = $2 AND kind = 'recall'
           ORDER BY epoch DESC, sequence DESC LIMIT 1`,
          [tenant, device],
        );
        return row && orderOf(row);
      }),
    issue: (order) => database.withSql(order.tenant, (sql) => issueOrder(sql, order)),
    recalls: (tenant) =>
      database.withSql(tenant, async (sql) => {
        const rows = await sql.query<RecallRow>(
          "SELECT * FROM recalls WHERE tenant = $1 ORDER BY number",
          [tenant],
        );
        return rows.map((row) => recallOf(tenant, row));
      }),
    addRecall: async (recall) => {
      const { tenant, version, sha256s, reason, actor, now } = recall;
      try {
        const row = await database.withSql(tenant, async (sql) => {
          const [added] = await sql.query<RecallRow>(
            `INSERT INTO recalls (tenant, number, version, sha256s, reason, actor, created_at)
             SELECT $1, coalesce(max(number), 0) + 1, $2, $3, $4, $5, $6 FROM recalls
             WHERE tenant = $1 RETURNING *`,
            [tenant, version, sha256s, reason, actor, new Date(now)],
          );
          return present(added, "the recall just written");
        });
        return succeeded(recallOf(tenant, row));
      } catch (error) {
        if (!isUniqueViolation(error)) throw error;
        return failed("ALREADY_RECALLED", `Version ${version} has been recalled.`, { version });
      }
    },
  };
}

/** The next number of the device, under its lock; the order is signed with it and logged. */
export async function issueOrder(sql: Sql, order: NewOrder): Promise<IssuedOrder> {
  const { tenant, device, epoch, kind, subject, startBefore, now } = order;
  const [numbered] = await sql.query<{ sequence: string }>(
    `UPDATE devices SET assignment_epoch = $3,
       assignment_sequence = CASE WHEN assignment_epoch = $3 THEN assignment_sequence + 1 ELSE 1 END
     WHERE tenant = $1 AND device = $2 RETURNING assignment_sequence AS sequence`,
    [tenant, device, epoch],
  );
  const sequence = Number(present(numbered, "the device of an order").sequence);
  const { envelope, contentSha256 } = await order.sign({ epoch, sequence });
  const [row] = await sql.query<OrderRow>(
    `INSERT INTO issued_orders (tenant, device, epoch, sequence, kind, subject, content_sha256,
       envelope, start_before, issued_at)
     VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10) RETURNING *`,
    [
      ...[tenant, device, epoch, sequence, kind, subject, contentSha256],
      ...[Buffer.from(envelope), new Date(startBefore), new Date(now)],
    ],
  );
  return orderOf(present(row, "the order just written"));
}

interface OrderRow {
  readonly epoch: string;
  readonly sequence: string;
  readonly kind: string;
  readonly subject: string;
  readonly content_sha256: string;
  readonly envelope: Buffer;
  readonly start_before: Date;
}

function orderOf(row: OrderRow): IssuedOrder {
  return {
    epoch: Number(row.epoch),
    sequence: Number(row.sequence),
    kind: row.kind as IssuedOrder["kind"],
    subject: row.subject,
    contentSha256: brand<Sha256>(row.content_sha256),
    envelope: new Uint8Array(row.envelope),
    startBefore: instant(row.start_before.getTime()),
  };
}

interface RecallRow {
  readonly number: number;
  readonly version: string;
  readonly sha256s: readonly string[];
  readonly reason: string;
  readonly actor: string;
  readonly created_at: Date;
}

function recallOf(tenant: TenantId, row: RecallRow): Recall {
  const { number, version, reason, actor } = row;
  const sha256s = row.sha256s.map((sha256) => brand<Sha256>(sha256));
  return {
    tenant,
    number,
    version,
    sha256s,
    reason,
    actor,
    createdAt: instant(row.created_at.getTime()),
  };
}
