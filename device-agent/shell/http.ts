/** HTTP as the agent needs it: every request with a time limit and a size limit, failures as values. */
import { failed, succeeded, type Result } from "../../protocol/base/result.ts";
import type { Fetch } from "../update/index.ts";

export interface HttpRequest {
  readonly method: "GET" | "POST";
  readonly url: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly body?: Uint8Array;
  readonly bytesMax: number;
  /** Without a single byte coming. */
  readonly silenceMsMax: number;
  /** From the first byte asked to the last one come: an answer that trickles is no answer. */
  readonly durationMsMax?: number;
  /** Takes the body of a good answer (2xx) piece by piece; it stops when this answers false. */
  readonly onPiece?: (bytes: Uint8Array, status: number) => Promise<boolean>;
}

export interface HttpResponse {
  readonly status: number;
  /** Names in lower case. */
  readonly headers: ReadonlyMap<string, string>;
  /** Empty where `onPiece` took it. */
  readonly body: Uint8Array;
}

export type HttpCode = "SERVER_DOWN" | "SERVER_TIMEOUT" | "ANSWER_TOO_LARGE";

export interface Http {
  send(request: HttpRequest): Promise<Result<HttpResponse, HttpCode>>;
}

export const SILENCE_MS_MAX = 15_000;
/** For a whole answer: a server that sends a byte now and then holds nothing up for longer. */
export const ANSWER_MS_MAX = 120_000;

export function isGood({ status }: HttpResponse): boolean {
  return status >= 200 && status < 300;
}

/** Whole files by their path; what is forbidden is as absent as what is not there, for a bucket says no more. */
export function fetchOver(http: Http, urlOf: (path: string) => string): Fetch {
  return async (path, bytesMax) => {
    const limits = { bytesMax, silenceMsMax: SILENCE_MS_MAX, durationMsMax: ANSWER_MS_MAX };
    const answer = await http.send({ method: "GET", url: urlOf(path), headers: {}, ...limits });
    if (!answer.ok) {
      const code = answer.code === "ANSWER_TOO_LARGE" ? "FETCH_TOO_LARGE" : "FETCH_FAILED";
      return failed(code, answer.message, { path });
    }
    if (isGood(answer.value)) return succeeded(answer.value.body);
    const { status } = answer.value;
    const code = status === 404 || status === 403 ? "NOT_FOUND" : "FETCH_FAILED";
    return failed(code, `${path}: the server answered ${status}.`, { path, status });
  };
}

const TOO_SLOW = "too slow";

export const machineHttp: Http = {
  send: async (request) => {
    const controller = new AbortController();
    let timer = setTimeout(() => controller.abort(), request.silenceMsMax);
    const { durationMsMax } = request;
    const whole =
      durationMsMax === undefined
        ? undefined
        : setTimeout(() => controller.abort(TOO_SLOW), durationMsMax);
    const stillAlive = (): void => {
      clearTimeout(timer);
      timer = setTimeout(() => controller.abort(), request.silenceMsMax);
    };
    try {
      const { method, headers, body } = request;
      const response = await fetch(request.url, {
        ...{ method, headers, redirect: "error", signal: controller.signal },
        ...(body ? { body: new Uint8Array(body) } : {}),
      });
      stillAlive();
      const pause = (): void => clearTimeout(timer);
      return await readAnswer(request, response, { stillAlive, pause });
    } catch (error) {
      const why = reasonOf(error);
      if (!controller.signal.aborted) return failed("SERVER_DOWN", `No connection: ${why}.`);
      if (controller.signal.reason === TOO_SLOW) {
        const message = `The answer was not complete after ${durationMsMax} ms.`;
        return failed("SERVER_TIMEOUT", message, { durationMsMax: durationMsMax ?? 0 });
      }
      const message = `The server was silent for ${request.silenceMsMax} ms.`;
      return failed("SERVER_TIMEOUT", message, { silenceMsMax: request.silenceMsMax });
    } finally {
      clearTimeout(timer);
      clearTimeout(whole);
    }
  },
};

async function readAnswer(
  request: HttpRequest,
  response: Response,
  { stillAlive, pause }: { readonly stillAlive: () => void; readonly pause: () => void },
): Promise<Result<HttpResponse, HttpCode>> {
  const { bytesMax, onPiece } = request;
  const take = response.ok ? onPiece : undefined;
  const pieces: Uint8Array[] = [];
  let bytes = 0;
  for await (const piece of (response.body ?? []) as AsyncIterable<Uint8Array>) {
    stillAlive();
    bytes += piece.length;
    if (bytes > bytesMax) {
      return failed("ANSWER_TOO_LARGE", `The answer has more than ${bytesMax} bytes.`);
    }
    if (!take) pieces.push(piece);
    else {
      // Whoever takes the piece may be slow on purpose: that is not the server's silence.
      pause();
      if (!(await take(piece, response.status))) break;
      stillAlive();
    }
  }
  const body = new Uint8Array(Buffer.concat(pieces));
  return succeeded({ status: response.status, headers: new Map(response.headers), body });
}

function reasonOf(error: unknown): string {
  const cause = error instanceof Error && error.cause instanceof Error ? error.cause : error;
  return cause instanceof Error ? cause.message : String(cause);
}
