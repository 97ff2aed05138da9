/** The store over PostgreSQL: the contract, and what only a database can do wrong. */
import { afterAll, beforeAll, describe, expect, test } from "@jest/globals";
import { readFileSync } from "node:fs";
import { brand, type TenantId } from "../../../../protocol/base/brand.ts";
import { storeOver, type OperatorToken, type Store } from "../../../../server/store/index.ts";
import { startTestCluster, type TestCluster } from "../../../support/server/database.ts";
import {
  AT,
  deviceId,
  enrolDevice,
  OTHER_TENANT,
  TENANT,
  testRollout,
} from "../../../support/server/contract-facts.ts";
import { storeContract } from "../../../support/server/store-contract.ts";

let cluster: TestCluster;

beforeAll(async () => {
  cluster = await startTestCluster();
}, 30_000);
afterAll(() => cluster.stop());

async function openWithTenants(): Promise<
  Store & { sql: Awaited<ReturnType<TestCluster["create"]>> }
> {
  const sql = await cluster.create();
  const store = storeOver(sql);
  for (const tenant of [TENANT, OTHER_TENANT]) await store.tenants.add(tenant, AT);
  return { ...store, sql };
}

storeContract("PostgreSQL", openWithTenants);

/** Release and repository metadata are shared; the rest is a tenant's own. */
const SHARED = ["_prisma_migrations", "metadata_versions", "releases"];

describe("tenants are kept apart", () => {
  test("every table but the shared ones has the tenant in every key and forces row-level security", async () => {
    const { sql } = await openWithTenants();
    const tables = await sql.asSuperuser<{ name: string; forced: boolean; keys: string[] }>(
      `SELECT c.relname AS name, c.relrowsecurity AND c.relforcerowsecurity AS forced,
         array(SELECT pg_get_indexdef(i.indexrelid) FROM pg_index i
               WHERE i.indrelid = c.oid AND (i.indisunique OR i.indisprimary)) AS keys
       FROM pg_class c WHERE c.relkind = 'r' AND c.relnamespace = 'public'::regnamespace`,
    );
    const own = tables.filter(({ name }) => !SHARED.includes(name));
    expect(own.length).toBeGreaterThan(10);
    for (const { name, forced, keys } of own) {
      expect({ name, forced }).toEqual({ name, forced: true });
      for (const key of keys) expect(key).toMatch(/\(tenant[,)]/);
    }
  });

  test("one tenant's transaction reads and changes nothing of another, in any table", async () => {
    const { sql, ...store } = await openWithTenants();
    await enrolDevice(store, deviceId(1));
    await store.rollouts.create(testRollout(), "test");
    const tables = ["devices", "rollouts", "audit_entries", "enrolment_tokens", "tenants"];
    for (const table of tables) {
      const count = `SELECT count(*)::int AS count FROM ${table} WHERE tenant = '${TENANT}'`;
      const seenBy = (tenant: TenantId) =>
        sql.withSql(tenant, (own) => own.query<{ count: number }>(count));
      expect({ table, rows: await seenBy(TENANT) }).not.toEqual({ table, rows: [{ count: 0 }] });
      expect({ table, rows: await seenBy(OTHER_TENANT) }).toEqual({ table, rows: [{ count: 0 }] });
    }
    const stolen = sql.withSql(OTHER_TENANT, (own) =>
      own.query("UPDATE devices SET status = 'held' RETURNING device"),
    );
    expect(await stolen).toEqual([]);
    const forged = sql.withPrisma(OTHER_TENANT, (prisma) =>
      prisma.tenant.create({ data: { tenant: "forged", createdAt: new Date() } }),
    );
    await expect(forged).rejects.toThrow(/row-level security|denied/);
  });

  test("the application's role is bound by policies and can rewrite no history", async () => {
    const { sql } = await openWithTenants();
    const [role] = await sql.withSql(TENANT, (own) =>
      own.query(
        `SELECT rolname, rolsuper, rolbypassrls FROM pg_roles WHERE rolname = current_user`,
      ),
    );
    expect(role).toEqual({ rolname: "retile_app", rolsuper: false, rolbypassrls: false });
    for (const table of ["audit_entries", "decisions", "metadata_versions"]) {
      const rewritten = sql.withSql(TENANT, (own) => own.query(`DELETE FROM ${table}`));
      await expect(rewritten).rejects.toThrow(/permission denied/);
    }
  });

  test("a changed audit entry is found", async () => {
    const { sql, ...store } = await openWithTenants();
    const entry = { tenant: TENANT, at: AT, actor: "a", action: "b", subject: "c", details: {} };
    for (let count = 0; count < 3; count++) await store.audit.append(entry);
    expect(await store.audit.firstBroken(TENANT)).toBeNull();
    await sql.asSuperuser("UPDATE audit_entries SET actor = 'innocent' WHERE sequence = 2");
    expect(await store.audit.firstBroken(TENANT)).toBe(2);
  });

  test("a key set of the same epoch takes the place of the one before: it is valid for longer", async () => {
    const { repository } = await openWithTenants();
    const publish = (epoch: number, content: number) => {
      const keySet = { tenant: TENANT, epoch, content: new Uint8Array([content]) };
      return repository.publish({ metadata: [], releases: [], directorKeys: [keySet], now: AT });
    };
    for (const content of [1, 2]) expect(await publish(1, content)).toMatchObject({ ok: true });
    expect(await repository.directorKeys(TENANT)).toMatchObject({
      ...{ epoch: 1, content: new Uint8Array([2]) },
    });
    expect(await publish(2, 3)).toMatchObject({ ok: true });
    expect(await repository.directorKeys(TENANT)).toMatchObject({ epoch: 2 });
  });

  test("a role's version is published once", async () => {
    const { repository } = await openWithTenants();
    const file = { role: "timestamp", version: 1, content: new Uint8Array([1]) };
    const publication = { metadata: [file], releases: [], directorKeys: [], now: AT };
    expect(await repository.publish(publication)).toMatchObject({ ok: true });
    const twin = { ...publication, metadata: [{ ...file, content: new Uint8Array([2]) }] };
    const refused = await repository.publish(twin);
    expect(refused).toMatchObject({ ok: false, code: "VERSION_ALREADY_PUBLISHED" });
  });
});

test("Prisma's schema names every table and column that the migration makes, and no other", async () => {
  const { sql } = await openWithTenants();
  const columns = await sql.asSuperuser<{ name: string }>(
    `SELECT table_name || '.' || column_name AS name FROM information_schema.columns
     WHERE table_schema = 'public' AND table_name <> '_prisma_migrations'`,
  );
  const migrated = columns.map(({ name }) => name).sort();
  expect(columnsOfSchema(readFileSync(SCHEMA, "utf8")).sort()).toEqual(migrated);
});

const SCHEMA = new URL("../../../../prisma/schema.prisma", import.meta.url);

/** `table.column` for every field of every model. */
function columnsOfSchema(text: string): string[] {
  return [...text.matchAll(/^model \w+ \{\n(.*?)^\}/gms)].flatMap(([, body = ""]) => {
    const table = /@@map\("(\w+)"\)/.exec(body)?.[1] ?? "";
    const fields = [...body.matchAll(/^ {2}(\w+) +[A-Z]\w*.*$/gm)];
    return fields.map(([line, field]) => `${table}.${/ @map\("(\w+)"\)/.exec(line)?.[1] ?? field}`);
  });
}

test("another tenant's token is not found", async () => {
  const { tenants } = await openWithTenants();
  const token: OperatorToken = {
    ...{ tenant: TENANT, id: "t1", name: "n", createdAt: AT, revokedAt: null },
    role: "admin",
    secretSha256: new Uint8Array(32),
  };
  await tenants.addOperatorToken(token);
  expect(await tenants.operatorToken(TENANT, "t1")).toMatchObject({ id: "t1" });
  expect(await tenants.operatorToken(brand<TenantId>("other"), "t1")).toBeUndefined();
});
