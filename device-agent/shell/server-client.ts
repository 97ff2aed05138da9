/** What the agent says to a server: signed messages, metadata and targets. */
import type { Clock } from "../host/index.ts";
import { failed, succeeded, type Result } from "../../protocol/base/result.ts";
import type { Signer } from "../../protocol/crypto/index.ts";
import {
  decodeCheckInReply,
  decodeEnrolReply,
  decodeReportAck,
  DEVICE_ROUTES,
  encodeCheckInRequest,
  encodeEnrolRequest,
  MESSAGE_MEDIA_TYPE,
  NONCE_HEADER,
  problemDetails,
  repositoryRoute,
  REQUEST_BYTES_MAX,
  signRequest,
  type CheckInReply,
  type CheckInRequest,
  type EnrolReply,
  type EnrolRequest,
  type ReportAck,
  type WireCode,
} from "../../protocol/wire/index.ts";
import type { ReadFrom } from "../slots/index.ts";
import type { Fetch } from "../update/index.ts";
import { ANSWER_MS_MAX, fetchOver, isGood, SILENCE_MS_MAX } from "./http.ts";
import type { Http, HttpCode, HttpResponse } from "./http.ts";

export interface ServerClientOptions {
  readonly serverUrl: string;
  readonly http: Http;
  readonly clock: Clock;
}

/** `SERVER_REFUSED`: the server answered with a problem, whose own code is in `details.code`. */
export type ServerCode = HttpCode | WireCode | "SERVER_REFUSED" | "SERVER_BUSY";
type Answer<T> = Promise<Result<T, ServerCode>>;

export interface ServerClient {
  enrol(request: EnrolRequest, signer: Signer): Answer<EnrolReply>;
  checkIn(request: CheckInRequest, signer: Signer): Answer<CheckInReply>;
  /** A batch signed by `signReports`. */
  sendReports(batch: Uint8Array, signer: Signer): Answer<ReportAck>;
  /** Metadata and small targets, by their path in the repository. */
  readonly fetch: Fetch;
  /** A target from an offset on. */
  readTarget(path: string, bytesMax: number): ReadFrom<ServerCode>;
}

/** For one answer with a bundle or a delta: what is missing then comes after the next check-in, from where it stopped. */
const DOWNLOAD_MS_MAX = 3_600_000;
const PROBLEM_BYTES_MAX = 1 << 16;
const PARTIAL_CONTENT = 206;

export function serverClient(options: ServerClientOptions): ServerClient {
  const { http, clock, serverUrl } = options;
  const urlOf = (path: string): string => new URL(path, serverUrl).href;

  const post = async (path: string, body: Uint8Array, signer: Signer): Answer<Uint8Array> => {
    const attempt = async (nonce?: string): Answer<HttpResponse> => {
      const createdSeconds = Math.floor(clock.now() / 1000);
      const signature = await signRequest(
        { method: "POST", path, query: "", body },
        { signer, createdSeconds, ...(nonce === undefined ? {} : { nonce }) },
      );
      const headers = { "content-type": MESSAGE_MEDIA_TYPE, ...signature };
      const limits = {
        ...{ bytesMax: REQUEST_BYTES_MAX, silenceMsMax: SILENCE_MS_MAX },
        durationMsMax: ANSWER_MS_MAX,
      };
      return http.send({ method: "POST", url: urlOf(path), headers, body, ...limits });
    };
    const first = await attempt();
    const nonce = first.ok && first.value.status === 401 && first.value.headers.get(NONCE_HEADER);
    // A device with a wrong clock proves with the server's nonce that it is no replay.
    const answer = nonce ? await attempt(nonce) : first;
    if (!answer.ok) return answer;
    return isGood(answer.value) ? succeeded(answer.value.body) : problemOf(answer.value);
  };

  return {
    enrol: async (request, signer) => {
      const answer = await post(DEVICE_ROUTES.enrol, encodeEnrolRequest(request), signer);
      return answer.ok ? decodeEnrolReply(answer.value) : answer;
    },
    checkIn: async (request, signer) => {
      const answer = await post(DEVICE_ROUTES.checkIn, encodeCheckInRequest(request), signer);
      return answer.ok ? decodeCheckInReply(answer.value) : answer;
    },
    sendReports: async (batch, signer) => {
      const answer = await post(DEVICE_ROUTES.reports, batch, signer);
      return answer.ok ? decodeReportAck(answer.value) : answer;
    },
    fetch: fetchOver(http, (path) => urlOf(repositoryRoute(path))),
    readTarget: (path, bytesMax) => async (offset, onPiece) => {
      const answer = await http.send({
        method: "GET",
        url: urlOf(repositoryRoute(path)),
        headers: { range: `bytes=${offset}-` },
        bytesMax,
        silenceMsMax: SILENCE_MS_MAX,
        durationMsMax: DOWNLOAD_MS_MAX,
        onPiece: skipping(offset, onPiece),
      });
      if (!answer.ok) return answer;
      return isGood(answer.value) ? succeeded(undefined) : problemOf(answer.value);
    },
  };
}

/** A server that ignores ranges begins at the beginning. */
function skipping(offset: number, onPiece: (bytes: Uint8Array) => Promise<boolean>) {
  let toSkip = offset;
  return async (bytes: Uint8Array, status: number): Promise<boolean> => {
    if (status === PARTIAL_CONTENT || toSkip === 0) return onPiece(bytes);
    const rest = bytes.subarray(toSkip);
    toSkip -= bytes.length - rest.length;
    return rest.length === 0 || onPiece(rest);
  };
}

function problemOf(response: HttpResponse): Result<never, ServerCode> {
  const { status, body } = response;
  const problem = readProblem(body.subarray(0, PROBLEM_BYTES_MAX));
  const code = status === 429 || status >= 500 ? "SERVER_BUSY" : "SERVER_REFUSED";
  const message = problem
    ? `${problem.title}: ${problem.detail}`
    : `The server answered ${status}.`;
  return failed(code, message, { status, code: problem?.code ?? "" });
}

function readProblem(body: Uint8Array) {
  try {
    const parsed = problemDetails.safeParse(JSON.parse(new TextDecoder().decode(body)));
    return parsed.success ? parsed.data : undefined;
  } catch {
    // Not JSON: a proxy's answer, of which the status says enough.
    return undefined;
  }
}
