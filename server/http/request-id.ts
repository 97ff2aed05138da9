/** A number for every request: in its answer, its problem and the log. */
import { randomUUID } from "node:crypto";
import type { ServerResponse } from "node:http";

const HEADER = "x-request-id";

export function assignRequestId(response: ServerResponse): string {
  const id = randomUUID();
  response.setHeader(HEADER, id);
  return id;
}

export function requestIdOf(response: ServerResponse): string {
  return String(response.getHeader(HEADER) ?? "");
}
