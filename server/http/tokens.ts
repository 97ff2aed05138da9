/** Bearer tokens: made once, shown once, kept as hashes. */
import { createHash, timingSafeEqual } from "node:crypto";
import { brand, isIdentifier, type TenantId } from "../../protocol/base/brand.ts";
import { hex } from "../../protocol/base/bytes.ts";
import { failed, succeeded, type Result } from "../../protocol/base/result.ts";
import { TOKEN_LENGTH_MAX } from "../../protocol/wire/index.ts";
import {
  OPERATOR_ROLES,
  type OperatorRole,
  type OperatorToken,
  type Store,
} from "../store/index.ts";

const ID_BYTES = 6;
const SECRET_BYTES = 32;
/** Stands in no identifier and needs no escape in a header. */
const SEPARATOR = "~";

export interface MintedToken {
  readonly id: string;
  readonly secretSha256: Uint8Array;
  /** `kind~…~id~secret`: what the bearer keeps. */
  readonly text: string;
}

/** `scope` comes before the number: the tenant for operators, nothing for devices, who name it anyway. */
export function mintToken(
  kind: "operator" | "enrol",
  scope: readonly string[],
  randomBytes: (count: number) => Uint8Array,
): MintedToken {
  const id = hex(randomBytes(ID_BYTES));
  const secret = Buffer.from(randomBytes(SECRET_BYTES)).toString("base64url");
  const text = [kind, ...scope, id, secret].join(SEPARATOR);
  return { id, secretSha256: secretSha256(secret), text };
}

export function secretSha256(secret: string): Uint8Array {
  // The secret is random and long: a slow hash would guard nothing.
  return new Uint8Array(createHash("sha256").update(secret).digest());
}

/** Undefined when the text is none of ours. */
export function parseEnrolmentToken(
  text: string,
): { readonly id: string; readonly secretSha256: Uint8Array } | undefined {
  const [kind, id, secret, ...more] = text.split(SEPARATOR);
  if (kind !== "enrol" || !id || !secret || more.length > 0) return undefined;
  return isIdentifier(id) ? { id, secretSha256: secretSha256(secret) } : undefined;
}

export interface Operator {
  readonly tenant: TenantId;
  readonly tokenId: string;
  readonly name: string;
  readonly role: OperatorRole;
}

export type TokenCode = "TOKEN_MISSING" | "TOKEN_INVALID" | "ROLE_NOT_ALLOWED";

/** Who sends this `Authorization` header, provided that their role suffices. */
export async function authenticate(
  authorization: string | undefined,
  needed: OperatorRole,
  store: Pick<Store, "tenants">,
): Promise<Result<Operator, TokenCode>> {
  const text = /^Bearer ([^\s]+)$/i.exec(authorization ?? "")?.[1];
  if (text === undefined) {
    return failed("TOKEN_MISSING", "Send an operator token: `Authorization: Bearer …`.");
  }
  const token = await findToken(text, store);
  if (!token) return failed("TOKEN_INVALID", "The token is unknown or revoked.");
  const { tenant, id, name, role } = token;
  if (OPERATOR_ROLES.indexOf(role) < OPERATOR_ROLES.indexOf(needed)) {
    const message = `This needs the role ${needed}; the token has the role ${role}.`;
    return failed("ROLE_NOT_ALLOWED", message, { needed, role });
  }
  return succeeded({ tenant, tokenId: id, name, role });
}

async function findToken(
  text: string,
  store: Pick<Store, "tenants">,
): Promise<OperatorToken | undefined> {
  if (text.length > TOKEN_LENGTH_MAX + 128) return undefined;
  const [kind, tenant, id, secret, ...more] = text.split(SEPARATOR);
  if (kind !== "operator" || !tenant || !id || !secret || more.length > 0) return undefined;
  if (!isIdentifier(tenant) || !isIdentifier(id)) return undefined;
  const token = await store.tenants.operatorToken(brand<TenantId>(tenant), id);
  if (!token || token.revokedAt !== null) return undefined;
  return timingSafeEqual(token.secretSha256, secretSha256(secret)) ? token : undefined;
}
