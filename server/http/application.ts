/** The Express application for operators: the operations, mounted. */
import express, { type Express, type Request, type RequestHandler, type Response } from "express";
import type { z } from "zod";
import { failed, succeeded, type Failure, type Result } from "../../protocol/base/result.ts";
import type { ServerContext } from "./context.ts";
import type { Call, Operation } from "./operation.ts";
import { OPERATIONS } from "./operations.ts";
import { openApiDocument } from "./openapi.ts";
import { failureOf, problemOf, sendProblem, type InvalidField } from "./problem.ts";
import { requestIdOf } from "./request-id.ts";
import { authenticate } from "./tokens.ts";

export function createApplication(context: ServerContext, version: string): Express {
  const application = express();
  application.disable("x-powered-by");
  application.set("query parser", "simple");
  const document = openApiDocument(version);
  application.get("/healthz", health(context));
  application.get("/metrics", (_, response) => {
    response.type("text/plain; version=0.0.4").send(context.metrics.text());
  });
  application.get("/openapi.json", (_, response) => void response.json(document));
  for (const operation of OPERATIONS) mount(application, operation, context);
  application.use((request: Request, response: Response) => {
    refuse(response, failed("NOT_FOUND", `There is no ${request.method} ${request.path}.`));
  });
  application.use(onError(context));
  return application;
}

function health({ store, log }: ServerContext): RequestHandler {
  return async (_, response) => {
    try {
      await store.tenants.list();
      response.json({ status: "ok" });
    } catch (error) {
      log.warn({ error }, "not healthy");
      refuse(response, failureOf(error));
    }
  };
}

function mount(application: Express, operation: Operation, context: ServerContext): void {
  const path = operation.path.replace(/\{(\w+)\}/g, ":$1");
  application[operation.method](path, async (request, response) => {
    const operator = await authenticate(
      request.headers.authorization,
      operation.role,
      context.store,
    );
    if (!operator.ok) return refuse(response, operator);
    const query = parseWith(operation.query, request.query);
    if (!query.ok) return refuse(response, query, query.errors);
    const body = await bodyOf(operation, request, response);
    if (!body.ok) return refuse(response, body, body.errors);
    const call = {
      context,
      operator: operator.value,
      parameters: request.params,
      query: query.value,
      body: body.value,
    };
    const reply = await operation.handle(call as unknown as Call<never, never>);
    if (!reply.ok) return refuse(response, reply);
    response.status(operation.status).json(reply.value);
  });
}

type Parsed = Result<unknown, "REQUEST_INVALID"> & { readonly errors?: readonly InvalidField[] };

function parseWith(schema: z.ZodType, input: unknown): Parsed {
  const parsed = schema.safeParse(input);
  if (parsed.success) return succeeded(parsed.data);
  const errors = parsed.error.issues.map(({ path, message }) => ({
    path: path.join("."),
    message,
  }));
  const [first] = errors;
  const where = first?.path ? `${first.path}: ` : "";
  const message = `The request is not valid: ${where}${first?.message ?? ""}.`;
  return { ...failed("REQUEST_INVALID", message), errors };
}

async function bodyOf({ body }: Operation, request: Request, response: Response): Promise<Parsed> {
  switch (body.kind) {
    case "none":
      return succeeded(undefined);
    case "json":
      await read(express.json({ limit: body.bytesMax, strict: true }), request, response);
      return parseWith(body.schema, request.body);
    case "bytes": {
      await read(express.raw({ limit: body.bytesMax, type: () => true }), request, response);
      const bytes: unknown = request.body;
      return succeeded(new Uint8Array(Buffer.isBuffer(bytes) ? bytes : Buffer.alloc(0)));
    }
  }
}

/** Only after authentication: strangers do not make the server read megabytes. */
function read(parser: RequestHandler, request: Request, response: Response): Promise<void> {
  return new Promise((resolve, reject) => {
    parser(request, response, (error?: unknown) => {
      if (error === undefined) resolve();
      else reject(error as Error);
    });
  });
}

function onError({ log }: ServerContext) {
  // Express recognises an error handler by its four parameters.
  // eslint-disable-next-line max-params
  return (error: unknown, request: Request, response: Response, _next: unknown): void => {
    const failure = bodyFailure(error) ?? failureOf(error);
    if (failure.code === "INTERNAL") {
      log.error({ error, requestId: requestIdOf(response), path: request.path }, "failed");
    }
    refuse(response, failure);
  };
}

/** What the body parsers throw. */
function bodyFailure(error: unknown): Failure | undefined {
  const { type } = error as { type?: unknown };
  if (type === "entity.too.large") {
    return failed("BODY_TOO_LARGE", "The request's body is larger than this operation takes.");
  }
  if (type === "entity.parse.failed") {
    return failed("REQUEST_INVALID", "The request's body is not JSON.");
  }
  return typeof type === "string" && /^(entity|encoding|charset|request)\./.test(type)
    ? failed("REQUEST_INVALID", "The request's body is not readable.")
    : undefined;
}

function refuse(response: Response, failure: Failure, errors?: readonly InvalidField[]): void {
  sendProblem(response, problemOf(failure, requestIdOf(response), errors));
}
