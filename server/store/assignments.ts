/** Assignments: numbered for each device under its lock, signed, and kept byte for byte. */
import { present } from "../../protocol/base/assert.ts";
import { instant } from "../../protocol/base/brand.ts";
import type { Database, Sql } from "./database.ts";
import { issueOrder } from "./orders.ts";
import type { AssignmentStore, NewAssignment, StoredAssignment } from "./ports.ts";
import { assignmentFact, type AssignmentRow } from "./rows.ts";

export function assignmentStore(database: Database): AssignmentStore {
  return {
    find: (tenant, device, { rollout, purpose }) =>
      database.withSql(tenant, async (sql) => {
        const [row] = await sql.query<AssignmentRow>(
          `SELECT * FROM assignments
           WHERE tenant = $1 AND rollout = $2 AND device = $3 AND purpose = $4`,
          [tenant, rollout, device, purpose],
        );
        return row && stored(row);
      }),
    issue: (assignment) => database.withSql(assignment.tenant, (sql) => issue(sql, assignment)),
    ofDevice: (tenant, device) =>
      database.withSql(tenant, async (sql) => {
        const rows = await sql.query<AssignmentRow>(
          "SELECT * FROM assignments WHERE tenant = $1 AND device = $2 ORDER BY epoch, sequence",
          [tenant, device],
        );
        return rows.map(assignmentFact);
      }),
    ofRollout: (tenant, rollout) =>
      database.withSql(tenant, async (sql) => {
        const rows = await sql.query<AssignmentRow>(
          "SELECT * FROM assignments WHERE tenant = $1 AND rollout = $2 ORDER BY device, purpose",
          [tenant, rollout],
        );
        return rows.map(assignmentFact);
      }),
  };
}

async function issue(sql: Sql, assignment: NewAssignment): Promise<StoredAssignment> {
  const { tenant, device, rollout, purpose, stage, version, sign } = assignment;
  const { epoch, startBefore, now } = assignment;
  const order = { tenant, device, epoch, kind: "assignment", subject: rollout } as const;
  const { sequence, envelope } = await issueOrder(sql, { ...order, startBefore, now, sign });
  const [row] = await sql.query<AssignmentRow>(
    // Handed out anew to a device that is under way, it is the same attempt; after its end it is another.
    `INSERT INTO assignments AS old (tenant, rollout, device, purpose, stage, version, epoch, sequence,
       envelope, start_before, status, failing_models, assigned_at)
     VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, 'assigned', 0, $11)
     ON CONFLICT (tenant, rollout, device, purpose) DO UPDATE SET
       epoch = excluded.epoch, sequence = excluded.sequence, envelope = excluded.envelope,
       start_before = excluded.start_before,
       status = CASE WHEN old.status = 'accepted' THEN old.status ELSE 'assigned' END,
       accepted_at = CASE WHEN old.status = 'accepted' THEN old.accepted_at END,
       failure_code = NULL, failure_message = NULL, settled_at = NULL
     RETURNING *`,
    [
      ...[tenant, rollout, device, purpose, stage, version, epoch, sequence],
      ...[Buffer.from(envelope), new Date(assignment.startBefore), new Date(assignment.now)],
    ],
  );
  return stored(present(row, "the assignment just written"));
}

function stored(row: AssignmentRow): StoredAssignment {
  const envelope = new Uint8Array(row.envelope);
  return { ...assignmentFact(row), envelope, startBefore: instant(row.start_before.getTime()) };
}
