/** Branded types: parsed once at the edge, never re-checked inside. */

declare const BRAND: unique symbol;
export type Brand<T, Name extends string> = T & { readonly [BRAND]: Name };

export type TenantId = Brand<string, "TenantId">;
export type DeviceId = Brand<string, "DeviceId">;
export type RolloutId = Brand<string, "RolloutId">;
export type ModelId = Brand<string, "ModelId">;
/** A SHA-256 in 64 lower-case hexadecimal digits. */
export type Sha256 = Brand<string, "Sha256">;
/** UTC, milliseconds since 1970. */
export type Instant = Brand<number, "Instant">;

const IDENTIFIER = /^[A-Za-z0-9][A-Za-z0-9._-]{0,127}$/;

export function isIdentifier(text: string): boolean {
  return IDENTIFIER.test(text);
}

export function isSha256(text: string): text is Sha256 {
  return /^[0-9a-f]{64}$/.test(text);
}

/** Names what a plain text is, where the caller has just checked or made it. */
export function brand<T extends string>(value: string): T {
  return value as T;
}

export function instant(milliseconds: number): Instant {
  return milliseconds as Instant;
}
