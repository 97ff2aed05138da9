/** The REST API for tests: typed calls over fetch, failures as values with the server's code. */
import type { z } from "zod";
import { failed, succeeded, type Result } from "../../../protocol/base/result.ts";
import { sha256Hex } from "../../../protocol/crypto/index.ts";
import {
  modelOutcomeView,
  problemDetails,
  releaseView,
  rolloutView,
  deviceView,
  type CreateRollout,
  type RolloutAction,
} from "../../../protocol/wire/index.ts";
import { listOf } from "../../../server/http/operation.ts";
import {
  assignmentView,
  auditView,
  decisionView,
  deviceDetails,
  evidenceView,
  explanationView,
  keysView,
  newEnrolmentTokenView,
  recallView,
  publicationView,
  uploadView,
} from "../../../server/http/schemas.ts";

export interface ClientOptions {
  readonly url: string;
  /** An operator's bearer token. */
  readonly token: string;
}

export type ClientCode = "SERVER_UNREACHABLE" | "SERVER_ANSWER_INVALID" | (string & {});

/** What the offline side signed, with the contents that it lists. */
export interface SignedPublication {
  readonly roots?: readonly Uint8Array[];
  readonly targets?: ReadonlyMap<string, Uint8Array>;
  /** Uploaded first; the order and the paths do not matter to the server. */
  readonly contents?: Iterable<Uint8Array>;
}

export type OperatorClient = ReturnType<typeof operatorClient>;

export function operatorClient(options: ClientOptions) {
  const get = <S extends z.ZodType>(path: string, schema: S) =>
    call({ ...options, method: "GET", path }, schema);
  const post = <S extends z.ZodType>(path: string, body: unknown, schema: S) =>
    call({ ...options, method: "POST", path, body: JSON.stringify(body) }, schema);
  const rollout = (id: string): string => `/v1/rollouts/${encodeURIComponent(id)}`;
  const device = (id: string): string => `/v1/devices/${encodeURIComponent(id)}`;
  return {
    keys: () => get("/v1/keys", keysView),
    upload: (content: Uint8Array) => upload(options, content),
    publish: (publication: SignedPublication) => publish(options, publication),
    releases: () => get("/v1/releases", listOf(releaseView)),
    createEnrolmentToken: (request: { uses: number; validForSeconds: number }) =>
      post("/v1/enrolment-tokens", request, newEnrolmentTokenView),
    rollouts: () => get("/v1/rollouts", listOf(rolloutView)),
    createRollout: (request: CreateRollout) => post("/v1/rollouts", request, rolloutView),
    rollout: (id: string) => get(rollout(id), rolloutView),
    act: (id: string, action: RolloutAction) => post(`${rollout(id)}/actions`, action, rolloutView),
    evidence: (id: string) => get(`${rollout(id)}/evidence`, evidenceView),
    decisions: (id: string) => get(`${rollout(id)}/decisions`, listOf(decisionView)),
    outcomes: (id: string) => get(`${rollout(id)}/outcomes`, listOf(modelOutcomeView)),
    assignments: (id: string) => get(`${rollout(id)}/assignments`, listOf(assignmentView)),
    devices: () => get("/v1/devices?limit=1000", listOf(deviceView)),
    device: (id: string) => get(device(id), deviceDetails),
    explain: (id: string) => get(`${device(id)}/explanation`, explanationView),
    recall: (request: { version: string; because: string }) =>
      post("/v1/recalls", request, recallView),
    audit: () => get("/v1/audit?limit=1000", auditView),
  };
}

interface Request extends ClientOptions {
  readonly method: "GET" | "POST" | "PUT";
  readonly path: string;
  readonly body?: string | Uint8Array;
}

async function call<S extends z.ZodType>(
  request: Request,
  schema: S,
): Promise<Result<z.output<S>, ClientCode>> {
  const { url, token, method, path, body } = request;
  const mediaType = typeof body === "string" ? "application/json" : "application/octet-stream";
  let response: Response;
  let text: string;
  try {
    response = await fetch(new URL(path, url), {
      method,
      headers: { authorization: `Bearer ${token}`, ...(body && { "content-type": mediaType }) },
      ...(body !== undefined && { body: typeof body === "string" ? body : new Uint8Array(body) }),
    });
    text = await response.text();
  } catch (error) {
    const cause = error instanceof Error ? (error.cause ?? error) : error;
    return failed("SERVER_UNREACHABLE", `${url} does not answer: ${String(cause)}.`, { url });
  }
  if (!response.ok) return refusal(response.status, text);
  const parsed = schema.safeParse(jsonOf(text));
  if (parsed.success) return succeeded(parsed.data);
  return failed("SERVER_ANSWER_INVALID", `${method} ${path} was answered in an unknown form.`);
}

function refusal(status: number, text: string): Result<never, ClientCode> {
  const problem = problemDetails.safeParse(jsonOf(text));
  if (!problem.success) {
    return failed("SERVER_ANSWER_INVALID", `The server answered ${status} without a reason.`);
  }
  const { code, detail, errors = [] } = problem.data;
  const fields = errors.slice(0, 3).map(({ path, message }) => `${path}: ${message}`);
  const details = fields.length > 0 ? { status, fields: fields.join("; ") } : { status };
  return failed(code, detail, details);
}

function jsonOf(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

function upload(options: ClientOptions, content: Uint8Array) {
  const path = `/v1/uploads/${sha256Hex(content)}`;
  return call({ ...options, method: "PUT", path, body: content }, uploadView);
}

async function publish(options: ClientOptions, publication: SignedPublication) {
  const { roots = [], targets = new Map<string, Uint8Array>(), contents = [] } = publication;
  for (const content of new Set(contents)) {
    const uploaded = await upload(options, content);
    if (!uploaded.ok) return uploaded;
  }
  const text = (bytes: Uint8Array): string => Buffer.from(bytes).toString("utf8");
  const body = JSON.stringify({
    roots: roots.map(text),
    targets: Object.fromEntries([...targets].map(([role, bytes]) => [role, text(bytes)])),
  });
  return call({ ...options, method: "POST", path: "/v1/publications", body }, publicationView);
}
