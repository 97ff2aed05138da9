/** Tenants and the tokens of their operators and devices. */
import { brand, instant, type TenantId } from "../../protocol/base/brand.ts";
import type {
  OperatorToken as OperatorTokenRow,
  EnrolmentToken as EnrolmentTokenRow,
} from "../../prisma/generated/client.ts";
import { EVERY_TENANT, type Database } from "./database.ts";
import type { OperatorRole, OperatorToken, TenantStore } from "./ports.ts";

export function tenantStore(database: Database): TenantStore {
  return {
    list: () =>
      database.withPrisma(EVERY_TENANT, async (prisma) => {
        const rows = await prisma.tenant.findMany({ orderBy: { tenant: "asc" } });
        return rows.map(({ tenant }) => brand<TenantId>(tenant));
      }),
    add: (tenant, now) =>
      database.withPrisma(tenant, async (prisma) => {
        const row = { tenant, createdAt: new Date(now) };
        await prisma.tenant.createMany({ data: [row], skipDuplicates: true });
      }),
    addOperatorToken: (token) =>
      database.withPrisma(token.tenant, async (prisma) => {
        await prisma.operatorToken.create({ data: operatorTokenRow(token) });
      }),
    operatorToken: (tenant, id) =>
      database.withPrisma(tenant, async (prisma) => {
        const row = await prisma.operatorToken.findUnique({ where: { tenant_id: { tenant, id } } });
        return row ? operatorToken(row) : undefined;
      }),
    operatorTokens: (tenant) =>
      database.withPrisma(tenant, async (prisma) => {
        const rows = await prisma.operatorToken.findMany({ orderBy: { createdAt: "asc" } });
        return rows.map(operatorToken);
      }),
    revokeOperatorToken: (tenant, id, now) =>
      database.withPrisma(tenant, async (prisma) => {
        const where = { tenant, id, revokedAt: null };
        const data = { revokedAt: new Date(now) };
        return (await prisma.operatorToken.updateMany({ where, data })).count === 1;
      }),
    addEnrolmentToken: (token) =>
      database.withPrisma(token.tenant, async (prisma) => {
        const row: EnrolmentTokenRow = {
          ...token,
          secretSha256: new Uint8Array(token.secretSha256),
          createdAt: new Date(token.createdAt),
          expiresAt: new Date(token.expiresAt),
        };
        await prisma.enrolmentToken.create({ data: row });
      }),
  };
}

function operatorTokenRow(token: OperatorToken): OperatorTokenRow {
  return {
    ...token,
    secretSha256: new Uint8Array(token.secretSha256),
    createdAt: new Date(token.createdAt),
    revokedAt: token.revokedAt === null ? null : new Date(token.revokedAt),
  };
}

function operatorToken(row: OperatorTokenRow): OperatorToken {
  return {
    ...row,
    tenant: brand<TenantId>(row.tenant),
    role: row.role as OperatorRole,
    createdAt: instant(row.createdAt.getTime()),
    revokedAt: row.revokedAt && instant(row.revokedAt.getTime()),
  };
}
