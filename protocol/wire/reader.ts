/** Checks of single fields: each gives the branded value or throws a CodedError that the decoder returns. */
import { instant, isIdentifier, isSha256, type Instant, type Sha256 } from "../base/brand.ts";
import { fromHex, hex } from "../base/bytes.ts";
import { assert } from "../base/assert.ts";
import { CodedError, failed, succeeded, toFailure, type Result } from "../base/result.ts";
import { isSemver } from "../base/semver.ts";
import type { DriverRef } from "./messages.ts";

export type WireCode = "WIRE_TOO_LARGE" | "WIRE_MALFORMED" | "WIRE_FIELD_INVALID";

/** Anything protobufjs gives for a 64-bit field. */
export type Whole = number | { toString(): string };

interface Driver {
  readonly version?: string | null;
  readonly sha256?: Uint8Array | null;
}

/** Runs a decoder over bytes from outside: oversized, malformed and invalid input become values. */
export function decodeWith<M, T>(
  bytes: Uint8Array,
  bytesMax: number,
  steps: { parse: (bytes: Uint8Array) => M; check: (message: M) => T },
): Result<T, WireCode> {
  if (bytes.length > bytesMax) {
    const details = { bytes: bytes.length, bytesMax };
    return failed("WIRE_TOO_LARGE", `The message has more than ${bytesMax} bytes.`, details);
  }
  let message: M;
  try {
    message = steps.parse(bytes);
  } catch (error) {
    return failed("WIRE_MALFORMED", `The message is not readable: ${String(error)}.`);
  }
  try {
    return succeeded(steps.check(message));
  } catch (error) {
    if (error instanceof CodedError) return toFailure(error as CodedError<WireCode>);
    throw error;
  }
}

export function invalid(field: string, why: string): never {
  throw new CodedError<WireCode>("WIRE_FIELD_INVALID", `The field ${field} ${why}.`, { field });
}

export function required<T>(value: T | null | undefined, field: string): T {
  return value ?? invalid(field, "is missing");
}

export function identifier<T extends string>(value: string, field: string): T {
  return isIdentifier(value) ? (value as T) : invalid(field, "is not an identifier");
}

export function text(value: string, field: string, lengthMax: number): string {
  return value.length <= lengthMax
    ? value
    : invalid(field, `has more than ${lengthMax} characters`);
}

function versionText(value: string, field: string): string {
  return isSemver(value) ? value : invalid(field, "is not a semantic version");
}

/** A 64-bit field as a number: at most 2^53 - 1. */
export function whole(value: Whole, field: string): number {
  const number = typeof value === "number" ? value : Number(value.toString());
  return Number.isSafeInteger(number) && number >= 0 ? number : invalid(field, "is too large");
}

export function positive(value: Whole, field: string): number {
  const number = whole(value, field);
  return number > 0 ? number : invalid(field, "is zero");
}

export function time(value: Whole, field: string): Instant {
  return instant(whole(value, field));
}

export function sha256Field(value: Uint8Array, field: string): Sha256 {
  const digits = hex(value);
  return isSha256(digits) ? digits : invalid(field, "is not a SHA-256");
}

export function driver(value: Driver | null | undefined, field: string): DriverRef {
  const message = required(value, field);
  return {
    version: versionText(message.version ?? "", `${field}.version`),
    sha256: sha256Field(message.sha256 ?? new Uint8Array(0), `${field}.sha256`),
  };
}

/** The wire form of a hexadecimal hash that this program made itself. */
export function hashBytes(digits: Sha256): Uint8Array {
  const bytes = fromHex(digits);
  assert(bytes?.length === 32, "a Sha256 has 64 digits");
  return bytes;
}
