/** The description of the REST API (OpenAPI 3.1), generated from the operations and their schemas. */
import { z } from "zod";
import { createDocument, type ZodOpenApiPathsObject } from "zod-openapi";
import { problemDetails } from "../../protocol/wire/index.ts";
import type { Operation } from "./operation.ts";
import { OPERATIONS } from "./operations.ts";
import { PROBLEM_MEDIA_TYPE } from "./problem.ts";

export type OpenApiDocument = ReturnType<typeof createDocument>;

const OPENAPI_VERSION = "3.1.0";

export function openApiDocument(version: string): OpenApiDocument {
  const paths: Record<string, Record<string, unknown>> = {};
  for (const operation of OPERATIONS) {
    paths[operation.path] = { ...paths[operation.path], [operation.method]: describe(operation) };
  }
  return createDocument({
    openapi: OPENAPI_VERSION,
    info: { title: "Retile server", version },
    paths: paths as ZodOpenApiPathsObject,
    security: [{ operatorToken: [] }],
    components: { securitySchemes: { operatorToken: { type: "http", scheme: "bearer" } } },
  });
}

function describe(operation: Operation) {
  const names = [...operation.path.matchAll(/\{(\w+)\}/g)].map(([, name = ""]) => name);
  const body = requestBodyOf(operation);
  const parameters = {
    ...(names.length > 0 && {
      path: z.object(Object.fromEntries(names.map((name) => [name, z.string()]))),
    }),
    ...(operation.query instanceof z.ZodObject && { query: operation.query }),
  };
  return {
    summary: operation.summary,
    description: `Needs the role \`${operation.role}\`.`,
    requestParams: parameters,
    ...(body && { requestBody: { required: true, content: body } }),
    responses: {
      [operation.status]: {
        description: "Done.",
        content: { "application/json": { schema: operation.reply } },
      },
      default: {
        description: "Not done.",
        content: { [PROBLEM_MEDIA_TYPE]: { schema: problemDetails } },
      },
    },
  };
}

function requestBodyOf({ body }: Operation) {
  switch (body.kind) {
    case "none":
      return undefined;
    case "json":
      return { "application/json": { schema: body.schema } };
    case "bytes":
      return { "application/octet-stream": { schema: { type: "string", format: "binary" } } };
  }
}
