/** Reads a request's body up to a limit. */
import type { IncomingMessage } from "node:http";
import { failed, succeeded, type Result } from "../../../protocol/base/result.ts";

export async function readBody(
  request: IncomingMessage,
  bytesMax: number,
): Promise<Result<Uint8Array, "BODY_TOO_LARGE">> {
  const pieces: Buffer[] = [];
  let bytes = 0;
  for await (const piece of request as AsyncIterable<Buffer>) {
    bytes += piece.length;
    if (bytes > bytesMax) {
      const message = `The request's body has more than ${bytesMax} bytes.`;
      return failed("BODY_TOO_LARGE", message, { bytesMax });
    }
    pieces.push(piece);
  }
  return succeeded(new Uint8Array(Buffer.concat(pieces)));
}
