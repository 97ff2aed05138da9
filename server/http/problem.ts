/** Errors in their one shape: problem details (RFC 9457) with our closed code. */
import type { ServerResponse } from "node:http";
import { CodedError, failed, type Failure } from "../../protocol/base/result.ts";
import type { ProblemDetails } from "../../protocol/wire/index.ts";
import { asDatabaseError } from "../store/index.ts";

export const PROBLEM_MEDIA_TYPE = "application/problem+json";

/** Codes whose status says more than that the request was understood and refused (422). */
const STATUS_BY_CODE: ReadonlyMap<string, number> = new Map(
  Object.entries({
    400: ["WIRE_MALFORMED", "WIRE_FIELD_INVALID", "REQUEST_INVALID", "SIGNATURE_MALFORMED"],
    401: [
      ...["TOKEN_MISSING", "TOKEN_INVALID", "DEVICE_UNKNOWN", "REPORTS_BAD_SIGNATURE"],
      ...["SIGNATURE_MISSING", "SIGNATURE_CLOCK_SKEW", "SIGNATURE_WRONG_DIGEST", "SIGNATURE_WRONG"],
    ],
    403: ["ROLE_NOT_ALLOWED", "ENROLMENT_TOKEN_INVALID"],
    404: ["NOT_FOUND"],
    405: ["METHOD_NOT_ALLOWED"],
    409: [
      ...["ROLLOUT_EXISTS", "ROLLOUT_CHANGED_MEANWHILE", "ROLLOUT_ACTION_NOT_ALLOWED"],
      ...["DEVICE_ALREADY_ENROLLED", "DEVICE_KEY_ALREADY_ENROLLED", "VERSION_ALREADY_PUBLISHED"],
      ...["REPORTS_GAP", "REPORTS_EPOCH_UNKNOWN", "REPORTS_REPLAYED", "DEVICE_CLONED"],
      ...["ALREADY_RECALLED", "NOTHING_TO_ASSIGN"],
    ],
    413: ["BODY_TOO_LARGE", "WIRE_TOO_LARGE"],
    416: ["RANGE_NOT_SATISFIABLE"],
    500: ["INTERNAL"],
    503: ["DATABASE_LOCKED", "DATABASE_UNAVAILABLE", "SIGNER_UNAVAILABLE", "SIGNER_WRONG"],
  }).flatMap(([status, codes]) => codes.map((code) => [code, Number(status)] as const)),
);

const TITLES: ReadonlyMap<number, string> = new Map([
  [400, "The request is not readable"],
  [401, "The request is not authenticated"],
  [403, "The request is not allowed"],
  [404, "There is nothing here"],
  [405, "The method is not allowed here"],
  [409, "The request conflicts with the present state"],
  [413, "The request is too large"],
  [416, "The range is not satisfiable"],
  [422, "The request was refused"],
  [500, "The server failed"],
  [503, "The server cannot answer now"],
]);

export function statusOf(code: string): number {
  return STATUS_BY_CODE.get(code) ?? 422;
}

export interface InvalidField {
  readonly path: string;
  readonly message: string;
}

export function problemOf(
  failure: Failure,
  requestId: string,
  errors?: readonly InvalidField[],
): ProblemDetails {
  const status = statusOf(failure.code);
  return {
    type: "about:blank",
    title: TITLES.get(status) ?? "The request was refused",
    status,
    detail: failure.message,
    code: failure.code,
    instance: `urn:request:${requestId}`,
    ...(errors && { errors: [...errors] }),
  };
}

/** What became of a thrown error: the world's failures keep their code, bugs say nothing of themselves. */
export function failureOf(thrown: unknown): Failure {
  const error = asDatabaseError(thrown);
  if (error instanceof CodedError) return failed(error.code, error.message, error.details);
  return failed("INTERNAL", "The server failed; its log says why under this request's number.");
}

export function sendProblem(response: ServerResponse, problem: ProblemDetails): void {
  if (response.headersSent) {
    response.destroy();
    return;
  }
  const body = Buffer.from(JSON.stringify(problem));
  const retryable = problem.status === 503 ? { "retry-after": "2" } : {};
  const headers = { "content-type": PROBLEM_MEDIA_TYPE, "content-length": body.length };
  response.writeHead(problem.status, { ...headers, ...retryable }).end(body);
}
