/** What the server keeps: the only folder that knows the database. */
import { assignmentStore } from "./assignments.ts";
import { auditStore } from "./audit.ts";
import { orderStore } from "./orders.ts";
import { openDatabase, type Database, type DatabaseOptions } from "./database.ts";
import { deviceStore } from "./devices.ts";
import type { Store } from "./ports.ts";
import { reportStore } from "./reports.ts";
import { repositoryStore } from "./repository.ts";
import { rolloutStore } from "./rollouts.ts";
import { tenantStore } from "./tenants.ts";

export type { DatabaseOptions } from "./database.ts";
export { asDatabaseError, DatabaseError, type DatabaseCode } from "./errors.ts";
export * from "./ports.ts";

/** Throws DatabaseError when the database cannot serve. */
export async function openStore(options: DatabaseOptions): Promise<Store> {
  return storeOver(await openDatabase(options));
}

export function storeOver(database: Database): Store {
  return {
    tenants: tenantStore(database),
    devices: deviceStore(database),
    rollouts: rolloutStore(database),
    assignments: assignmentStore(database),
    orders: orderStore(database),
    reports: reportStore(database),
    audit: auditStore(database),
    repository: repositoryStore(database),
    close: () => database.close(),
  };
}
