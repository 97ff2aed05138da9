/** The published TUF metadata, releases and director keys: what the static files are made from. */
import { brand, instant, type Sha256 } from "../../protocol/base/brand.ts";
import { failed, succeeded, type Result } from "../../protocol/base/result.ts";
import { driverFactsSchema } from "../../protocol/metadata/index.ts";
import { EVERY_TENANT, type Database, type PrismaTransaction } from "./database.ts";
import { isUniqueViolation } from "./errors.ts";
import type { NewPublication, RepositoryStore } from "./ports.ts";

export function repositoryStore(database: Database): RepositoryStore {
  return {
    newestMetadata: () =>
      database.withPrisma(EVERY_TENANT, (prisma) =>
        prisma.metadataVersion.findMany({
          distinct: ["role"],
          orderBy: [{ role: "asc" }, { version: "desc" }],
          select: FILE,
        }),
      ),
    roots: () =>
      database.withPrisma(EVERY_TENANT, (prisma) =>
        prisma.metadataVersion.findMany({
          where: { role: "root" },
          orderBy: { version: "asc" },
          select: FILE,
        }),
      ),
    publish: (publication) => publish(database, publication),
    releases: () =>
      database.withPrisma(EVERY_TENANT, async (prisma) => {
        const rows = await prisma.release.findMany({ orderBy: { path: "asc" } });
        return rows.map((row) => ({
          path: row.path,
          family: row.family,
          version: row.version,
          sha256: brand<Sha256>(row.sha256),
          length: Number(row.length),
          facts: driverFactsSchema.parse(row.facts),
          publishedAt: instant(row.publishedAt.getTime()),
        }));
      }),
    directorKeys: (tenant) =>
      database.withPrisma(tenant, async (prisma) => {
        const row = await prisma.directorKeySet.findFirst({ orderBy: { epoch: "desc" } });
        return row ? { tenant, epoch: Number(row.epoch), content: row.content } : undefined;
      }),
  };
}

const FILE = { role: true, version: true, content: true } as const;

async function publish(
  database: Database,
  publication: NewPublication,
): Promise<Result<null, "VERSION_ALREADY_PUBLISHED">> {
  try {
    await database.withPrisma(EVERY_TENANT, (prisma) => insertAll(prisma, publication));
    return succeeded(null);
  } catch (error) {
    if (!isUniqueViolation(error)) throw error;
    const message = "Another publication took one of these versions: submit again.";
    return failed("VERSION_ALREADY_PUBLISHED", message);
  }
}

async function insertAll(prisma: PrismaTransaction, publication: NewPublication): Promise<void> {
  const { metadata, releases, directorKeys, now } = publication;
  const at = new Date(now);
  await prisma.metadataVersion.createMany({
    data: metadata.map(({ role, version, content }) => {
      return { role, version, content: new Uint8Array(content), createdAt: at };
    }),
  });
  await prisma.release.createMany({
    data: releases.map((release) => ({ ...release, publishedAt: at })),
  });
  for (const { tenant, epoch, content } of directorKeys) {
    // Each key set is its tenant's own row.
    await prisma.$executeRaw`SELECT set_config('retile.tenant', ${tenant}, true)`;
    const facts = { content: new Uint8Array(content), publishedAt: at };
    await prisma.directorKeySet.upsert({
      where: { tenant_epoch: { tenant, epoch } },
      create: { tenant, epoch, ...facts },
      // The same keys, valid for longer.
      update: facts,
    });
  }
}
