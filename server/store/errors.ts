/** The closed codes of a database that cannot serve, and how the driver's errors map to them. */
import { CodedError } from "../../protocol/base/result.ts";

export type DatabaseCode =
  "DATABASE_LOCKED" | "DATABASE_UNAVAILABLE" | "DATABASE_NOT_SUPPORTED_HERE" | "MIGRATION_FAILED";

export class DatabaseError extends CodedError<DatabaseCode> {}

/** Names the world's failures; anything else is a bug and stays what it is. */
export function asDatabaseError(error: unknown): unknown {
  if (error instanceof CodedError) return error;
  const code = errorCodeOf(error);
  if (LOCKED.has(code)) {
    return new DatabaseError(
      "DATABASE_LOCKED",
      "The database is locked by other work: try again shortly.",
      { sqlState: code },
    ).because(error);
  }
  if (UNAVAILABLE.has(code) || code.startsWith("08") || isConnectionLost(error)) {
    return new DatabaseError("DATABASE_UNAVAILABLE", "The database does not answer.", {
      sqlState: code,
    }).because(error);
  }
  return error;
}

/** SQLSTATE or errno, wherever the driver or Prisma put it. */
export function errorCodeOf(error: unknown): string {
  let at: unknown = error;
  for (let depth = 0; depth < CAUSES_MAX && typeof at === "object" && at !== null; depth++) {
    const { code, originalCode, cause, meta } = at as Record<string, unknown>;
    const sqlState = [originalCode, code].find(
      (text) => typeof text === "string" && !/^P\d{4}$/.test(text),
    );
    if (typeof sqlState === "string") return sqlState;
    at = cause ?? (meta as { driverAdapterError?: unknown } | undefined)?.driverAdapterError;
  }
  return "";
}

export function isUniqueViolation(error: unknown): boolean {
  return errorCodeOf(error) === "23505" || (error as { code?: unknown })?.code === "P2002";
}

const CAUSES_MAX = 5;

/** Lock timeout, deadlock, serialisation failure. */
const LOCKED: ReadonlySet<string> = new Set(["55P03", "40P01", "40001"]);

const UNAVAILABLE: ReadonlySet<string> = new Set([
  ...["ECONNREFUSED", "ENOENT", "ECONNRESET", "EPIPE", "ETIMEDOUT", "ENOTFOUND"],
  // Shutting down, crashed, starting up, too many connections, wrong password, no such database.
  ...["57P01", "57P02", "57P03", "53300", "28P01", "28000", "3D000"],
]);

/** pg says these without a code; Prisma's are a pool and a transaction that did not start in time. */
function isConnectionLost(error: unknown): boolean {
  const message = error instanceof Error ? error.message : "";
  if (["P2024", "P2028"].includes(String((error as { code?: unknown } | null)?.code))) return true;
  return /Connection terminated|timeout exceeded when trying to connect/.test(message);
}
