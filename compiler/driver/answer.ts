/** Answers on the ABI: progress, bulk bytes in pieces, one final reply. */
import type { Sha256 } from "../../protocol/base/brand.ts";
import { sha256Hex } from "../../protocol/crypto/hash.ts";
import { encodeReply, FAILURE_CODES, PIECE_BYTES_MAX } from "../../protocol/abi/index.ts";
import type {
  CompileSummary,
  DriverHost,
  DriverIdentity,
  FailureCode,
  ReferenceSummary,
} from "../../protocol/abi/index.ts";
import type { Failure } from "../../protocol/base/result.ts";

export interface Answer {
  progress(stage: string, fraction: number): void;
  /** Sends the bytes in pieces and returns their name. */
  blob(bytes: Uint8Array): Sha256;
  described(driver: DriverIdentity): void;
  compiled(summary: CompileSummary): void;
  referenced(reference: ReferenceSummary): void;
  failed(failure: Failure): void;
}

export function answerTo(id: number, host: DriverHost): Answer {
  return {
    progress: (stage, fraction) =>
      host.reply(encodeReply({ id, outcome: "progress", stage, fraction })),
    blob: (bytes) => sendBlob(id, host, bytes),
    described: (driver) => host.reply(encodeReply({ id, outcome: "described", driver })),
    compiled: (summary) => host.reply(encodeReply({ id, outcome: "compiled", summary })),
    referenced: (reference) => host.reply(encodeReply({ id, outcome: "referenced", reference })),
    failed: ({ code, message, details }) => {
      const where = String(details["node"] ?? "");
      host.reply(encodeReply({ id, outcome: "failed", code: failureCode(code), message, where }));
    },
  };
}

function sendBlob(id: number, host: DriverHost, bytes: Uint8Array): Sha256 {
  const sha256 = sha256Hex(bytes);
  let offset = 0;
  do {
    const piece = bytes.subarray(offset, offset + PIECE_BYTES_MAX);
    offset += piece.length;
    const last = offset >= bytes.length;
    host.reply(encodeReply({ id, outcome: "blob", sha256, bytes: piece, last }));
  } while (offset < bytes.length);
  return sha256;
}

function failureCode(code: string): FailureCode {
  return FAILURE_CODES.find((known) => known === code) ?? "INTERNAL";
}
