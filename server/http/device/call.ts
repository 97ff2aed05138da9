/** What a handler of a device's messages is given. */
import type { Result } from "../../../protocol/base/result.ts";
import type { SignatureCode } from "../../../protocol/wire/index.ts";
import type { ServerContext } from "../context.ts";
import type { VerifySignature } from "./signatures.ts";

export interface DeviceCall {
  readonly context: ServerContext;
  readonly body: Uint8Array;
  readonly verifierOf: (publicKey: Uint8Array) => VerifySignature;
  /** Whether this request was signed with that key. */
  readonly authenticate: (publicKey: Uint8Array) => Result<null, SignatureCode>;
}

/** A message in, a message out. */
export type DeviceHandler = (call: DeviceCall) => Promise<Result<Uint8Array>>;
