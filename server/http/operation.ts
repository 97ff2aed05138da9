/**
 * An operation of the REST API as data: the application is mounted from the list of them, and the API's
 * description is generated from the same list.
 */
import { z } from "zod";
import type { Result } from "../../protocol/base/result.ts";
import type { OperatorRole } from "../store/index.ts";
import type { ServerContext } from "./context.ts";
import type { Operator } from "./tokens.ts";

export interface Call<Body, Query> {
  readonly context: ServerContext;
  readonly operator: Operator;
  readonly parameters: Readonly<Record<string, string>>;
  readonly body: Body;
  readonly query: Query;
}

interface Shared {
  readonly method: "get" | "post" | "put" | "delete";
  /** With parameters in braces. */
  readonly path: string;
  readonly summary: string;
  readonly role: OperatorRole;
  readonly status: 200 | 201;
}

/** What a handler needs of a request, by how its body is read. */
export interface Operation extends Shared {
  readonly query: z.ZodType;
  readonly body:
    | { readonly kind: "none" }
    | { readonly kind: "json"; readonly schema: z.ZodType; readonly bytesMax: number }
    | { readonly kind: "bytes"; readonly bytesMax: number };
  readonly reply: z.ZodType;
  readonly handle: (call: Call<never, never>) => Promise<Result<unknown>>;
}

interface Definition<Body, Query extends z.ZodType, Reply extends z.ZodType> extends Shared {
  readonly query?: Query;
  readonly reply: Reply;
  readonly handle: (call: Call<Body, z.output<Query>>) => Promise<Result<z.input<Reply>>>;
}

const NO_QUERY = z.strictObject({});
const JSON_BYTES_MAX = 1 << 20;

/** Without a body. */
export function readOperation<Reply extends z.ZodType, Query extends z.ZodType = typeof NO_QUERY>(
  definition: Definition<undefined, Query, Reply>,
): Operation {
  return { query: NO_QUERY, ...definition, body: { kind: "none" } };
}

export function jsonOperation<
  Schema extends z.ZodType,
  Reply extends z.ZodType,
  Query extends z.ZodType = typeof NO_QUERY,
>(
  definition: Definition<z.output<Schema>, Query, Reply> & {
    readonly accepts: Schema;
    readonly bytesMax?: number;
  },
): Operation {
  const { accepts: schema, bytesMax = JSON_BYTES_MAX, ...rest } = definition;
  return { query: NO_QUERY, ...rest, body: { kind: "json", schema, bytesMax } };
}

export function bytesOperation<Reply extends z.ZodType, Query extends z.ZodType = typeof NO_QUERY>(
  definition: Definition<Uint8Array, Query, Reply> & { readonly bytesMax: number },
): Operation {
  const { bytesMax, ...rest } = definition;
  return { query: NO_QUERY, ...rest, body: { kind: "bytes", bytesMax } };
}

/** A list as every list of the API comes. */
export function listOf<Item extends z.ZodType>(item: Item) {
  return z.object({ items: z.array(item) });
}
