/** The hot routes of devices, in a plain listener in front of Express. */
import type { IncomingMessage, ServerResponse } from "node:http";
import { failed, type Result } from "../../../protocol/base/result.ts";
import { keyIdOf } from "../../../protocol/crypto/index.ts";
import {
  DEVICE_ROUTES,
  MESSAGE_MEDIA_TYPE,
  NONCE_HEADER,
  REQUEST_BYTES_MAX,
  type SignatureCode,
} from "../../../protocol/wire/index.ts";
import type { ServerContext } from "../context.ts";
import { failureOf, problemOf, sendProblem } from "../problem.ts";
import { requestIdOf } from "../request-id.ts";
import { isFileRoute, serveFile } from "../static-files.ts";
import { readBody } from "./body.ts";
import type { DeviceHandler } from "./call.ts";
import { checkIn } from "./check-in.ts";
import { enrol } from "./enrol.ts";
import { reports } from "./reports.ts";
import {
  checkSignature,
  createNonces,
  createVerifiers,
  type Nonces,
  type VerifySignature,
} from "./signatures.ts";

const HANDLERS: ReadonlyMap<string, DeviceHandler> = new Map([
  [DEVICE_ROUTES.enrol, enrol],
  [DEVICE_ROUTES.checkIn, checkIn],
  [DEVICE_ROUTES.reports, reports],
]);

/** Whether the request was one of ours; its answer may still be under way. */
export type Listener = (request: IncomingMessage, response: ServerResponse) => boolean;

export function createDeviceListener(context: ServerContext): Listener {
  const verifierOf = createVerifiers();
  const nonces = createNonces(context.randomBytes(32));
  return (request, response) => {
    const path = (request.url ?? "/").split("?", 1)[0] ?? "/";
    const handler = HANDLERS.get(path);
    const isFile = isFileRoute(path);
    if (!handler && !isFile) return false;
    const answered = handler
      ? answer({ request, response, context, handler, verifierOf, nonces })
      : serveFile({ request, response, path, files: context.files });
    answered.catch((error: unknown) => {
      const failure = failureOf(error);
      const requestId = requestIdOf(response);
      context.log.error({ error, requestId, path }, "a device's request failed");
      sendProblem(response, problemOf(failure, requestId));
    });
    return true;
  };
}

interface Exchange {
  readonly request: IncomingMessage;
  readonly response: ServerResponse;
  readonly context: ServerContext;
  readonly handler: DeviceHandler;
  readonly verifierOf: (publicKey: Uint8Array) => VerifySignature;
  readonly nonces: Nonces;
}

async function answer(exchange: Exchange): Promise<void> {
  const { request, response, context, handler, verifierOf, nonces } = exchange;
  const refuse = (failure: ReturnType<typeof failed>): void =>
    sendProblem(response, problemOf(failure, requestIdOf(response)));
  if (request.method !== "POST") {
    return refuse(failed("METHOD_NOT_ALLOWED", "Devices send their messages with POST."));
  }
  const body = await readBody(request, REQUEST_BYTES_MAX);
  if (!body.ok) {
    // What is still coming is not read: the connection ends with the answer.
    response.setHeader("connection", "close");
    return refuse(body);
  }
  const authenticate = (publicKey: Uint8Array): Result<null, SignatureCode> => {
    const now = context.clock();
    const verify = verifierOf(publicKey);
    const checked = checkSignature({ request, body: body.value, publicKey, verify, now, nonces });
    if (!checked.ok && checked.code === "SIGNATURE_CLOCK_SKEW") {
      response.setHeader(NONCE_HEADER, nonces.issue(keyIdOf(publicKey), now));
    }
    return checked;
  };
  const reply = await handler({ context, body: body.value, verifierOf, authenticate });
  if (!reply.ok) return refuse(reply);
  const { length } = reply.value;
  response
    .writeHead(200, { "content-type": MESSAGE_MEDIA_TYPE, "content-length": length })
    .end(reply.value);
}
