/** Enrolment messages: encode, and decode with every check. */
import { isAcceptablePublicKey } from "../crypto/index.ts";
import type { Result } from "../base/result.ts";
import { retile } from "./generated/wire.js";
import { POLL_INTERVAL_SECONDS_MAX, REQUEST_BYTES_MAX, TOKEN_LENGTH_MAX } from "./limits.ts";
import type { EnrolReply, EnrolRequest } from "./messages.ts";
import {
  decodeWith,
  identifier,
  invalid,
  positive,
  text,
  time,
  whole,
  type WireCode,
} from "./reader.ts";

const v1 = retile.wire.v1;

export function encodeEnrolRequest(request: EnrolRequest): Uint8Array {
  return v1.EnrolRequest.encode(request).finish();
}

/** Refuses public keys of small order: whoever enrols one could never be told apart. */
export function decodeEnrolRequest(bytes: Uint8Array): Result<EnrolRequest, WireCode> {
  return decodeWith(bytes, REQUEST_BYTES_MAX, {
    parse: (input) => v1.EnrolRequest.decode(input),
    check: (message) => ({
      tenant: identifier(message.tenant, "tenant"),
      device: identifier(message.device, "device"),
      publicKey: isAcceptablePublicKey(message.publicKey)
        ? new Uint8Array(message.publicKey)
        : invalid("public_key", "is not an acceptable Ed25519 key"),
      soc: identifier(message.soc, "soc"),
      agentVersion: identifier(message.agentVersion, "agent_version"),
      token: text(message.token, "token", TOKEN_LENGTH_MAX),
    }),
  });
}

export function encodeEnrolReply(reply: EnrolReply): Uint8Array {
  const { keyId, reportEpoch, pollIntervalSeconds, serverTime } = reply;
  const message = { keyId, reportEpoch, pollIntervalSeconds, serverTimeMs: serverTime };
  return v1.EnrolReply.encode(message).finish();
}

export function decodeEnrolReply(bytes: Uint8Array): Result<EnrolReply, WireCode> {
  return decodeWith(bytes, REQUEST_BYTES_MAX, {
    parse: (input) => v1.EnrolReply.decode(input),
    check: (message) => ({
      keyId: identifier(message.keyId, "key_id"),
      reportEpoch: positive(message.reportEpoch, "report_epoch"),
      pollIntervalSeconds: pollInterval(message.pollIntervalSeconds),
      serverTime: time(message.serverTimeMs, "server_time_ms"),
    }),
  });
}

export function pollInterval(value: number): number {
  const seconds = whole(value, "poll_interval_seconds");
  if (seconds <= POLL_INTERVAL_SECONDS_MAX) return seconds;
  return invalid("poll_interval_seconds", "is more than a week");
}
