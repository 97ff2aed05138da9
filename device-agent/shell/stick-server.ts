/** The files of a stick in the place of a server: the same questions, and nobody to talk to. */
import { failed, succeeded } from "../../protocol/base/result.ts";
import type { ServerClient } from "./server-client.ts";

const PIECE_BYTES = 1 << 18;

export function stickServer(files: ReadonlyMap<string, Uint8Array>): ServerClient {
  const offline = () =>
    Promise.resolve(failed("SERVER_DOWN", "There is no server on a stick.") as never);
  return {
    enrol: offline,
    checkIn: offline,
    sendReports: offline,
    fetch: (path, bytesMax) => {
      const bytes = files.get(path);
      if (!bytes)
        return Promise.resolve(failed("NOT_FOUND", `The stick has no ${path}.`, { path }));
      const isLarge = bytes.length > bytesMax;
      const message = `${path} on the stick has more than ${bytesMax} bytes.`;
      return Promise.resolve(
        isLarge ? failed("FETCH_TOO_LARGE", message, { path }) : succeeded(bytes),
      );
    },
    readTarget: (path) => async (offset, onPiece) => {
      const bytes = files.get(path);
      if (!bytes) return failed("SERVER_REFUSED", `The stick has no ${path}.`, { path });
      for (let at = offset; at < bytes.length; at += PIECE_BYTES) {
        if (!(await onPiece(bytes.subarray(at, at + PIECE_BYTES)))) break;
      }
      return succeeded(undefined);
    },
  };
}
